import { visit, type Document } from 'yaml';
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
    Scalar: (key, scalar) => {
      if (scalar.type !== 'PLAIN' || scalar.tag !== undefined || key === 'key') return;
      if (typeof scalar.value !== 'string' || NULLS.has(scalar.value)) scalar.value = null;
    },
  });
  for (const { scalar, readBy } of scalars) {
    if (scalar.type !== 'PLAIN' || scalar.tag !== undefined || typeof scalar.value !== 'string') continue;
    const typed = typedBy(readBy, scalar.value);
    if (typed !== null) scalar.value = typed;
  }
}

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
