import { OmoiError, TurnQueue, type Clock, type Timer } from '#telemetry';
import { takes, type ClaimFilter, type QueuedTask } from './claim-filter.ts';
import { ClaimLines, linesOf } from './claim-lines.ts';
import type { ClaimRequest } from './claim-request.ts';
import { ClaimShares } from './claim-shares.ts';
import { runsAlone, type TaskRow } from './task-row.ts';

/** Claims that are told in one turn of the event loop that they wait no longer: each is an answer to be written. */
const maxToldPerTurn = 100;
/** A claim stands in a line for each type that it takes, once more for its pool; so many of each claim on average. */
const maxPlacesPerClaim = 20;

/**
 * `displaced`: others had waited with less than their part of what all may have. `given`: the task was claimed for it in the
 * transaction that enqueued the task.
 */
export type WaitOutcome = 'woken' | 'timed_out' | 'aborted' | 'displaced' | { readonly given: TaskRow };

/** A claim from when it is asked until it is answered: it looks into the database, waits, looks again. */
export interface ClaimPlace {
  /** Whether a task came for it since it last began to look, so that it may have looked too soon. */
  readonly isCalled: boolean;
  /** It begins to look: what is in the queue by now it will see, and what comes from now on calls it or another. */
  look(): void;
  /**
   * To be asked before it waits. Where too many do, one of those makes room whose owner has the most, for an owner that has
   * less than its part.
   * @throws OmoiError `claim_limit_reached` where too many others wait of its agent, or of its owner
   */
  assertMayWait(): void;
  /** Why it was displaced. */
  refusal(): OmoiError;
  /** It looks no longer and waits for a task. A claim that was woken and found nothing has its old place again. */
  wait(waitMs: number): Promise<WaitOutcome>;
  /** It stays until its time is over and is given nothing; what it was called for goes to others. */
  stayAside(waitMs: number): Promise<WaitOutcome>;
  /**
   * It is answered. What it was called for, and what is not among the tasks that it got, goes to others; not where the
   * database has failed, which would refuse one after the other.
   */
  leave(taken: readonly Pick<TaskRow, 'task_id'>[] | 'failed'): void;
}

/** A task that came into the queue. */
export type ComingTask = QueuedTask & Pick<TaskRow, 'task_id'>;

/** A claim that waits no longer because a task is on its way to it. It is to be answered, with one of the two. */
export interface TakenClaim {
  readonly request: ClaimRequest;
  /** The task is committed as the claim's. */
  give(task: TaskRow): void;
  /** It looks for a task itself, and waits on in its old place where there is none. */
  release(): void;
}

/** The claims of one agent. */
class AgentSeats {
  readonly all = new Set<Seat>();
  /** Those that have waited. */
  counted = 0;
}

/** One claim among all that are asked. */
class Seat {
  readonly request: ClaimRequest;
  readonly ticket: number;
  readonly owner: string;
  filter: ClaimFilter;
  /** Where tasks find it, and what takes it out again. */
  line: 'looking' | 'waiting' | null = null;
  leaveLine: () => void = () => undefined;
  /** In how many lines it waits. */
  places = 0;
  isCalled = false;
  /** Has waited, and counts as one that waits until it is answered: one that was woken may wait on. */
  isCounted = false;
  /** What came since it began to look, and called it and nobody else. */
  calledFor: ComingTask[] = [];
  timer: Timer | null = null;
  onAbort: (() => void) | null = null;
  resolve: ((outcome: WaitOutcome) => void) | null = null;

  constructor(
    request: ClaimRequest,
    {
      ticket,
      owner,
      filter,
    }: { readonly ticket: number; readonly owner: string; readonly filter: ClaimFilter },
  ) {
    this.request = request;
    this.ticket = ticket;
    this.owner = owner;
    this.filter = filter;
  }

  get waits(): boolean {
    return this.resolve !== null;
  }
}

/**
 * The claims that are asked, and those of them that wait for a task. A task that comes calls the one that fits and was
 * asked first, and no other; where that goes without it, the next one is called. What comes for others costs a claim
 * nothing, while it looks as well.
 */
export class ClaimWaiters {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  readonly #maxWaitingPerAgent: number;
  readonly #mayTake: (agentId: string, task: QueuedTask) => boolean;
  readonly #ownerOf: (agentId: string) => string;
  readonly #shares = new ClaimShares<Seat>();
  readonly #lines = { looking: new ClaimLines<Seat>(), waiting: new ClaimLines<Seat>() };
  /** All of them by agent, for tasks that are kept for one. */
  readonly #byAgent = new Map<string, AgentSeats>();
  readonly #turns = new TurnQueue(maxToldPerTurn);
  #size = 0;
  #tickets = 0;
  #stopped = false;

