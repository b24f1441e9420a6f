import { TemplateFailure } from '../templates/message-templates.ts';

/** A text as Go's encoder writes it in JSON: `<`, `>`, `&` and the two line separators of Unicode are escaped, too. */
export function goText(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Texts in the order of their bytes in UTF-8, which is that of Go's maps in JSON; JavaScript's own differs above U+FFFF. */
export function compareBytes(left: string, right: string): number {
  if (/[\ud800-\uffff]/.test(left + right)) return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Names and texts as a map of Go: sorted. */
export function goMap(texts: Readonly<Record<string, string>>): string {
  const members = Object.keys(texts)
    .sort(compareBytes)
    .map((name) => `${goText(name)}:${goText(texts[name] ?? '')}`);
  return `{${members.join(',')}}`;
}

/** What Go writes for the zero of a time. */
const ZERO_TIME = '0001-01-01T00:00:00Z';

/** A wall time as Go writes it: RFC 3339 in UTC, with as many digits below the second as it has. */
export function goTime(wallMs: number | null): string {
  if (wallMs === null) return ZERO_TIME;
  return new Date(wallMs).toISOString().replace(/\.?0*Z$/, 'Z');
}

/** A value of YAML as Go's encoder writes it. @throws TemplateFailure for infinities and what is no number, which JSON does not have */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return goText(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TemplateFailure(`${value} cannot be written in JSON`);
    return Object.is(value, -0) ? '-0' : String(value);
  }
  if (value instanceof Date) return goText(goTime(value.getTime()));
  if (Array.isArray(value)) return `[${value.map(goValue).join(',')}]`;
  const members = Object.entries(value)
    .sort(([left], [right]) => compareBytes(left, right))
    .map(([name, inner]) => `${goText(name)}:${goValue(inner)}`);
  return `{${members.join(',')}}`;
}
