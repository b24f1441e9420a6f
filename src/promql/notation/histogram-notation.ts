import { OmoiError, type HistogramSpan, type HistogramValue } from '#telemetry';

const FIELD = /([a-z_]+)\s*:\s*(\[[^\]]*\]|[^\s[\]]+)/y;
const BLANK = /\s*/y;
const HINTS: ReadonlySet<string> = new Set(['unknown', 'reset', 'not_reset', 'gauge']);
const NUMBER_FIELDS: ReadonlySet<string> = new Set([
  'schema',
  'sum',
  'count',
  'z_bucket',
  'z_bucket_w',
  'offset',
  'n_offset',
]);
const LIST_FIELDS: ReadonlySet<string> = new Set(['buckets', 'n_buckets', 'custom_values']);

/**
 * A native histogram in promtool's notation: `{{schema:1 sum:5 count:4 offset:-1 buckets:[1 2 1]}}`. Further fields:
 * `z_bucket` (count of the zero bucket), `z_bucket_w` (its threshold), `n_offset` and `n_buckets` (negative side),
 * `custom_values` (bounds of schema −53), `counter_reset_hint` (unknown, reset, not_reset, gauge).
 * @throws OmoiError `query_invalid`
 */
export function parseHistogram(text: string): {
  readonly histogram: HistogramValue;
  readonly hintGiven: boolean;
} {
  const fields = parseFields(text);
  const numberAt = (name: string): number => toNumber(fields.get(name) ?? '0');
  const listAt = (name: string): readonly number[] =>
    (fields.get(name) ?? '[]').slice(1, -1).trim().split(/\s+/).filter(Boolean).map(toNumber);
  const positiveCounts = listAt('buckets');
  const negativeCounts = listAt('n_buckets');
  const hint = fields.get('counter_reset_hint');
  return {
    histogram: {
      schema: numberAt('schema'),
      count: numberAt('count'),
      sum: numberAt('sum'),
      zeroCount: numberAt('z_bucket'),
      zeroThreshold: numberAt('z_bucket_w'),
      positiveSpans: spansOf(numberAt('offset'), positiveCounts),
      positiveCounts,
      negativeSpans: spansOf(numberAt('n_offset'), negativeCounts),
      negativeCounts,
      customBounds: listAt('custom_values'),
      counterReset: isHint(hint) ? hint : 'unknown',
    },
    hintGiven: hint !== undefined,
  };
}

function parseFields(text: string): ReadonlyMap<string, string> {
  const body = text.slice(2, -2);
  const fields = new Map<string, string>();
  let at = skipBlank(body, 0);
  while (at < body.length) {
    FIELD.lastIndex = at;
    const [whole, name = '', value = ''] = FIELD.exec(body) ?? [];
    if (whole === undefined) throw invalid(text, `"${body.slice(at)}" is no field`);
    if (!isField(name, value)) throw invalid(text, `there is no field ${name} of such a value`);
    if (fields.has(name)) throw invalid(text, `the field ${name} is given twice`);
    fields.set(name, value);
    at = skipBlank(body, at + whole.length);
  }
  return fields;
}

function skipBlank(text: string, at: number): number {
  BLANK.lastIndex = at;
  return at + (BLANK.exec(text)?.[0].length ?? 0);
}

function isField(name: string, value: string): boolean {
  if (name === 'counter_reset_hint') return isHint(value);
  return value.startsWith('[') ? LIST_FIELDS.has(name) : NUMBER_FIELDS.has(name);
}

function isHint(text: string | undefined): text is HistogramValue['counterReset'] {
  return text !== undefined && HINTS.has(text);
}

function spansOf(offset: number, counts: readonly number[]): readonly HistogramSpan[] {
  return counts.length === 0 ? [] : [{ offset, length: counts.length }];
}

function toNumber(text: string): number {
  const match = /^([+-]?)inf$/i.exec(text);
  if (match) return match[1] === '-' ? -Infinity : Infinity;
  const value = Number(text);
  if (Number.isNaN(value) && !/^nan$/i.test(text)) throw invalid(text, 'it is no number');
  return value;
}

function invalid(text: string, problem: string): OmoiError {
  return new OmoiError('query_invalid', `"${text}" is no histogram: ${problem}`);
}
