import { METRIC_NAME_LABEL, OmoiError } from '#telemetry';
import { toNumber, type MatrixSeries } from './answer.ts';
import { askRange, type Range } from './ask.ts';
import type { ChartSeries } from './chart.ts';
import type { Server } from '../server-client.ts';

/** How often at most an expression is evaluated to find what lies between the points of a chart. */
const MAX_EVALUATIONS = 3600;
const MIN_RESOLUTION_MS = 1000;
/** A name, perhaps with matchers: its samples are known as they were written. */
const SELECTOR = /^\s*[A-Za-z_:][\w:]*\s*(\{[^{}]*\})?\s*$/;

interface Asked extends Range {
  readonly server: Server;
  readonly expression: string;
}

/**
 * Series of a chart, whose points become the peaks of their columns: the largest value behind the point before. Where what
 * is asked has no peaks (its series differ in their names alone, or the query is too much) they stay as they were.
 */
export async function withExtremes(
  series: readonly MatrixSeries[],
  asked: Asked,
): Promise<readonly ChartSeries[]> {
  if (series.length === 0) return series;
  const found = await Promise.all([extremes('max', asked), extremes('min', asked)]);
  const [peaks, lows] = found;
  if (!peaks || !lows) return series;
  return series.map((one) => {
    const peak = peaks.get(keyOf(one));
    const low = lows.get(keyOf(one));
    if (!peak || !low) return one;
    const last = finiteOf(one).at(-1);
    const least = finiteOf(low).reduce((lowest, value) => Math.min(lowest, value), Infinity);
    return {
      ...one,
      values: peak.values,
      ...(least < Infinity && { lowest: least }),
      ...(last !== undefined && { last }),
    };
  });
}

function finiteOf({ values }: MatrixSeries): readonly number[] {
  return values.map(([, text]) => toNumber(text)).filter((value) => Number.isFinite(value));
}

/** By the labels of the series without their name; null where the expression has none. */
async function extremes(
  which: 'max' | 'min',
  { server, expression, ...range }: Asked,
): Promise<ReadonlyMap<string, MatrixSeries> | null> {
  try {
    const { data } = await askRange(server, extremeOf(which, expression, range), range);
    return data.resultType === 'matrix' ? new Map(data.result.map((one) => [keyOf(one), one])) : null;
  } catch (thrown) {
    if (thrown instanceof OmoiError && thrown.code.startsWith('query_')) return null;
    throw thrown;
  }
}

/** The expression that is the largest, or the smallest, value of another one within each step. */
export function extremeOf(
  which: 'max' | 'min',
  expression: string,
  { startMs, endMs, stepMs }: Range,
): string {
  const apartMs = (endMs - startMs) / MAX_EVALUATIONS;
  const resolutionMs = Math.min(stepMs, Math.max(MIN_RESOLUTION_MS, Math.ceil(apartMs / 1000) * 1000));
  const over = `${which}_over_time`;
  // A newline ends a comment that the expression may end with.
  const between = `${over}((${expression}\n)[${stepMs}ms:${resolutionMs}ms])`;
  return SELECTOR.test(expression) ? `${over}(${expression.trim()}[${stepMs}ms]) or ${between}` : between;
}

function keyOf({ metric }: MatrixSeries): string {
  const { [METRIC_NAME_LABEL]: _name, ...labels } = metric;
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
