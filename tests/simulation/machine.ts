import type { EndedUnit, Runtime, UnitExit } from '#fleet';
import type { ProcessActivity } from '#telemetry';
import { between, happens } from './chance.ts';
import type { Gate } from './gate.ts';
import { Worker, type WorkerWorld } from './worker.ts';

type StartSpec = Parameters<Runtime['start']>[0];

export interface SimulatedProcess {
  readonly handle: string;
  readonly pid: number;
  readonly agentId: string;
  readonly generation: number;
  readonly nonce: string;
  readonly worker: Worker;
  watcher: { readonly runtime: SimulatedRuntime; readonly own: boolean } | null;
}

/** A machine whose processes outlive the servers that start them. */
export class Machine {
  readonly #world: WorkerWorld;
  readonly #processes = new Map<string, SimulatedProcess>();
  #lastPid = 100;
  /** The share of starts that fail. */
  refusalShare = 0;

  constructor(world: WorkerWorld) {
    this.#world = world;
  }

  get processes(): readonly SimulatedProcess[] {
    return [...this.#processes.values()];
  }

  runtime(gate: Gate): Runtime {
    return new SimulatedRuntime(this, gate);
  }

  start(spec: StartSpec, runtime: SimulatedRuntime): SimulatedProcess | null {
    if (happens(this.#world.random, this.refusalShare)) return null;
    const { agentId, generation, nonce, env } = spec;
    const pid = ++this.#lastPid;
    const handle = `simulated/${pid}`;
    const identity = {
      agentId,
      generation,
      nonce,
      poolId: env['OMOI_POOL_ID'] ?? null,
      phaseId: env['OMOI_PHASE_ID'] ?? '',
    };
    const worker = new Worker(identity, this.#world, (exitCode) =>
      this.end(handle, { exitCode, signal: null }),
    );
    const process = { handle, pid, agentId, generation, nonce, worker, watcher: { runtime, own: true } };
    this.#processes.set(handle, process);
    worker.start();
    return process;
  }

  find(handle: string): SimulatedProcess | null {
    return this.#processes.get(handle) ?? null;
  }

  /** A process ends; whoever watches it learns of it a little later. */
  end(handle: string, exit: UnitExit): void {
    const process = this.#processes.get(handle);
    if (!process) return;
    this.#processes.delete(handle);
    process.worker.die();
    const { watcher } = process;
    if (watcher) this.tell(watcher.runtime, { handle, exit: watcher.own ? exit : null }, watcher.own);
  }

  tell(runtime: SimulatedRuntime, ended: EndedUnit, own: boolean): void {
    this.#world.clock.after(between(this.#world.random, 0, own ? 2 : 250), () => runtime.tell(ended));
  }
}

/** The runtime of one server process on the machine. */
class SimulatedRuntime implements Runtime {
  readonly name = 'process';
  readonly capabilities = { seesExitOfWatched: false, onThisMachine: false } as const;
  readonly #machine: Machine;
  readonly #gate: Gate;
  #closed = false;
  #listener: (ended: EndedUnit) => void = () => {};

  constructor(machine: Machine, gate: Gate) {
    this.#machine = machine;
    this.#gate = gate;
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

  /** Who is not stopped does something: it works, or asks the server for work again and again. */
  activity(handles: readonly string[]): ReturnType<Runtime['activity']> {
    const activities = new Map<string, ProcessActivity>();
    for (const handle of handles) {
      const process = this.#machine.find(handle);
      if (process) activities.set(handle, process.worker.isHung ? 'stopped' : 'active');
    }
    return this.#gate.pass(Promise.resolve(activities));
  }

  stop(handle: string, order: Parameters<Runtime['stop']>[1]): Promise<boolean> {
    const process = this.#gate.isOpen ? this.#machine.find(handle) : null;
    if (process && order.how === 'force') this.#machine.end(handle, { exitCode: null, signal: 'SIGKILL' });
    else process?.worker.leave();
    return this.#gate.pass(Promise.resolve(process !== null));
  }

  logs(): ReturnType<Runtime['logs']> {
    return this.#gate.pass(Promise.resolve({ stdout: '', stderr: '' }));
  }

  close(): void {
    this.#closed = true;
  }

  tell(ended: EndedUnit): void {
    if (this.#gate.isOpen && !this.#closed) this.#listener(ended);
  }
}
