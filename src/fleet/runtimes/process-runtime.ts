import {
  messageOf,
  paced,
  Stretch,
  type Clock,
  type Logger,
  type ProcessActivity,
  type ProcessUsage,
  type Timer,
} from '#telemetry';
import { confine, notEnforced, thisMachine, type Confinement, type ConfiningMachine } from './confinement.ts';
import { BlankProcesses } from './blank-processes.ts';
import type { LogFiles } from './log-files.ts';
import { OomKills } from './oom-kills.ts';
import { OutputUpkeep } from './output-upkeep.ts';
import {
  findProcess,
  formatHandle,
  parseHandle,
  UNIT_VARIABLE,
  unitIdOf,
  type UnitIdentity,
} from './process-handle.ts';
import { isRunning, type ProcessStat, type ProcessTable } from './process-table.ts';
import { TreeActivity } from './tree-activity.ts';
import type {
  EndedUnit,
  Runtime,
  StartedUnit,
  StartResult,
  StopOrder,
  UnitExit,
  UnitOutput,
  UnitRef,
  UnitSpec,
  UnitState,
} from './runtime.ts';
import type { UnitGroups } from './unit-groups.ts';
import type { ProcessExit } from './starter-protocol.ts';
import { UnitReaper } from './unit-reaper.ts';
import type { StartOutcome, UnitStarter } from './unit-starter.ts';
import { createProcessSignals, isBlank, signalMember, type ProcessSignals } from './unit-tree.ts';

export interface ProcessRuntimeParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly table: ProcessTable;
  readonly logs: LogFiles;
  readonly starter: UnitStarter;
  /** A control group for each unit; null or absent where there are none. */
  readonly groups?: UnitGroups | null;
  readonly signals?: ProcessSignals;
  readonly oomKills?: Pick<OomKills, 'explains' | 'forget'>;
  /** Where accounts and tools are; this machine where it is left out. */
  readonly machine?: ConfiningMachine;
}

/** A process of an earlier Omoi is no child: nobody tells of its end, so it is looked for. */
const WATCHED_POLL_MS = 100;
/** A look at thousands of them is followed by a pause of so many times its length, but no longer than this. */
const PAUSE_FOR_LOOK = 9;
const MAX_PAUSE_MS = 1000;
/** An end by the kernel is seen at once: what nobody has ended by then was a stranger. */
const FORGET_OOM_KILLS_MS = 10_000;
const NONCE_VARIABLE = 'OMOI_AGENT_NONCE';
/** What a shell says where SIGKILL has ended what it ran. */
const EXIT_OF_KILLED = 128 + 9;
/**
 * Walks over the table that have to find nothing: a process that was forked and has not got so far as to become its own
 * program shows the environment of its parent. What is missed is started once more.
 */
const WALKS_IN_VAIN = 3;
const PAUSE_BETWEEN_WALKS_MS = 10;

/**
 * Agents as processes of this machine. Each leads a session of its own, so that neither a signal to Omoi's group
 * nor Omoi's end reaches it, and writes its output to files. A unit is its first process and all that this started;
 * it has ended when none of them is left. Each single process is identified before it gets a signal; groups get none.
 */
