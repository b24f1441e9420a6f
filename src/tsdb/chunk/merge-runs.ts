import { SampleColumns } from './sample-columns.ts';

/** Samples looked at or moved between two chances to pause: a fraction of a millisecond. */
const SAMPLES_AT_ONCE = 50_000;

/**
 * As `SampleColumns.sortFrom(0)`, with pauses, for columns of any length: the stretches that are in order already are
 * merged pair by pair until one is left. Of two samples with the same time the one that was added first stays.
 */
export function* mergeRuns(columns: SampleColumns): Generator<void, void, void> {
  let ends = yield* endsOfRuns(columns);
  if (ends.length <= 1) return;
  let source: SampleColumns = columns;
  let target = new SampleColumns(columns.length);
  while (ends.length > 1) {
    ends = yield* mergePairs(source, target, ends);
    [source, target] = [target, source];
  }
  if (source !== columns) columns.takeFrom(source);
}

/** Behind the last sample of each stretch of ascending times. */
function* endsOfRuns({ timestampsMs, length }: SampleColumns): Generator<void, number[], void> {
  const ends: number[] = [];
  for (let from = 1; from < length; from += SAMPLES_AT_ONCE) {
    const to = Math.min(length, from + SAMPLES_AT_ONCE);
    for (let at = from; at < to; at++) {
      if ((timestampsMs[at - 1] ?? 0) >= (timestampsMs[at] ?? 0)) ends.push(at);
    }
    yield;
  }
  ends.push(length);
  return ends;
}

/** Merges the first run with the second, the third with the fourth, and so on; answers where the merged ones end. */
function* mergePairs(
  source: SampleColumns,
  target: SampleColumns,
  ends: readonly number[],
): Generator<void, number[], void> {
  const merged: number[] = [];
  const pair = { left: 0, leftEnd: 0, right: 0, rightEnd: 0 };
  let room = SAMPLES_AT_ONCE;
  target.length = 0;
  target.reserve(source.length);
  for (let run = 0; run < ends.length; run += 2) {
    pair.left = pair.rightEnd;
    pair.leftEnd = ends[run] ?? 0;
    pair.right = pair.leftEnd;
    pair.rightEnd = ends[run + 1] ?? pair.leftEnd;
    while (pair.left < pair.leftEnd || pair.right < pair.rightEnd) {
      const before = target.length;
      mergeSome(source, target, pair, room);
      room -= target.length - before;
      if (room > 0) continue;
      room = SAMPLES_AT_ONCE;
      yield;
    }
    merged.push(target.length);
  }
  return merged;
}

/** Moves the next samples of a pair of runs, so many at most. */
function mergeSome(
  source: SampleColumns,
  target: SampleColumns,
  pair: { left: number; readonly leftEnd: number; right: number; readonly rightEnd: number },
  atMost: number,
): void {
  const { timestampsMs, words } = source;
  const { leftEnd, rightEnd } = pair;
  let { left, right } = pair;
  const end = target.length + atMost;
  while (target.length < end && (left < leftEnd || right < rightEnd)) {
    const leftMs = left < leftEnd ? (timestampsMs[left] ?? 0) : Infinity;
    const rightMs = right < rightEnd ? (timestampsMs[right] ?? 0) : Infinity;
    const from = leftMs <= rightMs ? left++ : right++;
    if (leftMs === rightMs) right++;
    target.push(timestampsMs[from] ?? 0, words[2 * from + 1] ?? 0, words[2 * from] ?? 0);
  }
  pair.left = left;
  pair.right = right;
}