  /**
   * @param options.mayTake false where the agent of a claim that waits is given no task, or none that runs alone; where it
   *   may be given one again, `reconsider` is told
   * @param options.ownerOf whose agent one is, as a person is told: all of an owner share one part of what may wait
   */
  constructor(
    clock: Clock,
    options: {
      readonly maxWaiting: number;
      readonly maxWaitingPerAgent: number;
      readonly mayTake: (agentId: string, task: QueuedTask) => boolean;
      readonly ownerOf: (agentId: string) => string;
    },
  ) {
    this.#clock = clock;
    this.#maxWaiting = options.maxWaiting;
    this.#maxWaitingPerAgent = options.maxWaitingPerAgent;
    this.#mayTake = options.mayTake;
    this.#ownerOf = options.ownerOf;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Where a claim comes from who asks it, behind all that were asked before. @param filterOf what it takes by now */
  enter(request: ClaimRequest, filterOf: () => ClaimFilter): ClaimPlace {
    const { agentId } = request;
    const seat = new Seat(request, {
      ticket: this.#tickets++,
      owner: this.#ownerOf(agentId),
      filter: filterOf(),
    });
    const ofAgent = this.#byAgent.get(agentId) ?? new AgentSeats();
    this.#byAgent.set(agentId, ofAgent);
    ofAgent.all.add(seat);
    return {
      get isCalled() {
        return seat.isCalled;
      },
      look: () => {
        seat.isCalled = false;
        seat.calledFor = [];
        seat.filter = filterOf();
        this.#enterLine(seat, 'looking');
      },
      assertMayWait: () => {
        this.#assertAgentMayWait(seat, ofAgent);
        this.#assertRoom(seat);
      },
      refusal: () => this.#tooManyOf(seat),
      wait: (waitMs) => {
        count(seat, ofAgent);
        this.#enterLine(seat, 'waiting');
        return this.#wait(seat, waitMs);
      },
      stayAside: (waitMs) => {
        count(seat, ofAgent);
        seat.leaveLine();
        this.#passOn(seat, []);
        return this.#wait(seat, waitMs);
      },
      leave: (taken) => {
        seat.leaveLine();
        ofAgent.all.delete(seat);
        if (seat.isCounted) ofAgent.counted--;
        if (ofAgent.all.size === 0) this.#byAgent.delete(agentId);
        if (taken !== 'failed') this.#passOn(seat, taken);
      },
    };
  }

  /** Takes the claim that fits a task and has waited longest out of its line; null where none waits for such a task. */
  take(task: QueuedTask): TakenClaim | null {
    const seat = this.#firstIn('waiting', task);
    if (!seat) return null;
    const end = this.#stopWaiting(seat);
    return {
      request: seat.request,
      give: (given) => end({ given }),
      release: () => end('woken'),
    };
  }

  /** A task came into the queue. */
  wake(task: ComingTask): void {
    const seat = task.kept_for_agent_id === null ? this.#firstOf(task) : this.#firstOfAgent(task);
    if (!seat) return;
    seat.calledFor.push(task);
    this.#call(seat);
  }

  /** An agent that was passed over may be given tasks again. */
  reconsider(agentId: string): void {
    if (!this.#byAgent.has(agentId)) return;
    this.#lines.looking.reconsider();
    this.#lines.waiting.reconsider();
  }

  /** An agent that was given nothing looks whether something is there by now. */
  wakeAgent(agentId: string): void {
    for (const seat of this.#byAgent.get(agentId)?.all ?? []) if (seat.line !== null) this.#call(seat);
  }

  /** Everybody stops waiting, and nobody waits any more. */
  stop(): void {
    this.#stopped = true;
    const all = [...this.#byAgent.values()].flatMap((seats) => [...seats.all]);
    for (const seat of all) if (seat.waits) this.#endWithout(seat, 'timed_out');
  }

  #assertAgentMayWait({ isCounted, request }: Seat, ofAgent: AgentSeats): void {
    const most = this.#maxWaitingPerAgent;
    if (isCounted || ofAgent.counted < most) return;
    throw new OmoiError(
      'claim_limit_reached',
      `Agent ${request.agentId} has maxWaitingClaimsPerAgent (${most}) claims that wait for tasks already.`,
      { agent_id: request.agentId, max_waiting_claims_per_agent: most },
    );
  }

  #assertRoom(seat: Seat): void {
    const maxPlaces = maxPlacesPerClaim * this.#maxWaiting;
    if (this.#size >= this.#maxWaiting) this.#makeRoom(seat, 'claims', this.#maxWaiting);
    while (this.#lines.waiting.places >= maxPlaces) this.#makeRoom(seat, 'places', maxPlaces);
  }

  #makeRoom(seat: Seat, shared: 'claims' | 'places', max: number): void {
    const displaced = this.#shares.displacedBy(seat.owner, shared, max);
    if (!displaced) throw this.#tooManyOf(seat);
    this.#endWithout(displaced, 'displaced');
  }

  #tooManyOf({ owner, request }: Seat): OmoiError {
    return new OmoiError(
      'claim_limit_reached',
      `maxWaitingClaims (${this.#maxWaiting}) claims wait for tasks, and those of ${owner} have their part of them.`,
      { agent_id: request.agentId, owner, max_waiting_claims: this.#maxWaiting },
    );
  }

  #call(seat: Seat): void {
    seat.leaveLine();
    seat.isCalled = true;
    if (seat.waits) this.#stopWaiting(seat)('woken');
  }

  /** Others are called for what the claim was called for and has not taken. */
  #passOn(seat: Seat, taken: readonly Pick<TaskRow, 'task_id'>[]): void {
    const { calledFor } = seat;
    seat.calledFor = [];
    for (const task of calledFor) {
      if (!taken.some(({ task_id: taskId }) => taskId === task.task_id)) this.wake(task);
    }
  }

  #firstOf(task: QueuedTask): Seat | undefined {
    const looking = this.#firstIn('looking', task);
    const waiting = this.#firstIn('waiting', task);
    if (!looking || !waiting) return looking ?? waiting;
    return looking.ticket < waiting.ticket ? looking : waiting;
  }

