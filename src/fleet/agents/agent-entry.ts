import type { Selectable } from 'kysely';
import type { AgentObservation, AgentStatus, AgentType, ProcessActivity, ProcessUsage } from '#telemetry';
import type { StateTables } from '#storage';
import { placementOf, type Placement } from './failure-domain.ts';
import { hasEnded } from './agent-status.ts';
import { missedHeartbeats, paceOf, untilNextMissMs, type LifeEvidence } from './heartbeat-ladder.ts';
import { LostWork } from './lost-work.ts';
import type { FleetLimits, HeartbeatPace } from '../limits.ts';
import { newPunctuality } from '../leases/scheduling-delay.ts';
import type { StallWatch, Whereabouts } from '../leases/stall-watch.ts';

/** What is known here of a task that an agent holds. */
export type AgentTask = Pick<Selectable<StateTables['tasks']>, 'task_id' | 'task_type'>;

export type AgentRow = Selectable<StateTables['agents']>;

/** What a placement follows from. */
const STANDS_BY = ['managed', 'pool_id', 'labels'] as const;

const LIVING: ReadonlySet<AgentStatus> = new Set(['IDLE', 'RUNNING', 'DEGRADED']);

/** The JSON of no capabilities. */
const NONE = '[]';

/** What was used longer ago, and longer than a TTL, is not shown as what is used. */
const MAX_USAGE_AGE_MS = 60_000;

/** After so many TTLs of silence an agent is judged whether or not its processes could be looked at. */
const MAX_UNSEEN_TTLS = 2;

/**
 * One agent in memory: the committed row, and beside it what heartbeats and claims say, which is not worth a
 * commit each. It is its own observation: reading it always shows the present.
 */
export class AgentEntry implements AgentObservation {
  row: AgentRow;
  /** The number of the change that `row` is of. */
  change = 0;
  /** Of the current generation. */
  nonceHash: string;
  /** Wall ms since epoch. */
  lastHeartbeatAtMs: number | null = null;
  lastSequence = -1;
  /** Whether a beat of the generation's own has come, and not only Omoi's for its process. */
  speaks = false;
  /** How many pieces of work its last heartbeat said to be in flight. */
  inFlight = 0;
  /**
   * Wall ms since epoch when work was last seen in flight: a lease that it renewed, work named in a beat, CPU or I/O of
   * its processes while it holds work. That a lease is valid is no evidence.
   */
  workSeenAtMs: number | null = null;
  selfDegraded: boolean;
  /** Why it says that it is DEGRADED. */
  degradedReason: string | null = null;
  /** The task that this generation was lost with, alone, and that had been lost before: it explains its end. */
  blamedTaskId: string | null = null;
  /** Monotonic: since when it is lost with tasks of which it is not known whether one of them ended it; null where it is not. */
  lostWithTasksAtMs: number | null = null;
  desired: 'run' | 'drain' = 'run';
  /** Whether it was asked to end and no generation follows: its pool has become smaller, or somebody stopped it. */
  leaves = false;
  /** Whether the beats' part of this entry has changed since it was last written. */
  unwritten = false;
  /** Monotonic: since when memory has it as ended; null while it lives. */
  endedAtMs: number | null = null;
  /** Whether a transition is being committed. */
  moving = false;
  warned = false;

