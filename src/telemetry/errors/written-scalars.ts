import { isScalar, visit, type Document, type Scalar } from 'yaml';
import { z } from 'zod';
import type { ReadScalar } from './read-by.ts';
import { takesAnything } from './schema-steps.ts';

/**
 * Gives the scalars of a document that was read as text the types that Go's YAML gives them: what stands without quotes is null
 * where it says so, and a truth or a number where a schema wants one, or takes anything; all else stays as it is written.
 * @param scalars with what reads each of them
 */
export function typeScalars(document: Document.Parsed, scalars: readonly ReadScalar[]): void {
  visit(document, {
    Pair: (_key, pair) => {
      // Go leaves out what stands under a null, in maps and in fields.
      if (isScalar(pair.key) && isNull(pair.key)) return visit.REMOVE;
      return undefined;
    },
    Scalar: (key, scalar) => {
      if (key !== 'key' && isNull(scalar)) scalar.value = null;
      else if (scalar.tag !== undefined) scalar.value = taggedValue(scalar.tag, scalar);
    },
  });
  for (const { scalar, readBy } of scalars) {
    const { type, tag } = scalar;
    const isTyped = tag === undefined ? type === 'PLAIN' : NUMBER_TAGS.has(tag);
    if (!isTyped || typeof scalar.value !== 'string') continue;
    const typed = typedBy(readBy, scalar.value);
    if (typed !== null) scalar.value = typed;
  }
}

const TAG = 'tag:yaml.org,2002:';
const NUMBER_TAGS: ReadonlySet<string> = new Set([`${TAG}int`, `${TAG}float`]);

/** Without quotes and without a tag, or with that of null. */
function isNull({ type, tag, value }: Scalar): boolean {
  const isWritten = value === null || (typeof value === 'string' && NULLS.has(value));
  return tag === `${TAG}null` ? isWritten : type === 'PLAIN' && tag === undefined && isWritten;
}

/** What a scalar with a tag says, as a text. @throws Error where it is not what the tag says */
function taggedValue(tag: string, { value, source }: Scalar): string {
  const text = value instanceof Uint8Array ? (source ?? '') : String(value);
  const isSo = TAGGED.get(tag);
  if (isSo !== undefined && !isSo(text))
    throw new Error(`${JSON.stringify(text)} is no !!${tag.slice(TAG.length)}`);
  return tag === `${TAG}binary` ? Buffer.from(text, 'base64').toString('utf8') : text;
}

const TAGGED: ReadonlyMap<string, (text: string) => boolean> = new Map<string, (text: string) => boolean>([
  [`${TAG}null`, () => false],
  [`${TAG}bool`, (text) => /^(?:true|True|TRUE|false|False|FALSE)$/.test(text)],
  [`${TAG}int`, (text) => WHOLE_NUMBER.test(text)],
  [
    `${TAG}float`,
    (text) => numberOf(text) !== null || /^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(text),
  ],
  [
    `${TAG}binary`,
    (text) =>
      /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.replaceAll(/\s/g, '')),
  ],
]);

/** The value as one of its readers wants it; null where it is to stay a text. */
function typedBy(readBy: readonly z.core.$ZodType[], text: string): boolean | number | null {
  if (readBy.some((reader) => reader instanceof z.ZodString)) return null;
  const any = readBy.some(takesAnything);
  const truth = any || readBy.some((reader) => reader instanceof z.ZodBoolean) ? TRUTHS.get(text) : undefined;
  if (truth !== undefined) return truth;
  return any || readBy.some((reader) => reader instanceof z.ZodNumber) ? numberOf(text) : null;
}

const NULLS: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);
const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(
    (word) => [word, true] as const,
  ),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(
    (word) => [word, false] as const,
  ),
]);
const WHOLE_NUMBER = /^([-+]?)(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** What YAML writes for what is no finite number. */
const INFINITE = /^([-+]?)\.(?:inf|Inf|INF)$/;
const NO_NUMBERS: ReadonlySet<string> = new Set(['.nan', '.NaN', '.NAN']);

function numberOf(text: string): number | null {
  const whole = WHOLE_NUMBER.exec(text);
  if (!whole) {
    if (FLOAT.test(text)) return Number(text);
    const infinite = INFINITE.exec(text);
    if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
    return NO_NUMBERS.has(text) ? Number.NaN : null;
  }
  const digits = (whole[2] ?? '').replaceAll('_', '');
  const isOctal = /^0[0-7]+$/.test(digits);
  const size = Number(isOctal ? `0o${digits}` : digits);
  return whole[1] === '-' ? -size : size;
}
