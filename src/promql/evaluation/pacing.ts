import { nextTurn } from '#telemetry';
import { CELLS_OF_A_ROW, type QueryGuard } from './query-guard.ts';

/** A computation that stops now and then, so that whoever drives it can look at the clock or let others run. */
export type Steps<T> = Generator<void, T, void>;

/** How long an evaluation may keep the event loop. */
const SLICE_MS = 2;

/** Steps that may have to wait: they yield where others may have a turn (undefined), and what they wait for. */
export type Work<T> = Generator<Promise<unknown> | undefined, T, unknown>;

/** Runs to the end without letting anything else run: a promise only where there is something to wait for. */
export function runAtOnce<T>(work: Work<T>): T | Promise<T> {
  let step = work.next();
  while (!step.done && step.value === undefined) step = work.next();
  return step.done ? step.value : runWhenAnswered(work, step.value);
}

async function runWhenAnswered<T>(work: Work<T>, first: Promise<unknown> | undefined): Promise<T> {
  for (let waiting = first; ;) {
    const step = waiting ? await resume(work, waiting) : work.next();
    if (step.done) return step.value;
    waiting = step.value;
  }
}

/** Goes on with what was waited for, or fails as that did. */
async function resume<T>(
  work: Work<T>,
  waiting: Promise<unknown>,
): Promise<IteratorResult<Promise<unknown> | undefined, T>> {
  let answer: unknown;
  try {
    answer = await waiting;
  } catch (thrown) {
    return work.throw(thrown);
  }
  return work.next(answer);
}

/** Passes its pauses on to whoever drives it; the limits still hold. */
export function* runWithin<T>(steps: Steps<T>, guard: QueryGuard): Work<T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    guard.check();
    yield undefined;
  }
}

/** Runs in slices of a few milliseconds with turns of the event loop between them. */
export async function runInSlices<T>(work: Work<T>, guard: QueryGuard): Promise<T> {
  let sliceStartMs = guard.nowMs();
  for (let step = work.next(); ;) {
    if (step.done) return step.value;
    step = step.value ? await resume(work, step.value) : work.next();
    if (guard.nowMs() - sliceStartMs < SLICE_MS) continue;
    await nextTurn();
    sliceStartMs = guard.nowMs();
  }
}

/** Cells worked on between two chances to pause. */
const BLOCK_CELLS = 10_000;

/** Does something to every row of a table, a block of rows at a time. */
export function* byRows(
  { rowCount, stepCount }: { readonly rowCount: number; readonly stepCount: number },
  work: (row: number) => void,
): Steps<void> {
  const block = Math.max(1, Math.floor(BLOCK_CELLS / (stepCount + CELLS_OF_A_ROW)));
  for (let row = 0; row < rowCount; row++) {
    work(row);
    if ((row + 1) % block === 0) yield;
  }
}

/** Samples of one series that are worked on between two chances to pause: less than a millisecond. */
export const SAMPLES_AT_ONCE = 50_000;

/** Does something to every sample of a long series, a block of them at a time. */
export function* byBlocks(length: number, work: (from: number, to: number) => void): Steps<void> {
  for (let from = 0; from < length; from += SAMPLES_AT_ONCE) {
    work(from, Math.min(length, from + SAMPLES_AT_ONCE));
    yield;
  }
}

/** Values sorted in one go, and values merged between two chances to pause: comparing labels takes its time. */
const SORTED_AT_ONCE = 250;
const MERGED_AT_ONCE = 500;

/** Sorts with pauses: blocks by themselves, then merged pair by pair. Stable. */
export function* sortInSteps<T>(values: readonly T[], compare: (a: T, b: T) => number): Steps<readonly T[]> {
  let runs: (readonly T[])[] = [];
  for (let at = 0; at < values.length; at += SORTED_AT_ONCE) {
    runs.push(values.slice(at, at + SORTED_AT_ONCE).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* mergeSorted(runs[at] ?? [], runs[at + 1] ?? [], compare));
      yield;
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* mergeSorted<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
): Steps<readonly T[]> {
  const merged: T[] = [];
  let next = 0;
  for (const value of left) {
    for (let other = right[next]; other !== undefined && compare(other, value) < 0; other = right[++next]) {
      merged.push(other);
      if (merged.length % MERGED_AT_ONCE === 0) yield;
    }
    merged.push(value);
    if (merged.length % MERGED_AT_ONCE === 0) yield;
  }
  return merged.concat(right.slice(next));
}
