import type { EndedUnit, Runtime, UnitExit } from '#fleet';
import type { ProcessActivity } from '#telemetry';
import {
  findProcess,
  formatHandle,
  parseHandle,
  type UnitIdentity,
} from '../../src/fleet/runtimes/process-handle.ts';
import type { ProcessStat, ProcessTable } from '../../src/fleet/runtimes/process-table.ts';
import { between, happens } from './chance.ts';
import type { Gate } from './gate.ts';
import { Worker, type Pace, type WorkerWorld } from './worker.ts';

type StartSpec = Parameters<Runtime['start']>[0];

export interface SimulatedProcess {
  readonly handle: string;
  readonly pid: number;
  readonly agentId: string;
  readonly poolId: string | null;
  readonly generation: number;
  readonly nonce: string;
  readonly worker: Worker;
  watcher: { readonly runtime: SimulatedRuntime; readonly own: boolean } | null;
}

/** A process that has nothing to do with Omoi. */
interface Stranger {
  readonly startTicks: number;
}

/** What keeps programs from running, from their start on: until when, and for how long they run at most; ms. */
interface Breakage {
  readonly untilMs: number;
  readonly runForMs: number;
}

const FIRST_PID = 100;
const MS_PER_TICK = 10;
/** Pids that are given to strangers at once. */
const MAX_STRANGERS = 6;

/**
 * A machine whose processes outlive the servers that start them. Pids are given again, to its own and to strangers; who
 * is meant is found out as by the real runtime: boot, pid and start.
 */
export class Machine {
  readonly #world: WorkerWorld;
  readonly #processes = new Map<number, SimulatedProcess>();
  readonly #strangers = new Map<number, Stranger>();
  readonly #freed: number[] = [];
  /** Pools and agents whose programs can't run at present. */
  readonly #broken = new Map<string, Breakage>();
  #lastPid = FIRST_PID;
  /** The share of starts that fail. */
  refusalShare = 0;

  constructor(world: WorkerWorld) {
    this.#world = world;
  }

