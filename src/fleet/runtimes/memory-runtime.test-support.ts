import type { ProcessExit, Runtime, StartedProcess, StartResult, StartSpec, StopSignal } from './runtime.ts';

interface MemoryProcess {
  readonly started: StartedProcess;
  readonly spec: StartSpec;
  watcher: MemoryRuntime | null;
  /** Whether the runtime that started it still watches: only then its exit code is seen. */
  own: boolean;
}

/**
 * A machine whose processes outlive the runtimes that start them. Programs: `run`, `ignore_sigterm`, `exit CODE`
 * (at once); anything else does not exist.
 */
export class MemoryMachine {
  readonly #processes = new Map<string, MemoryProcess>();
  #lastPid = 100;
  /** Every start, in order. */
  readonly starts: StartSpec[] = [];

  get running(): readonly StartSpec[] {
    return [...this.#processes.values()].map(({ spec }) => spec);
  }

  start(spec: StartSpec, watcher: MemoryRuntime | null): StartResult {
    const program = spec.command[0] ?? '';
    if (!['run', 'ignore_sigterm', 'exit'].includes(program)) {
      return { kind: 'failed', error: `the command "${program}" was not found` };
    }
    const pid = ++this.#lastPid;
    const started = { handle: `memory/${pid}`, pid };
    this.starts.push(spec);
    this.#processes.set(started.handle, { started, spec, watcher, own: true });
    if (program === 'exit') setImmediate(() => this.end(pid, { exitCode: Number(spec.command[1]) }));
    return { kind: 'started', process: started };
  }

  find(nonce: string): StartedProcess | null {
    const found = [...this.#processes.values()].find(({ spec }) => spec.nonce === nonce);
    return found?.started ?? null;
  }

  watch(handle: string, watcher: MemoryRuntime): boolean {
    const process = this.#processes.get(handle);
    if (!process) return false;
    if (process.watcher !== watcher) process.own = false;
    process.watcher = watcher;
    return true;
  }

  /** Omoi is killed: nobody watches any more. */
  unwatch(watcher: MemoryRuntime): void {
    for (const process of this.#processes.values()) {
      if (process.watcher === watcher) process.watcher = null;
    }
  }

  signal(handle: string, signal: StopSignal): boolean {
    const process = this.#processes.get(handle);
    if (!process) return false;
    const ignored = signal === 'SIGTERM' && process.spec.command[0] === 'ignore_sigterm';
    if (!ignored) setImmediate(() => this.end(process.started.pid ?? 0, { signal }));
    return true;
  }

  /** A process ends, by itself or by a signal. */
  end(pid: number, how: { readonly exitCode?: number; readonly signal?: string }): void {
    const handle = `memory/${pid}`;
    const process = this.#processes.get(handle);
    if (!process) return;
    this.#processes.delete(handle);
    const seen = process.own ? how : {};
    process.watcher?.tell({ handle, exitCode: seen.exitCode ?? null, signal: seen.signal ?? null });
  }

  pidOf(agentId: string): number {
    const process = [...this.#processes.values()].findLast(({ spec }) => spec.agentId === agentId);
    return process?.started.pid ?? 0;
  }
}

/** A runtime on a machine in memory: passes the runtimes' conformance suite, and needs no time. */
export class MemoryRuntime implements Runtime {
  readonly name = 'process';
  readonly #machine: MemoryMachine;
  #listener: (exit: ProcessExit) => void = () => {};

  constructor(machine: MemoryMachine) {
    this.#machine = machine;
  }

  onExit(listener: (exit: ProcessExit) => void): void {
    this.#listener = listener;
  }

  async start(spec: StartSpec): Promise<StartResult> {
    return this.#machine.start(spec, this);
  }

  async findByNonce(nonce: string): Promise<StartedProcess | null> {
    return this.#machine.find(nonce);
  }

  adopt(handle: string): void {
    if (this.#machine.watch(handle, this)) return;
    setImmediate(() => this.tell({ handle, exitCode: null, signal: null }));
  }

  signal(handle: string, signal: StopSignal): boolean {
    return this.#machine.signal(handle, signal);
  }

  close(): void {
    this.#machine.unwatch(this);
  }

  tell(exit: ProcessExit): void {
    this.#listener(exit);
  }
}