  readonly #stall: StallWatch;
  readonly #limits: FleetLimits;
  /** Monotonic: the last beat, or since when one is awaited. */
  #heardAtMs: number;
  #workSeenMonotonicMs: number | null = null;
  /** Whether the generation has given a sign of life: how long its start takes says nothing of the host. */
  #hasSpoken = false;
  readonly #punctuality = newPunctuality();
  /** Monotonic: when its last sign of life came, where that was a heartbeat; and the shortest time between two of them. */
  #beatAtMs: number | null = null;
  #shortestBeatMs: number | null = null;
  /** Whether the process of the generation is known to have been started. */
  #hasStarted = false;
  /** Why it could not be started at the last attempt; null where that is not known to have failed. */
  startError: string | null = null;
  #beats = 0;
  #beatsAtMove = 0;
  /** The types of the tasks that it holds, by id, the one that it has held longest in front. */
  readonly #tasks = new Map<string, string>();
  #everClaimed = false;
  readonly #lost = new LostWork();
  #saysRunning = false;
  /** What its processes do, and since when (monotonic) they have not been seen to be active. */
  #processes: {
    readonly activity: ProcessActivity;
    readonly quietSinceMs: number;
    readonly lookedAtMs: number;
  } | null = null;
  #processesTold = false;
  /** What its processes were seen to use, and when (monotonic). */
  #used: { readonly usage: ProcessUsage; readonly atMs: number } | null = null;
  readonly #ownHost: string | null;
  /** Where a server on another machine has started its process; null where it runs here, or is external. */
  #elsewhere: string | null = null;
  /** Of that row, whose labels are JSON: it is asked for with each decision. */
  #placed: { readonly row: AgentRow; readonly placement: Placement } | null = null;
  /** Read from that JSON: each claim asks for it. */
  #said: { readonly json: string; readonly capabilities: readonly string[] } | null = null;

  constructor(
    row: AgentRow,
    nonceHash: string,
    context: {
      readonly stall: StallWatch;
      readonly limits: FleetLimits;
      readonly ownHost: string | null;
      readonly nowMonotonicMs: number;
    },
  ) {
    this.row = row;
    this.nonceHash = nonceHash;
    this.selfDegraded = row.self_degraded === 1;
    this.#stall = context.stall;
    this.#limits = context.limits;
    this.#ownHost = context.ownHost;
    this.#heardAtMs = context.nowMonotonicMs;
  }

  get agentId(): string {
    return this.row.agent_id;
  }

  get agentType(): AgentType {
    return this.row.agent_type;
  }

  get poolId(): string | null {
    return this.row.pool_id;
  }

  get phaseId(): string | null {
    return this.row.phase_id;
  }

  get generation(): number {
    return this.row.generation;
  }

  /** Where it stands: what takes it down together with others. */
  get placement(): Placement {
    if (this.#placed?.row === this.row) return this.#placed.placement;
    const before = this.#placed;
    const isSame = before !== null && STANDS_BY.every((key) => before.row[key] === this.row[key]);
    const placement = isSame ? before.placement : placementOf(this.row, this.#elsewhere ?? this.#ownHost);
    this.#placed = { row: this.row, placement };
    return placement;
  }

  /** The machine that it runs on, as its label `host` says or, where Omoi has started it, that; null where neither is known. */
  get host(): string | null {
    return this.placement.host;
  }

  /** A server on another machine has started the process of its present generation: nobody here can look at it. */
  runsElsewhere(host: string): void {
    this.#elsewhere = host;
    this.#placed = null;
  }

  /** Whether its process runs on another machine, which this server can't look at. */
  get isElsewhere(): boolean {
    return this.#elsewhere !== null;
  }

  /** The types of tasks that it has said it can do; null where it has not: any. */
  get capabilities(): readonly string[] | null {
    const { capabilities: json } = this.row;
    if (json === NONE) return null;
    if (this.#said?.json !== json) this.#said = { json, capabilities: readCapabilities(json) };
    return this.#said.capabilities;
  }

  get managed(): boolean {
    return this.row.managed === 1;
  }

  /**
   * The committed status, but for IDLE and RUNNING, between which the tasks held decide. Of an agent that never
   * claims any (it works on what Omoi doesn't see) its heartbeats are believed.
   */
  get status(): AgentStatus {
    if (this.row.status !== 'IDLE') return this.row.status;
    return this.holdsWork ? 'RUNNING' : 'IDLE';
  }

  /** Whether it is heard, and may be given tasks. */
  get lives(): boolean {
    return LIVING.has(this.row.status);
  }

  get tasksHeld(): number {
    return this.#tasks.size;
  }

  /** The type of the task that it has held longest; null where it holds none. */
  get workingOn(): string | null {
    const [longest = null] = this.#tasks.values();
    return longest;
  }

  get pace(): HeartbeatPace {
    return paceOf(this.row, this.#limits.heartbeats[this.row.agent_type]);
  }

  /** Its TTL at this moment: longer than that of its pace while the host is behind. */
  get ttlMs(): number {
    return this.#stall.ttlMs(this.pace.ttlMs, this.#whereabouts, this.row.registered_by);
  }

  get #whereabouts(): Whereabouts {
    const { host } = this.placement;
    if (host === null || host !== this.#ownHost) return 'elsewhere';
    return this.managed ? 'started' : 'says_so';
  }

  get heartbeatAgeMs(): number | null {
    if (this.lastHeartbeatAtMs === null || hasEnded(this.row.status)) return null;
    return this.silenceMs;
  }

  get heartbeatsMissed(): number {
    if (hasEnded(this.row.status)) return 0;
    return missedHeartbeats(this.silenceMs, this.ttlMs);
  }

  /** In how many ms it has missed one heartbeat more, if none comes: a beat only makes it later. */
  get untilNextMissMs(): number {
    return untilNextMissMs(this.silenceMs, this.ttlMs);
  }

  /** What may be held against the agent: monotonic ms since its last beat, less the grace of one that spawns. */
  get silenceMs(): number {
    return Math.max(0, this.#stall.silenceMs(this.#heardAtMs) - this.#startGraceMs);
  }

  /** Until its process runs it waits for Omoi, for the end of the one before or for its turn: its own time is not used up. */
  get #startGraceMs(): number {
    const { status, start_within_ms: startWithinMs } = this.row;
    const { spawnGraceMs } = this.#limits;
    if (status !== 'SPAWNING') return 0;
    if (startWithinMs === null) return spawnGraceMs;
    return this.#hasStarted ? startWithinMs : Math.max(spawnGraceMs, startWithinMs);
  }

  /** How many signs of life this agent has given. */
  get beats(): number {
    return this.#beats;
  }

  /** Whether it has claimed tasks, or works on what Omoi doesn't see. */
  get holdsWork(): boolean {
    return this.#tasks.size > 0 || (this.#saysRunning && !this.#everClaimed);
  }

  /** What its processes show; null where nobody has looked at them, or not for long enough. */
  get evidence(): LifeEvidence | null {
    if (!this.#processes) return this.#awaitsLook ? 'unseen' : null;
    const { activity, quietSinceMs, lookedAtMs } = this.#processes;
    const quietMs = this.#stall.silenceMs(quietSinceMs);
    const { ttlMs } = this;
    // Who has not been looked at for so long shows nothing: its processes have ended, and that is not recorded yet.
    if (this.#stall.silenceMs(lookedAtMs) >= ttlMs) return null;
    // Some are stopped and continued in turn to slow them down.
    if (activity === 'stopped') return missedHeartbeats(quietMs, ttlMs) > 0 ? 'stopped' : null;
    if (activity === 'traced') return 'traced';
    if (activity === 'idle_too_long') return 'no_activity';
    if (!this.holdsWork) return activity === 'active' ? 'busy' : null;
    return quietMs < ttlMs ? 'at_work' : 'no_progress';
  }

  /** Whether it may still be silent over its work without anybody having looked at its processes. */
  get #awaitsLook(): boolean {
    if (this.#elsewhere !== null) return false;
    return this.managed && this.holdsWork && this.silenceMs < MAX_UNSEEN_TTLS * this.ttlMs;
  }

  get evidenceTold(): boolean {
    return this.#processesTold;
  }

  /** Work of it was seen in flight. */
  sawWork(now: { readonly monotonicMs: number; readonly wallMs: number }): void {
    this.workSeenAtMs = now.wallMs;
    this.#workSeenMonotonicMs = now.monotonicMs;
    this.unwritten = true;
  }

  /** How long ago work was seen that came after its last beat, ms; null: none was, by this server. */
  get workAfterBeatMs(): number | null {
    const seenAtMs = this.#workSeenMonotonicMs;
    if (seenAtMs === null || seenAtMs <= this.#heardAtMs) return null;
    return this.#stall.silenceMs(seenAtMs);
  }

  /** What its processes were seen to do by Omoi itself, as it is silent. */
  showed(activity: ProcessActivity, now: { readonly monotonicMs: number; readonly wallMs: number }): void {
    if (this.#processesTold) this.#processes = null;
    this.#processesTold = false;
    this.#take(activity, now.monotonicMs);
    if (activity !== 'active' || !this.holdsWork) return;
    this.sawWork(now);
  }

  /** What a beat says of the processes that it stands for; null where it stands for itself. */
  told(activity: ProcessActivity | null, nowMonotonicMs: number): void {
    if (activity === null || !this.#processesTold) this.#processes = null;
    this.#processesTold = activity !== null;
    if (activity !== null) this.#take(activity, nowMonotonicMs);
  }

  get beatSinceMove(): boolean {
    return this.#beats > this.#beatsAtMove;
  }

  /**
   * It gives a sign of life by itself, before `heard`: how late that is tells how far the host is behind. One that always takes
   * longer than its interval is late by what it takes beyond that.
   */
  comesNow(nowMonotonicMs: number, by: 'heartbeat' | 'request'): void {
    this.#notePace(nowMonotonicMs, by);
    // Who stood still, or is a wrapper of who did, was late for reasons of its own.
    const tells = this.#hasSpoken && this.row.status !== 'STALLED' && !this.#processesTold;
    this.#hasSpoken = true;
    const vouching = this.#whereabouts;
    if (!tells || vouching === 'elsewhere') return;
    const intervalMs = Math.max(this.pace.intervalMs, this.#shortestBeatMs ?? 0);
    const { registered_by: registeredBy } = this.row;
    this.#stall.heard(this.#punctuality, { heardAtMs: this.#heardAtMs, intervalMs, vouching, registeredBy });
  }

  /** What comes between two heartbeats may have put the second one off. */
  #notePace(nowMonotonicMs: number, by: 'heartbeat' | 'request'): void {
    const betweenMs = this.#beatAtMs === null ? null : nowMonotonicMs - this.#beatAtMs;
    this.#beatAtMs = by === 'heartbeat' ? nowMonotonicMs : null;
    // One that has news does not wait for its time.
    if (betweenMs === null || by === 'request' || betweenMs < this.pace.intervalMs / 2) return;
    this.#shortestBeatMs = Math.min(this.#shortestBeatMs ?? betweenMs, betweenMs);
  }

  /** What its processes were seen to use, at monotonic `atMs`. */
  uses(usage: ProcessUsage, atMs: number): void {
    this.#used = { usage, atMs };
  }

  get usage(): ProcessUsage | null {
    if (this.#used === null || hasEnded(this.row.status)) return null;
    const ageMs = this.#stall.silenceMs(this.#used.atMs);
    return ageMs <= Math.max(this.pace.ttlMs, MAX_USAGE_AGE_MS) ? this.#used.usage : null;
  }

  /** A sign of life at monotonic `atMs`. */
  heard(atMs: number): void {
    this.#heardAtMs = atMs;
    this.#beats++;
    this.warned = false;
    if (!this.#processesTold) this.#processes = null;
  }

  /** Its process runs, from monotonic `atMs` on: before that it could not be heard. */
  started(atMs: number): void {
    if (this.row.status !== 'SPAWNING') return;
    this.#hasStarted = true;
    this.startError = null;
    this.#heardAtMs = atMs;
  }

  /** Monotonic `atMs`: it still waits for its turn to be started. */
  awaitsStart(atMs: number): void {
    if (this.row.status === 'SPAWNING' && !this.#hasStarted) this.#heardAtMs = atMs;
  }

  /** What the agent says about itself. */
  says(word: {
    readonly running: boolean;
    readonly degraded: boolean;
    readonly reason: string | null;
  }): void {
    this.#saysRunning = word.running;
    this.selfDegraded = word.degraded;
    this.degradedReason = word.degraded ? word.reason : null;
  }

  /** A transition is committed that was decided after so many beats: later ones may take it back. */
  moved(beatsAtDecision: number): void {
    this.#beatsAtMove = beatsAtDecision;
  }

  /** It is asked to end, and no generation of Omoi's follows. */
  leave(): void {
    this.desired = 'drain';
    this.leaves = true;
  }

  /** Another generation runs: nothing of the former one counts any more. */
  startOver(row: AgentRow, nonceHash: string, nowMonotonicMs: number): void {
    this.row = row;
    this.nonceHash = nonceHash;
    this.lastHeartbeatAtMs = null;
    this.lastSequence = -1;
    this.speaks = false;
    this.#hasSpoken = false;
    this.#beatAtMs = null;
    this.#shortestBeatMs = null;
    this.inFlight = 0;
    this.workSeenAtMs = null;
    this.#workSeenMonotonicMs = null;
    this.selfDegraded = false;
    this.degradedReason = null;
    this.blamedTaskId = null;
    this.lostWithTasksAtMs = null;
    this.desired = 'run';
    this.leaves = false;
    this.warned = false;
    this.#heardAtMs = nowMonotonicMs;
    this.#hasStarted = false;
    this.startError = null;
    this.#beatsAtMove = this.#beats;
    this.#tasks.clear();
    this.#everClaimed = false;
    this.#lost.forget();
    this.#saysRunning = false;
    this.#processes = null;
    this.#processesTold = false;
    this.#used = null;
    // What Omoi starts from now on it starts here.
    if (this.#elsewhere !== null) this.#placed = null;
    this.#elsewhere = null;
  }

  #take(activity: ProcessActivity, nowMonotonicMs: number): void {
    // Whom a debugger lets go has its whole time to do something.
    const isExcused = activity === 'active' || activity === 'traced';
    const quietSinceMs = isExcused ? nowMonotonicMs : (this.#processes?.quietSinceMs ?? nowMonotonicMs);
    this.#processes = { activity, quietSinceMs, lookedAtMs: nowMonotonicMs };
  }

  tookTask({ task_id: taskId, task_type: taskType }: AgentTask): void {
    this.#tasks.set(taskId, taskType);
    this.#everClaimed = true;
    this.blamedTaskId = null;
    this.lostWithTasksAtMs = null;
  }

  /** A task that it held is taken from it, and it has still to hear of that; before it is dropped, at monotonic `atMs`. */
  lostTask(taskId: string, atMs: number): void {
    // Work that was seen was work on it: nobody waits for that any more.
    if ([...this.#tasks.keys()].every((held) => held === taskId)) this.#workSeenMonotonicMs = null;
    this.#lost.lost(taskId, { atMs, besides: this.inFlight - this.#tasks.size });
  }

  /** An earlier server has told that it does not let go of the task. */
  stillClingsTo(taskId: string): void {
    this.#lost.stillKept(taskId);
  }

  /** It says how many pieces of work it has in flight, those among them of which Omoi knows nothing. */
  worksOn(inFlight: number): void {
    this.inFlight = inFlight;
    this.#lost.worksOn(inFlight - this.#tasks.size);
  }

  /**
   * The task that was taken from it and that it has not let go of since, as far as it says: a handler that goes on keeps the
   * place of a task that it could claim. Null where there is none, or it had no time yet.
   */
  get clingsTo(): string | null {
    return this.#lost.keptTask((sinceMs) => this.#stall.silenceMs(sinceMs));
  }

  droppedTask(taskId: string): void {
    this.#tasks.delete(taskId);
  }
}

/** What a registration has checked and written. */
function readCapabilities(json: string): readonly string[] {
  const read: unknown = JSON.parse(json);
  return Array.isArray(read) ? [...new Set(read.filter((one) => typeof one === 'string'))] : [];
}