  #firstIn(line: 'looking' | 'waiting', task: QueuedTask): Seat | undefined {
    return this.#lines[line].firstFor(task, {
      company: runsAlone(task) ? 'alone' : 'shared',
      mayTake: ({ request }) => this.#mayTake(request.agentId, task),
    });
  }

  /** Of the claims of the agent that the task is kept for. */
  #firstOfAgent(task: QueuedTask): Seat | undefined {
    let first: Seat | undefined;
    for (const seat of this.#byAgent.get(task.kept_for_agent_id ?? '')?.all ?? []) {
      if (seat.line === null || (first && seat.ticket > first.ticket)) continue;
      if (takes(seat.filter, task) && this.#mayTake(seat.request.agentId, task)) first = seat;
    }
    return first;
  }

  #enterLine(seat: Seat, line: 'looking' | 'waiting'): void {
    seat.leaveLine();
    const leave = this.#lines[line].enter(seat.filter, seat);
    seat.line = line;
    seat.leaveLine = () => {
      if (seat.line === null) return;
      seat.line = null;
      leave();
    };
  }

  #wait(seat: Seat, waitMs: number): Promise<WaitOutcome> {
    const { signal } = seat.request;
    if (this.#stopped) return Promise.resolve('timed_out');
    return new Promise((resolve) => {
      seat.resolve = resolve;
      this.#size++;
      seat.places = seat.line === null ? 0 : linesOf(seat.filter).length;
      this.#shares.enter(seat);
      seat.timer = this.#clock.after(waitMs, () => this.#endWithout(seat, 'timed_out'));
      seat.onAbort = () => this.#endWithout(seat, 'aborted');
      signal?.addEventListener('abort', seat.onAbort, { once: true });
    });
  }

  /** Out of its line, and no longer ended by time or by the asker: who stopped it ends it. */
  #stopWaiting(seat: Seat): (outcome: WaitOutcome) => void {
    const { resolve, timer, onAbort } = seat;
    if (!resolve) throw new Error('a claim that does not wait was stopped from waiting');
    seat.leaveLine();
    seat.resolve = null;
    this.#size--;
    this.#shares.leave(seat);
    timer?.cancel();
    if (onAbort) seat.request.signal?.removeEventListener('abort', onAbort);
    return resolve;
  }

  /** Thousands may have waited for the same time: they leave at once, so that no task goes to them any more. */
  #endWithout(seat: Seat, outcome: 'timed_out' | 'aborted' | 'displaced'): void {
    const end = this.#stopWaiting(seat);
    this.#turns.run(() => end(outcome));
  }
}

function count(seat: Seat, ofAgent: AgentSeats): void {
  if (!seat.isCounted) ofAgent.counted++;
  seat.isCounted = true;
}
