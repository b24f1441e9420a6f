import { labelsKey, parseDuration } from '#telemetry';
import { parseMetric, parseSeriesLine, type NotedSeries } from '#promql';

/** A series of a `load`, with when its samples began counting: ms after the sample's own time, null where unknown. */
export interface LoadedSeries extends NotedSeries {
  readonly startOffsetsMs: readonly (number | null)[];
}

const START_LINE = /^(\S+)@st\s+(.*)$/;
const ITEM = /^([+-]?\d+[a-z]*?)(?:([+-])(\d+[a-z]*?))?(?:x(\d+))?$/;

/** The lines of a `load`: a series, before which its starts may stand in a line `m{a="b"}@st -1m _ 30s+1sx3`. */
export function parseLoadedSeries(lines: readonly string[]): readonly LoadedSeries[] {
  const loaded: LoadedSeries[] = [];
  let starts: { readonly key: string; readonly offsetsMs: readonly (number | null)[] } | null = null;
  for (const line of lines) {
    const [, metric, items = ''] = START_LINE.exec(line) ?? [];
    if (metric !== undefined) {
      if (starts) throw new Error('an @st line without its series');
      starts = {
        key: labelsKey(parseMetric(metric)),
        offsetsMs: items.trim().split(/\s+/).flatMap(parseItem),
      };
      continue;
    }
    const series = parseSeriesLine(line);
    if (
      starts &&
      (starts.key !== labelsKey(series.labels) || starts.offsetsMs.length !== series.points.length)
    )
      throw new Error(`the @st line before ${line} is not of the same series and length`);
    loaded.push({ ...series, startOffsetsMs: starts?.offsetsMs ?? [] });
    starts = null;
  }
  if (starts) throw new Error('an @st line without its series');
  return loaded;
}

function parseItem(item: string): readonly (number | null)[] {
  const omitted = /^_(?:x(\d+))?$/.exec(item);
  if (omitted) return Array.from({ length: Number(omitted[1] ?? 1) }, () => null);
  const [, first, sign, change, times = '0'] = ITEM.exec(item) ?? [];
  if (first === undefined) throw new Error(`"${item}" is no start timestamp`);
  const stepMs = change === undefined ? 0 : durationMs(change) * (sign === '-' ? -1 : 1);
  return Array.from({ length: Number(times) + 1 }, (_, at) => durationMs(first) + at * stepMs);
}

function durationMs(text: string): number {
  const bare = text.replace(/^[+-]/, '');
  const ms = bare === '0' ? 0 : parseDuration(bare);
  if (ms === null) throw new Error(`"${text}" is no duration`);
  return text.startsWith('-') ? -ms : ms;
}