export class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly capabilities = { seesExitOfWatched: false, onThisMachine: true } as const;
  readonly #parts: ProcessRuntimeParts;
  readonly #signals: ProcessSignals;
  readonly #machine: ConfiningMachine;
  readonly #oomKills: Pick<OomKills, 'explains' | 'forget'>;
  readonly #reaper: UnitReaper;
  /** Units whose first process is gone, and whose others are being ended. */
  readonly #leaving = new Map<string, UnitIdentity>();
  /** When the grace of those that were asked to end is over, monotonic ms. */
  readonly #asked = new Map<string, number>();
  readonly #watched = new Map<string, UnitIdentity | null>();
  /** Handles of what the starter has started and sees the end of, by pid. */
  readonly #started = new Map<number, string>();
  readonly #trees: TreeActivity;
  readonly #poll: Timer;
  readonly #upkeep: OutputUpkeep;
  readonly #forget: Timer;
  #lookingForWatched = false;
  #restUntilMs = 0;
  #listener: (ended: EndedUnit) => void = () => {};
  #onUsage: (handle: string, usage: ProcessUsage) => void = () => {};
  #closed = false;

  constructor(parts: ProcessRuntimeParts) {
    this.#parts = parts;
    this.#machine = parts.machine ?? thisMachine();
    this.#oomKills = parts.oomKills ?? new OomKills();
    this.#trees = new TreeActivity(parts.table);
    this.#signals = parts.signals ?? createProcessSignals();
    const { clock, logger, table, groups } = parts;
    this.#reaper = new UnitReaper({ clock, logger, table, signals: this.#signals, groups: groups ?? null });
    parts.starter.listen({ onExit: (exit) => this.#exited(exit), onLost: () => this.#watchStarted() });
    this.#poll = parts.clock.every(WATCHED_POLL_MS, () => void this.#lookForWatched());
    this.#upkeep = new OutputUpkeep({ clock, logger, logs: parts.logs });
    this.#forget = parts.clock.every(FORGET_OOM_KILLS_MS, () => this.#oomKills.forget());
  }

  onEnd(listener: (ended: EndedUnit) => void): void {
    this.#listener = listener;
  }

  async start(spec: UnitSpec): Promise<StartResult> {
    const confined = spec.confinement
      ? confine(spec, spec.confinement, this.#machine)
      : ({ kind: 'confined', command: spec.command, identity: null, env: spec.env } as const);
    if (confined.kind === 'refused') return { kind: 'failed', error: confined.error };
    const [program, ...args] = confined.command;
    if (program === undefined) return { kind: 'failed', error: 'the command is empty' };
    const { starter, logs, groups } = this.#parts;
    try {
      const outcome = await starter.start({
        program,
        args,
        cwd: spec.cwd,
        env: { ...confined.env, [UNIT_VARIABLE]: unitIdOf(spec.nonce) },
        identity: confined.identity,
        output: logs.make(spec.agentId, spec.generation),
        group: groups?.placeFor(unitIdOf(spec.nonce)) ?? null,
      });
      return await this.#resultOf(outcome, spec);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : null;
      return { kind: 'failed', error: describeFailure({ code, message: messageOf(error) }, spec) };
    }
  }

  notEnforced(wanted: Confinement): readonly string[] {
    return notEnforced(wanted, this.#machine);
  }

  async discover(nonce: string): Promise<StartedUnit | null> {
    const { clock } = this.#parts;
    const blanks = new BlankProcesses();
    for (let walk = 1; ; walk++) {
      const { found, blank } = await this.#carrying(nonce);
      if (found) return describe(this.#identify(found, nonce));
      const doubtfulSince = blanks.look(blank, { walk, ms: clock.monotonicMs() });
      if (walk >= WALKS_IN_VAIN && doubtfulSince > walk - WALKS_IN_VAIN + 1) return null;
      await new Promise<void>((resolve) => clock.after(PAUSE_BETWEEN_WALKS_MS, resolve));
    }
  }

  /** The process that was started with a nonce, null where none is seen to carry it; and those that show nothing yet. */
  async #carrying(nonce: string): Promise<{ found: ProcessStat | null; blank: readonly ProcessStat[] }> {
    const { table, clock } = this.#parts;
    const wanted = `${NONCE_VARIABLE}=${nonce}`;
    const carries = (environ: string | null): boolean => environ?.split('\0').includes(wanted) === true;
    const stretch = new Stretch(clock);
    const found: ProcessStat[] = [];
    const blank: ProcessStat[] = [];
    for (const pid of table.pids()) {
      if (stretch.isOver) await stretch.pause();
      const environ = table.environ(pid);
      if (environ !== '' && environ !== null && !carries(environ)) continue;
      const stat = table.stat(pid);
      // Read once more behind the identity: the pid may have been given again between the two.
      if (!isRunning(stat)) continue;
      if (carries(table.environ(pid))) found.push(stat);
      else if (isBlank(table, stat)) blank.push(stat);
    }
    // What it started inherits its environment: the leader of the session is the agent, else the oldest.
    found.sort(
      (a, b) => Number(b.pid === b.sessionId) - Number(a.pid === a.sessionId) || a.startTicks - b.startTicks,
    );
    return { found: found[0] ?? null, blank };
  }

  watch(handle: string): void {
    const unit = parseHandle(handle);
    if (this.#leaving.has(handle) || (unit && this.#started.get(unit.pid) === handle)) return;
    this.#watched.set(handle, unit);
  }

  async observe(handle: string): Promise<UnitState> {
    const identity = parseHandle(handle);
    const runs = identity !== null && findProcess(this.#parts.table, identity) !== null;
    return runs || this.#leaving.has(handle) ? { kind: 'running' } : { kind: 'ended', exit: null };
  }

  async activity(
    handles: readonly string[],
    { withinMs }: { readonly withinMs: number } = { withinMs: Number.POSITIVE_INFINITY },
  ): Promise<ReadonlyMap<string, ProcessActivity>> {
    const { clock } = this.#parts;
    const units = this.#unitsOf(handles);
    const atMs = clock.monotonicMs();
    const looking = this.#trees.look(
      [...units.values()],
      { atMs, sinceMs: atMs - withinMs },
      this.#tellUsage(units),
    );
    const seen = await paced(looking, new Stretch(clock));
    const activities = new Map<string, ProcessActivity>();
    for (const [handle, { pid }] of units) {
      const activity = seen.get(pid);
      if (activity !== undefined) activities.set(handle, activity);
    }
    return activities;
  }

  onUsage(listener: (handle: string, usage: ProcessUsage) => void): void {
    this.#onUsage = listener;
  }

  async measure(handles: readonly string[]): Promise<void> {
    const units = this.#unitsOf(handles);
    const measuring = this.#trees.measure([...units.values()], this.#tellUsage(units));
    await paced(measuring, new Stretch(this.#parts.clock));
  }

  /** The units of this boot, by handle. */
  #unitsOf(handles: readonly string[]): Map<string, UnitIdentity> {
    const bootId = this.#parts.table.bootId();
    const units = new Map<string, UnitIdentity>();
    for (const handle of handles) {
      const unit = parseHandle(handle);
      if (unit?.bootId === bootId) units.set(handle, unit);
    }
    return units;
  }

  #tellUsage(units: ReadonlyMap<string, UnitIdentity>): (pid: number, usage: ProcessUsage) => void {
    const handles = new Map(Array.from(units, ([handle, { pid }]) => [pid, handle]));
    return (pid, usage) => {
      const handle = handles.get(pid);
      if (handle !== undefined) this.#onUsage(handle, usage);
    };
  }

  /**
   * Asks the first process alone: what it has started it may need to finish its work. What outlives it is asked
   * then, for the rest of the grace. By force all of them go at once.
   */
  async stop(handle: string, order: StopOrder): Promise<boolean> {
    const { clock, table } = this.#parts;
    const unit = parseHandle(handle);
    if (!unit || unit.bootId !== table.bootId()) return false;
    const first = findProcess(table, unit);
    if (!first && !this.#leaving.has(handle) && !this.#watched.has(handle)) return false;
    if (order.how === 'ask') this.#asked.set(handle, clock.monotonicMs() + order.graceMs);
    else this.#asked.delete(handle);
    if (order.how === 'force') void this.#reaper.end(unit, 0);
    else if (first)
      signalMember({ table, signals: this.#signals }, { process: first, known: 'first' }, 'SIGTERM');
    return true;
  }

  logs({ agentId, generation }: UnitRef, maxBytes: number): Promise<UnitOutput> {
    return this.#parts.logs.tail(agentId, generation, maxBytes);
  }

  close(): void {
    this.#closed = true;
    this.#poll.cancel();
    this.#upkeep.close();
    this.#forget.cancel();
    this.#reaper.close();
    this.#watched.clear();
    this.#started.clear();
    this.#parts.starter.close();
  }

  async #resultOf(outcome: StartOutcome, spec: UnitSpec): Promise<StartResult> {
    switch (outcome.kind) {
      case 'started': {
        const started = describe(this.#identify(outcome, spec.nonce));
        this.#started.set(outcome.pid, started.handle);
        return { kind: 'started', unit: started };
      }
      case 'failed':
        return { kind: 'failed', error: describeFailure(outcome, spec) };
      case 'lost': {
        const found = await this.discover(spec.nonce);
        if (!found) {
          const message = 'the process that starts agents has ended meanwhile';
          return { kind: 'failed', error: describeFailure({ code: null, message }, spec) };
        }
        this.watch(found.handle);
        return { kind: 'started', unit: found };
      }
    }
  }

  #exited({ pid, exitCode, signal }: ProcessExit): void {
    const handle = this.#started.get(pid);
    if (handle !== undefined) this.#ended({ handle, exit: this.#exitOf(exitCode, signal) });
  }

  /** Nobody tells of their exits any more: they are looked for, as those of an earlier Omoi. */
  #watchStarted(): void {
    for (const handle of this.#started.values()) this.#watched.set(handle, parseHandle(handle));
    this.#started.clear();
  }

  #exitOf(exitCode: number | null, signal: string | null): UnitExit {
    const isKilled = signal === 'SIGKILL' || exitCode === EXIT_OF_KILLED;
    return { exitCode, signal, ...(isKilled && this.#oomKills.explains() && { outOfMemory: true }) };
  }

  /** After a restart all units are watched ones, and there may be thousands. */
  async #lookForWatched(): Promise<void> {
    const { clock, table } = this.#parts;
    const startedMs = clock.monotonicMs();
    if (this.#lookingForWatched || startedMs < this.#restUntilMs) return;
    this.#lookingForWatched = true;
    const stretch = new Stretch(clock);
    for (const [handle, unit] of this.#watched) {
      if (stretch.isOver) await stretch.pause();
      // It may be closed meanwhile, which empties the map.
      if (!this.#watched.has(handle)) continue;
      if (!unit || !findProcess(table, unit)) this.#ended({ handle, exit: null });
    }
    this.#lookingForWatched = false;
    const endedMs = clock.monotonicMs();
    this.#restUntilMs = endedMs + Math.min(MAX_PAUSE_MS, PAUSE_FOR_LOOK * (endedMs - startedMs));
  }

  #ended(ended: EndedUnit): void {
    const { handle } = ended;
    this.#watched.delete(handle);
    const { table, clock } = this.#parts;
    const unit = parseHandle(handle);
    if (unit && this.#started.get(unit.pid) === handle) this.#started.delete(unit.pid);
    if (!unit || unit.bootId !== table.bootId()) {
      this.#listener(ended);
      return;
    }
    this.#leaving.set(handle, unit);
    const graceMs = Math.max(0, (this.#asked.get(handle) ?? 0) - clock.monotonicMs());
    void this.#endRest(ended, unit, graceMs);
  }

  /** What an agent leaves behind belongs to it, and ends with it: its end is told when all are gone. */
  async #endRest(ended: EndedUnit, unit: UnitIdentity, graceMs: number): Promise<void> {
    const { handle } = ended;
    const ending = await this.#reaper.end(unit, graceMs);
    if (this.#closed) return;
    this.#leaving.delete(handle);
    this.#asked.delete(handle);
    if (ending === 'lingering') {
      this.#parts.logger.warn(
        { unit_pid: unit.pid },
        'Processes that an agent left behind do not end by SIGKILL; its next generation may start beside them.',
      );
    }
    this.#listener(ended);
  }

  #identify(
    { pid, startTicks }: { readonly pid: number; readonly startTicks: number },
    nonce: string,
  ): UnitIdentity {
    return { bootId: this.#parts.table.bootId(), pid, startTicks, unitId: unitIdOf(nonce) };
  }
}

function describe(unit: UnitIdentity): StartedUnit {
  return { handle: formatHandle(unit), pid: unit.pid };
}

/** `spawn` says ENOENT for a missing directory as for a missing program: the message names both. */
function describeFailure(
  { code, message }: { readonly code: string | null; readonly message: string },
  spec: UnitSpec,
): string {
  const program = spec.command[0] ?? '';
  const place = spec.cwd === null ? '' : ` in the directory ${spec.cwd}`;
  if (code === 'ENOENT') return `the command "${program}" was not found${place}`;
  if (code === 'EACCES') return `the command "${program}" may not be executed${place}`;
  return `the command "${program}" could not be started${place}: ${message}`;
}