  get processes(): readonly SimulatedProcess[] {
    return [...this.#processes.values()];
  }

  /** What `/proc` would show of them. */
  get table(): Pick<ProcessTable, 'bootId' | 'stat'> {
    return {
      bootId: () => this.#world.clock.bootId,
      stat: (pid) => {
        const process = this.#processes.get(pid);
        const startTicks = process ? identityOf(process).startTicks : this.#strangers.get(pid)?.startTicks;
        return startTicks === undefined ? null : sleeping(pid, startTicks);
      },
    };
  }

  /** @param responsive resolves when the process that watches does anything at all */
  runtime(gate: Gate, responsive: () => Promise<void>): Runtime {
    return new SimulatedRuntime(this, { gate, responsive }, this.#world);
  }

  start(spec: StartSpec, runtime: SimulatedRuntime): SimulatedProcess | null {
    const { clock, random } = this.#world;
    if (happens(random, this.refusalShare)) return null;
    const { agentId, generation, nonce, env } = spec;
    const pid = this.#nextPid();
    const unit = { bootId: clock.bootId, pid, startTicks: this.#ticks(), unitId: null };
    const handle = formatHandle(unit);
    const poolId = env['OMOI_POOL_ID'] ?? null;
    const identity = {
      agentId,
      generation,
      nonce,
      poolId,
      phaseId: env['OMOI_PHASE_ID'] ?? '',
      pace: paceIn(env),
    };
    const worker = new Worker(identity, this.#world, (exitCode) =>
      this.end(handle, { exitCode, signal: null }),
    );
    const watcher = { runtime, own: true };
    const process = { handle, pid, agentId, poolId, generation, nonce, worker, watcher };
    this.#processes.set(pid, process);
    worker.start();
    const breakage = this.#breakageOf(process);
    if (breakage) clock.after(between(random, 20, breakage.runForMs), () => this.crash(process));
    return process;
  }

  /** The process of that handle, and no other that has its pid. */
  find(handle: string): SimulatedProcess | null {
    const unit = parseHandle(handle);
    return unit && findProcess(this.table, unit) ? (this.#processes.get(unit.pid) ?? null) : null;
  }

  /** It ends by itself, with an error. */
  crash(process: SimulatedProcess): void {
    if (!this.find(process.handle)) return;
    this.#world.ledger.endedByItself(process);
    this.end(process.handle, { exitCode: 1, signal: null });
  }

  /** A process ends; whoever watches it learns of it a little later. */
  end(handle: string, exit: UnitExit): void {
    const process = this.find(handle);
    if (!process) return;
    this.#processes.delete(process.pid);
    this.#freed.push(process.pid);
    process.worker.die();
    const { watcher } = process;
    if (watcher) this.tell(watcher.runtime, { handle, exit: watcher.own ? exit : null }, watcher.own);
  }

  /** SIGKILL to whoever has the pid. */
  kill({ pid }: UnitIdentity): void {
    const process = this.#processes.get(pid);
    if (process) this.end(process.handle, { exitCode: null, signal: 'SIGKILL' });
    else if (this.#strangers.delete(pid)) this.#world.ledger.strangersKilled.push(pid);
  }

  /** All of it ends at once, and nobody is told. Pids begin anew. */
  reboot(): void {
    for (const process of this.#processes.values()) {
      this.#world.ledger.endedByReboot(process);
      process.worker.die();
    }
    this.#processes.clear();
    this.#strangers.clear();
    this.#freed.length = 0;
    this.#lastPid = FIRST_PID;
  }

  /** Those that ended last have their pids given to others, which stay for a while. @returns how many */
  giveFreedPidsToStrangers(forMs: number): number {
    const pids = this.#freed.splice(-MAX_STRANGERS).filter((pid) => !this.#isTaken(pid));
    for (const pid of pids) this.#strangers.set(pid, { startTicks: this.#ticks() });
    this.#world.clock.after(forMs, () => {
      for (const pid of pids) this.#strangers.delete(pid);
    });
    return pids.length;
  }

  /** What a pool or an agent runs ends by itself soon after each start, for a while; what runs of it ends now. */
  breakProgram(id: string, { forMs, runForMs }: { readonly forMs: number; readonly runForMs: number }): void {
    this.#broken.set(id, { untilMs: this.#world.clock.monotonicMs() + forMs, runForMs });
    for (const process of this.processes)
      if (process.agentId === id || process.poolId === id) this.crash(process);
  }

  repairPrograms(): void {
    this.#broken.clear();
  }

  tell(runtime: SimulatedRuntime, ended: EndedUnit, own: boolean): void {
    this.#world.clock.after(between(this.#world.random, 0, own ? 2 : 250), () => void runtime.tell(ended));
  }

  #breakageOf({ agentId, poolId }: SimulatedProcess): Breakage | null {
    const found = this.#broken.get(agentId) ?? this.#broken.get(poolId ?? '');
    return found && found.untilMs > this.#world.clock.monotonicMs() ? found : null;
  }

  #nextPid(): number {
    do this.#lastPid++;
    while (this.#isTaken(this.#lastPid));
    return this.#lastPid;
  }

  #isTaken(pid: number): boolean {
    return this.#processes.has(pid) || this.#strangers.has(pid);
  }

  #ticks(): number {
    return Math.floor(this.#world.clock.bootMs() / MS_PER_TICK);
  }
}

function identityOf({ handle }: SimulatedProcess): UnitIdentity {
  const unit = parseHandle(handle);
  if (!unit) throw new Error(`${handle} is no handle`);
  return unit;
}

function paceIn(env: StartSpec['env']): Pace | null {
  const [intervalMs, ttlMs] = ['OMOI_HEARTBEAT_INTERVAL_MS', 'OMOI_HEARTBEAT_TTL_MS'].map(
    (name) => env[name],
  );
  if (intervalMs === undefined || ttlMs === undefined) return null;
  return { intervalMs: Number(intervalMs), ttlMs: Number(ttlMs) };
}

/** One that gets no CPU is runnable all the while. */
function activityOf({ isHung }: Worker): ProcessActivity {
  return isHung ? 'stopped' : 'active';
}

function sleeping(pid: number, startTicks: number): ProcessStat {
  return {
    pid,
    state: 'S',
    parentPid: 1,
    groupId: pid,
    sessionId: pid,
    cpuTicks: 0,
    reapedTicks: 0,
    residentPages: 0,
    startTicks,
  };
}

/** The runtime of one server process on the machine. */
class SimulatedRuntime implements Runtime {
  readonly name = 'process';
  readonly capabilities = { seesExitOfWatched: false, onThisMachine: false } as const;
  readonly #machine: Machine;
  readonly #gate: Gate;
  readonly #responsive: () => Promise<void>;
  readonly #world: WorkerWorld;
  #closed = false;
  #listener: (ended: EndedUnit) => void = () => {};

