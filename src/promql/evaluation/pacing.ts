import { setImmediate as nextTurn } from 'node:timers/promises';
import type { QueryGuard } from './query-guard.ts';

/** A computation that stops now and then, so that whoever drives it can look at the clock or let others run. */
export type Steps<T> = Generator<void, T, void>;

/** How long an evaluation may keep the event loop. */
const SLICE_MS = 8;

/** Runs to the end without letting anything else run; the limits still hold. */
export function runAtOnce<T>(steps: Steps<T>, guard: QueryGuard): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    guard.check();
  }
}

/** Runs in slices of a few milliseconds with turns of the event loop between them. */
export async function runInSlices<T>(steps: Steps<T>, guard: QueryGuard): Promise<T> {
  let sliceStartMs = guard.nowMs();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    guard.check();
    if (guard.nowMs() - sliceStartMs < SLICE_MS) continue;
    await nextTurn();
    sliceStartMs = guard.nowMs();
  }
}
