import { OmoiError, type HistogramSpan, type HistogramValue } from '#telemetry';
import { openBuckets, type Buckets } from '../histograms/open-histogram.ts';
import { usesCustomBuckets } from '../histograms/schema.ts';
import { formatGeneral } from '../syntax/text-literals.ts';

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

/**
 * A histogram in the notation that `parseHistogram` reads, with what is 0 left out: equal histograms, and no others, are
 * written alike, however their buckets are kept. As Prometheus's `TestExpression`.
 */
export function histogramNotation(histogram: HistogramValue): string {
  const { count, counterReset, customBounds, schema, sum, zeroCount, zeroThreshold } = histogram;
  const fields: string[] = [];
  const add = (name: string, value: number): void => {
    if (value !== 0) fields.push(`${name}:${formatGeneral(value)}`);
  };
  add('schema', schema);
  add('count', count);
  add('sum', sum);
  add('z_bucket', zeroCount);
  add('z_bucket_w', zeroThreshold);
  if (usesCustomBuckets(histogram))
    fields.push(`custom_values:[${customBounds.map(formatGeneral).join(' ')}]`);
  if (counterReset !== 'unknown') fields.push(`counter_reset_hint:${counterReset}`);
  for (const [side, prefix] of [
    [openBuckets(histogram.positiveSpans, histogram.positiveCounts), ''],
    [openBuckets(histogram.negativeSpans, histogram.negativeCounts), 'n_'],
  ] as const) {
    for (const { first, counts } of runsOf(side)) {
      if (first !== 0) fields.push(`${prefix}offset:${first}`);
      fields.push(`${prefix}buckets:[${counts.map(formatGeneral).join(' ')}]`);
    }
  }
  return `{{${fields.join(' ')}}}`;
}

/** Empty buckets that are written between two others; where there are more, the others have an offset of their own. */
const MAX_WRITTEN_GAP = 1000;

/** The buckets from the first that is not empty to the last. */
function runsOf({
  counts,
  indexes,
}: Buckets): readonly { readonly first: number; readonly counts: number[] }[] {
  const runs: { readonly first: number; readonly counts: number[] }[] = [];
  for (const [at, count] of counts.entries()) {
    if (count === 0) continue;
    const index = indexes[at] ?? 0;
    const last = runs.at(-1);
    const gap = last ? index - last.first - last.counts.length : Infinity;
    if (!last || gap > MAX_WRITTEN_GAP) runs.push({ first: index, counts: [count] });
    else last.counts.push(...Array.from({ length: gap }, () => 0), count);
  }
  return runs;
}
