import { TurnQueue, type Clock } from '#telemetry';
import { takes, type ClaimFilter, type QueuedTask } from './claim-filter.ts';
import { ClaimLines } from './claim-lines.ts';
import type { ClaimRequest } from './claim-request.ts';
import type { TaskRow } from './task-row.ts';

/** Claims that are told in one turn of the event loop that they wait no longer: each is an answer to be written. */
const maxToldPerTurn = 100;
/** A claim stands in a line for each type that it takes, once more for its pool; so many of each claim on average. */
const maxPlacesPerClaim = 20;

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

/** A claim and what it takes. */
interface Waiting {
  readonly filter: ClaimFilter;
  readonly waiter: Waiter;
}

/** A claim that waits no longer because a task is on its way to it. It is to be answered, with one of the two. */
export interface TakenClaim {
  readonly request: ClaimRequest;
  /** The task is committed as the claim's. */
  give(task: TaskRow): void;
  /** It looks for a task itself, and waits on in its old place where there is none. */
  release(): void;
}

/**
 * Claims that wait for a task. A task that comes wakes the one that fits and has waited longest, and no other.
 */
export class ClaimWaiters {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  readonly #mayTake: (agentId: string, task: QueuedTask) => boolean;
  readonly #lines = new ClaimLines<Waiter>();
  /** The same by agent, for tasks that are kept for one. */
  readonly #byAgent = new Map<string, Set<Waiting>>();
  readonly #turns = new TurnQueue(maxToldPerTurn);
  #size = 0;
  #tickets = 0;
  #version = 0;

  /** @param options.mayTake false where the agent of a claim that waits is given no task, or not this one */
  constructor(
    clock: Clock,
    options: {
      readonly maxWaiting: number;
      readonly mayTake: (agentId: string, task: QueuedTask) => boolean;
    },
  ) {
    this.#clock = clock;
    this.#maxWaiting = options.maxWaiting;
    this.#mayTake = options.mayTake;
  }

  get size(): number {
    return this.#size;
  }

  /** Grows with every task that comes: who looked before and finds it grown looks again before he waits. */
  get version(): number {
    return this.#version;
  }

  get full(): boolean {
    return this.#size >= this.#maxWaiting || this.#lines.places >= maxPlacesPerClaim * this.#maxWaiting;
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

  /** An agent that was given nothing may have something again. */
  wakeAgent(agentId: string): void {
    this.#version++;
    for (const { waiter } of this.#byAgent.get(agentId) ?? []) waiter.end('woken');
  }

  /** Everybody stops waiting. */
  stop(): void {
    const all = [...this.#byAgent.values()].flatMap((waiting) => [...waiting]);
    for (const { waiter } of all) waiter.endWithout('timed_out');
  }

  #firstFor(task: QueuedTask): Waiter | undefined {
    const mayTake = ({ request }: Waiter): boolean => this.#mayTake(request.agentId, task);
    if (task.kept_for_agent_id === null) return this.#lines.firstFor(task, mayTake);
    let first: Waiter | undefined;
    for (const { filter, waiter } of this.#byAgent.get(task.kept_for_agent_id) ?? []) {
      if (first && waiter.ticket > first.ticket) continue;
      if (takes(filter, task) && mayTake(waiter)) first = waiter;
    }
    return first;
  }

  /** @returns what takes the waiter out again */
  #enter(filter: ClaimFilter, waiter: Waiter): () => void {
    const leaveLines = this.#lines.enter(filter, waiter);
    const own = { filter, waiter };
    const ofAgent = this.#byAgent.get(filter.agentId);
    if (ofAgent) ofAgent.add(own);
    else this.#byAgent.set(filter.agentId, new Set([own]));
    this.#size++;
    return () => {
      leaveLines();
      const others = this.#byAgent.get(filter.agentId);
      if (!others?.delete(own)) return;
      this.#size--;
      if (others.size === 0) this.#byAgent.delete(filter.agentId);
    };
  }
}
