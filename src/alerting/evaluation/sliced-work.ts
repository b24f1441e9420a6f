import { nextTurn, type Clock } from '#telemetry';
import type { EvaluationBudget, EvaluationSize } from './evaluation-budget.ts';

/** How long an evaluation goes on before others have a turn. */
export const MAX_SLICE_MS = 2;
/** What has begun as small may take this long: one collection of garbage in its midst makes it no large one. */
export const MAX_SMALL_MS = 3 * MAX_SLICE_MS;

/** CPU time is counted in steps of this. */
const CPU_TICK_MS = 4;

/** At once where all is in memory; a promise where something has to be waited for. */
export type Eventually<Value> = Value | Promise<Value>;

/**
 * Work that says where others may have a turn (`yield`) and what it waits for (`yield* waitFor(…)`). Little of it is done
 * in the call, without a promise between its steps; much of it in slices.
 */
export type SlicedWork<Result> = Generator<Promise<unknown> | undefined, Result, unknown>;

/** The value, waited for where it is a promise. Throws what the promise is rejected with. */
export function* waitFor<Value>(value: Eventually<Value>): SlicedWork<Value> {
  // What a promise is resolved with is what `finish` goes on with.
  return value instanceof Promise ? ((yield value) as Value) : value;
}

/** Does the work: in the call where one slice is enough and nothing is waited for. */
export function runSliced<Result>(work: SlicedWork<Result>, slices: EvaluationSlices): Eventually<Result> {
  const step = advance(work, work.next(), slices);
  return step.done ? step.value : finish(work, step.value, slices);
}

/**
 * The same for work that had to wait for its turn: its time counts from here on, and until it is done.
 * @param begin makes its slices; what lies before is no work of its own
 */
export async function runInTurn<Result>(
  work: SlicedWork<Result>,
  begin: () => EvaluationSlices,
): Promise<Result> {
  const slices = begin();
  try {
    return await runSliced(work, slices);
  } finally {
    slices.rest();
  }
}

async function finish<Result>(
  work: SlicedWork<Result>,
  waitingFor: Promise<unknown> | undefined,
  slices: EvaluationSlices,
): Promise<Result> {
  for (let waiting = waitingFor; ;) {
    const step = advance(work, await resume(work, waiting, slices), slices);
    if (step.done) return step.value;
    waiting = step.value;
  }
}

async function resume<Result>(
  work: SlicedWork<Result>,
  waiting: Promise<unknown> | undefined,
  slices: EvaluationSlices,
): Promise<IteratorResult<Promise<unknown> | undefined, Result>> {
  if (waiting === undefined) {
    await slices.pause();
    return work.next();
  }
  const outcome = await slices.during(
    waiting.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
  );
  return 'value' in outcome ? work.next(outcome.value) : work.throw(outcome.error);
}

/** Goes on until the work is done, waits for something, or has used its slice up. */
function advance<Result>(
  work: SlicedWork<Result>,
  from: IteratorResult<Promise<unknown> | undefined, Result>,
  slices: EvaluationSlices,
): IteratorResult<Promise<unknown> | undefined, Result> {
  let step = from;
  while (!step.done && step.value === undefined && !slices.isOver) step = work.next();
  return step;
}

/** Where a slice began, ms of `Clock`. */
interface SliceStart {
  readonly monotonicMs: number;
  readonly cpuMs: number;
}

/**
 * The time that one evaluation takes of the event loop. It is measured, but what others did while they had the
 * CPU in its midst is not: on a busy machine the rule would pay for them. It goes against the budget of all evaluations, and
 * comes in slices: between two of them everything else has a turn, and where the budget is used up the next waits for it.
 * What takes a few slices is large, whatever it was taken for.
 */
export class EvaluationSlices {
  readonly #clock: Clock;
  readonly #budget: EvaluationBudget;
  #size: EvaluationSize;
  /** Null while the evaluation waits. */
  #started: SliceStart | null;
  #costMs = 0;
  #resultCostMs: number | null = null;

  constructor(clock: Clock, budget: EvaluationBudget, size: EvaluationSize = 'large') {
    this.#clock = clock;
    this.#budget = budget;
    this.#size = size;
    this.#started = this.#start();
  }

  /** What was measured so far. */
  get costMs(): number {
    return this.#costMs;
  }

  /**
   * What the rule costs each time, measured until its result was known; all of it where nobody said so. The rows of new
   * and ended episodes, which are written after that, come once and do not slow the rule down.
   */
  get recurringCostMs(): number {
    return this.#resultCostMs ?? this.#costMs;
  }

  /** The result of the evaluation is known; what follows writes down what has changed. */
  noteResult(): void {
    this.#resultCostMs = this.#costMs + (this.#started ? this.#costSince(this.#started) : 0);
  }

  /** Whether it is time to `pause`. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() - (this.#started?.monotonicMs ?? 0) >= MAX_SLICE_MS;
  }

  async pause(): Promise<void> {
    this.rest();
    await nextTurn();
    if (this.#costMs >= MAX_SMALL_MS) this.#size = 'large';
    if (this.#size === 'large') await this.#budget.turn();
    this.#started = this.#start();
  }

  /** Waits for something that takes the event loop no time, like the database. */
  async during<Result>(waiting: Promise<Result>): Promise<Result> {
    this.rest();
    try {
      return await waiting;
    } finally {
      this.#started = this.#start();
    }
  }

  /** The present slice has ended: the event loop is somebody else's from here on. */
  rest(): void {
    if (!this.#started) return;
    const spentMs = this.#costSince(this.#started);
    this.#started = null;
    this.#costMs += spentMs;
    this.#budget.spend(spentMs, this.#size);
  }

  #costSince({ monotonicMs, cpuMs }: SliceStart): number {
    const passedMs = this.#clock.monotonicMs() - monotonicMs;
    return passedMs <= CPU_TICK_MS ? passedMs : Math.min(passedMs, this.#clock.cpuMs() - cpuMs + CPU_TICK_MS);
  }

  #start(): SliceStart {
    return { monotonicMs: this.#clock.monotonicMs(), cpuMs: this.#clock.cpuMs() };
  }
}
