import { TurnQueue, type Clock } from '#telemetry';
import { filterKey, takes, type ClaimFilter, type QueuedTask } from './claim-filter.ts';
import type { ClaimRequest } from './claim-request.ts';
import type { TaskRow } from './task-row.ts';

/** Claims that are told in one turn of the event loop that they wait no longer: each is an answer to be written. */
const maxToldPerTurn = 100;

/** `given`: the task was claimed for it in the transaction that enqueued the task. */
export type WaitOutcome = 'woken' | 'timed_out' | 'aborted' | { readonly given: TaskRow };

interface Waiter {
  readonly request: ClaimRequest;
  readonly ticket: number;
  /** Out of its line, and no longer ended by time or by the asker: who took it ends it. */
  readonly leave: () => void;
  readonly end: (outcome: WaitOutcome) => void;
  /** Where it has waited long enough: told in this turn of the event loop or a later one. */
  readonly endWithout: (outcome: 'timed_out' | 'aborted') => void;
}

/** A claim that waits no longer because a task is on its way to it. It is to be answered, with one of the two. */
export interface TakenClaim {
  readonly request: ClaimRequest;
  /** The task is committed as the claim's. */
  give(task: TaskRow): void;
  /** It looks for a task itself, and waits on in its old place where there is none. */
  release(): void;
}

/** Claims with the same filter, those that have waited longest in front. */
interface Line {
  readonly filter: ClaimFilter;
  readonly waiters: Waiter[];
}

/**
 * Claims that wait for a task. A task that comes wakes the one that fits and has waited longest, and no other. Fleets
 * wait with a few filters, so a task is compared with each filter once, however many wait with it.
 */
export class ClaimWaiters {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  readonly #lines = new Map<string, Line>();
  /** The same lines' waiters by agent, for tasks that are kept for one. */
  readonly #byAgent = new Map<string, Set<{ readonly line: Line; readonly waiter: Waiter }>>();
  readonly #turns = new TurnQueue(maxToldPerTurn);
  #size = 0;
  #tickets = 0;
  #version = 0;

  constructor(clock: Clock, maxWaiting: number) {
    this.#clock = clock;
    this.#maxWaiting = maxWaiting;
  }

  get size(): number {
    return this.#size;
  }

  /** Grows with every task that comes: who looked before and finds it grown looks again before he waits. */
  get version(): number {
    return this.#version;
  }

  get full(): boolean {
    return this.#size >= this.#maxWaiting;
  }

  /** A place in the line; a claim that was woken and found nothing goes back to its old place. */
  takeTicket(): number {
    return this.#tickets++;
  }

  wait(
    filter: ClaimFilter,
    place: { readonly request: ClaimRequest; readonly ticket: number; readonly waitMs: number },
  ): Promise<WaitOutcome> {
    const { request, ticket, waitMs } = place;
    const { signal } = request;
    return new Promise((resolve) => {
      const leave = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
        leaveLine();
      };
      const end = (outcome: WaitOutcome): void => {
        leave();
        resolve(outcome);
      };
      // Thousands may have waited for the same time: they leave at once, so that no task goes to them any more.
      const endWithout = (outcome: 'timed_out' | 'aborted'): void => {
        leave();
        this.#turns.run(() => resolve(outcome));
      };
      const abort = (): void => endWithout('aborted');
      const timer = this.#clock.after(waitMs, () => endWithout('timed_out'));
      signal?.addEventListener('abort', abort, { once: true });
      const leaveLine = this.#enter(filter, { request, ticket, leave, end, endWithout });
    });
  }

  /** Takes the claim that fits a task and has waited longest out of its line; null where none waits for such a task. */
  take(task: QueuedTask): TakenClaim | null {
    const waiter = this.#firstFor(task);
    if (!waiter) return null;
    waiter.leave();
    return {
      request: waiter.request,
      give: (given) => waiter.end({ given }),
      release: () => waiter.end('woken'),
    };
  }

  /** A task came into the queue. */
  wake(task: QueuedTask): void {
    this.#version++;
    this.#firstFor(task)?.end('woken');
  }

  /** Everybody stops waiting. */
  stop(): void {
    for (const { waiters } of this.#lines.values()) {
      // Each leaves the line.
      for (let first = waiters[0]; first; first = waiters[0]) first.endWithout('timed_out');
    }
  }

  #firstFor(task: QueuedTask): Waiter | undefined {
    let first: Waiter | undefined;
    const consider = (waiter: Waiter | undefined): void => {
      if (waiter && (!first || waiter.ticket < first.ticket)) first = waiter;
    };
    if (task.kept_for_agent_id !== null) {
      for (const { line, waiter } of this.#byAgent.get(task.kept_for_agent_id) ?? []) {
        if (takes(line.filter, task)) consider(waiter);
      }
      return first;
    }
    for (const { filter, waiters } of this.#lines.values()) if (takes(filter, task)) consider(waiters[0]);
    return first;
  }

  /** @returns what takes the waiter out again */
  #enter(filter: ClaimFilter, waiter: Waiter): () => void {
    const key = filterKey(filter);
    let line = this.#lines.get(key);
    if (!line) this.#lines.set(key, (line = { filter, waiters: [] }));
    const { waiters } = line;
    waiters.splice(placeOf(waiters, waiter.ticket), 0, waiter);
    this.#size++;
    const own = { line, waiter };
    const ofAgent = this.#byAgent.get(filter.agentId);
    if (ofAgent) ofAgent.add(own);
    else this.#byAgent.set(filter.agentId, new Set([own]));
    return () => {
      const at = placeOf(waiters, waiter.ticket);
      if (waiters[at] !== waiter) return;
      waiters.splice(at, 1);
      this.#size--;
      if (waiters.length === 0) this.#lines.delete(key);
      const others = this.#byAgent.get(filter.agentId);
      others?.delete(own);
      if (others?.size === 0) this.#byAgent.delete(filter.agentId);
    };
  }
}

/** Where a ticket belongs among waiters in the order of their tickets. */
function placeOf(waiters: readonly Waiter[], ticket: number): number {
  let low = 0;
  let high = waiters.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const ticketThere = waiters[middle]?.ticket ?? 0;
    if (ticketThere < ticket) low = middle + 1;
    else high = middle;
  }
  return low;
}