  constructor(
    machine: Machine,
    { gate, responsive }: { readonly gate: Gate; readonly responsive: () => Promise<void> },
    world: WorkerWorld,
  ) {
    this.#machine = machine;
    this.#gate = gate;
    this.#responsive = responsive;
    this.#world = world;
  }

  onEnd(listener: (ended: EndedUnit) => void): void {
    this.#listener = listener;
  }

  start(spec: StartSpec): ReturnType<Runtime['start']> {
    if (!this.#gate.isOpen) return this.#gate.pass(Promise.resolve({ kind: 'failed', error: 'dead' }));
    const process = this.#machine.start(spec, this);
    return this.#gate.pass(
      Promise.resolve(
        process
          ? { kind: 'started', unit: { handle: process.handle, pid: process.pid } }
          : { kind: 'failed', error: 'simulated: fork failed' },
      ),
    );
  }

  discover(nonce: string): ReturnType<Runtime['discover']> {
    const found = this.#machine.processes.find((process) => process.nonce === nonce);
    return this.#gate.pass(Promise.resolve(found ? { handle: found.handle, pid: found.pid } : null));
  }

  watch(handle: string): void {
    if (!this.#gate.isOpen) return;
    const process = this.#machine.find(handle);
    if (process) process.watcher = { runtime: this, own: false };
    else this.#machine.tell(this, { handle, exit: null }, false);
  }

  observe(handle: string): ReturnType<Runtime['observe']> {
    const running = this.#machine.find(handle) !== null;
    return this.#gate.pass(Promise.resolve(running ? { kind: 'running' } : { kind: 'ended', exit: null }));
  }

  /** Who is not stopped and has the CPU does something: it works, or asks the server for work again and again. */
  activity(handles: readonly string[]): ReturnType<Runtime['activity']> {
    const activities = new Map<string, ProcessActivity>();
    for (const handle of handles) {
      const process = this.#machine.find(handle);
      if (process && !process.worker.isUnseen) activities.set(handle, activityOf(process.worker));
    }
    return this.#gate.pass(Promise.resolve(activities));
  }

  stop(handle: string, order: Parameters<Runtime['stop']>[1]): Promise<boolean> {
    const process = this.#gate.isOpen ? this.#machine.find(handle) : null;
    if (process) this.#tellToStop(process, order.how);
    return this.#gate.pass(Promise.resolve(process !== null));
  }

  #tellToStop(process: SimulatedProcess, how: 'ask' | 'force'): void {
    const { ledger, clock } = this.#world;
    if (how === 'ask') {
      ledger.askedToLeave(process, clock.monotonicMs());
      process.worker.leave();
      return;
    }
    ledger.endedByForce(process, clock.monotonicMs());
    this.#machine.kill(identityOf(process));
  }

  logs(): ReturnType<Runtime['logs']> {
    return this.#gate.pass(Promise.resolve({ stdout: '', stderr: '' }));
  }

  close(): void {
    this.#closed = true;
  }

  /** A server that is stalled learns of it when it goes on. */
  async tell(ended: EndedUnit): Promise<void> {
    await this.#responsive();
    if (this.#gate.isOpen && !this.#closed) this.#listener(ended);
  }
}
