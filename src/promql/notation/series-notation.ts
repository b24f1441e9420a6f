import { emptyLabels, OmoiError, type HistogramValue, type Labels } from '#telemetry';
import { addHistograms, subtractHistograms } from '../histograms/arithmetic.ts';
import { parseExpression } from '../syntax/parser.ts';
import { parseHistogram } from './histogram-notation.ts';

/** One point of a series in notation. */
export type NotedPoint =
  | { readonly kind: 'none' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'float'; readonly value: number }
  | {
      readonly kind: 'histogram';
      readonly histogram: HistogramValue;
      /** Whether the counter reset hint was written, rather than left unknown. */
      readonly hintGiven: boolean;
    };

export interface NotedSeries {
  readonly labels: Labels;
  readonly points: readonly NotedPoint[];
}

/** The most points one item may stand for. */
const MAX_REPETITIONS = 1_000_000;

/**
 * A series as promtool's unit tests write it: `m{a="b"} 0+10x5 _ stale NaN {{schema:0 sum:1 count:1}}x3`. Points are
 * separated by blanks: a number, `_` (none), `stale`, `a+bxn` and `a-bxn` (n further points, each b more or less),
 * `axn` (a, then n times again), `_xn`, and native histograms, which take the same forms.
 * @throws OmoiError `query_invalid`
 */
export function parseSeriesLine(line: string): NotedSeries {
  const text = line.trim();
  const end = endOfMetric(text);
  return { labels: parseMetric(text.slice(0, end)), points: parsePoints(text.slice(end)) };
}

/** The points of a series, without its name: what promtool calls `values`. */
export function parsePoints(text: string): readonly NotedPoint[] {
  return [...openPoints(text).points()];
}

/** Points that are written down, to be gone through without holding all of them. */
export interface OpenedPoints {
  readonly count: number;
  /** From the first to the last. */
  points(): Generator<NotedPoint, void, void>;
}

/** As `parsePoints`, for series that may be long. @throws OmoiError `query_invalid` */
export function openPoints(text: string): OpenedPoints {
  const [unread] = text.replaceAll(ITEM, '').trim();
  if (unread !== undefined) throw invalid(text, `has a ${unread} that begins no point of a series`);
  const items = (text.match(ITEM) ?? []).map(parseItem);
  return {
    count: items.reduce((sum, { count }) => sum + count, 0),
    *points() {
      for (const item of items) yield* item.points();
    },
  };
}

/** The labels of `m{a="b"}`; `{}` has none. */
export function parseMetric(text: string): Labels {
  if (/^\{\s*\}$/.test(text)) return {};
  const selector = parseExpression(text);
  if (selector.kind !== 'vector_selector') throw invalid(text, 'is no metric');
  const labels = emptyLabels();
  for (const { name, operator, value } of selector.matchers) {
    if (operator !== '=') throw invalid(text, 'is no metric: labels are set with =');
    if (value !== '') labels[name] = value;
  }
  return labels;
}

function endOfMetric(text: string): number {
  const brace = /^[^\s{]*\{(?:[^"'`}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\}/.exec(text);
  return brace ? brace[0].length : (/^\S*/.exec(text)?.[0].length ?? 0);
}

const ITEM = /(?:\{\{[^}]*\}\}|[^\s{])+/g;
const REPEATED = /^(.*?)x(\d+)$/;
const HISTOGRAMS = /^(\{\{[^}]*\}\})(?:([+-])(\{\{[^}]*\}\}))?$/;
const NUMBER = String.raw`(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|inf|nan)`;
const NUMBERS = new RegExp(`^([+-]?${NUMBER})(?:([+-])(${NUMBER}))?$`, 'i');

function parseItem(item: string): OpenedPoints {
  const repeated = REPEATED.exec(item);
  const [, repeatedBase = item, countText = '0'] = repeated ?? [];
  const times = Number(countText);
  if (times > MAX_REPETITIONS) throw invalid(item, `repeats more than ${MAX_REPETITIONS} times`);
  if (repeatedBase === '_') return repeat({ kind: 'none' }, repeated ? times : 1);
  // Prometheus reads a word with what follows it: `stalex2`.
  if (repeated && /[a-z]$/i.test(repeatedBase)) throw invalid(item, 'is no point of a series');
  if (repeatedBase === 'stale') return repeat({ kind: 'stale' }, 1);
  const histograms = HISTOGRAMS.exec(repeatedBase);
  if (histograms) return histogramPoints(histograms, times);
  const numbers = NUMBERS.exec(repeatedBase);
  if (!numbers) throw invalid(item, 'is no point of a series');
  const [, first = '', sign = '+', change] = numbers;
  if (change !== undefined && !repeated) throw invalid(item, 'does not say how often: a+bxn');
  const step = toNumber(change ?? '0') * (sign === '-' ? -1 : 1);
  return {
    count: times + 1,
    *points() {
      let value = toNumber(first);
      for (let time = 0; time <= times; time++) {
        yield { kind: 'float', value };
        value += step;
      }
    },
  };
}

function repeat(point: NotedPoint, times: number): OpenedPoints {
  return {
    count: times,
    *points() {
      for (let time = 0; time < times; time++) yield point;
    },
  };
}

function histogramPoints(match: RegExpExecArray, times: number): OpenedPoints {
  const [text, first = '', sign, change] = match;
  const base = parseHistogram(first);
  const step = change === undefined ? null : parseHistogram(change);
  const hintGiven = step?.hintGiven ?? base.hintGiven;
  const next = (histogram: HistogramValue): HistogramValue => {
    if (!step) return histogram;
    const combined =
      sign === '-' ? subtractHistograms(histogram, step.histogram) : addHistograms(histogram, step.histogram);
    if (!combined) throw invalid(text, 'adds histograms of different kinds');
    return combined.histogram;
  };
  // What can't be added is refused here, before the first point is asked for.
  if (times > 0) next(base.histogram);
  return {
    count: times + 1,
    *points() {
      let { histogram } = base;
      for (let time = 0; time <= times; time++) {
        yield { kind: 'histogram', histogram, hintGiven };
        if (time < times) histogram = next(histogram);
      }
    },
  };
}

function toNumber(text: string): number {
  const lower = text.toLowerCase();
  if (lower.endsWith('inf')) return lower.startsWith('-') ? -Infinity : Infinity;
  return lower.endsWith('nan') ? NaN : Number(text);
}

function invalid(text: string, problem: string): OmoiError {
  return new OmoiError('query_invalid', `"${text}" ${problem}`);
}
