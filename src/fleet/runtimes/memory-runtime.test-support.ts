import type { ProcessActivity, ProcessUsage } from '#telemetry';
import type {
  EndedUnit,
  Runtime,
  StartedUnit,
  StartResult,
  StopOrder,
  UnitOutput,
  UnitRef,
  UnitSpec,
  UnitState,
} from './runtime.ts';

interface MemoryProcess {
  readonly started: StartedUnit;
  readonly spec: UnitSpec;
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
  /** What each has written, also after its end; by agent and generation. */
  readonly #outputs = new Map<string, string>();
  /** What the processes do that a test speaks for; nothing is seen of others. By handle. */
  readonly #activities = new Map<string, ProcessActivity>();
  readonly #usages = new Map<string, ProcessUsage>();
  /** The handles that were looked at for what they use alone, look by look. */
  readonly measured: (readonly string[])[] = [];
  /** Whether reads of what processes put out are answered; those that are not never are. */
  answersOutput = true;
  /** What a look at what processes use waits for. */
  beforeMeasured: Promise<void> = Promise.resolve();
  #lastPid = 100;
  /** Of each agent, how many of its processes ran at one time. */
  readonly mostAtOnce = new Map<string, number>();
  /** Every start, in order. */
  readonly starts: UnitSpec[] = [];

  get running(): readonly UnitSpec[] {
    return [...this.#processes.values()].map(({ spec }) => spec);
  }

  start(spec: UnitSpec, watcher: MemoryRuntime | null): StartResult {
    const program = spec.command[0] ?? '';
    if (!['run', 'ignore_sigterm', 'exit'].includes(program)) {
      return { kind: 'failed', error: `the command "${program}" was not found` };
    }
    const pid = ++this.#lastPid;
    const started = { handle: `memory/${pid}`, pid };
    this.starts.push(spec);
    this.#outputs.set(nameOf(spec), 'ready\n');
    this.#processes.set(started.handle, { started, spec, watcher, own: true });
    const { agentId } = spec;
    const atOnce = this.running.filter((other) => other.agentId === agentId).length;
    this.mostAtOnce.set(agentId, Math.max(atOnce, this.mostAtOnce.get(agentId) ?? 0));
    if (program === 'exit') setImmediate(() => this.end(pid, { exitCode: Number(spec.command[1]) }));
    return { kind: 'started', unit: started };
  }

  find(nonce: string): StartedUnit | null {
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

  output(unit: UnitRef, maxBytes: number): UnitOutput {
    const stdout = this.#outputs.get(nameOf(unit)) ?? '';
    return { stdout: stdout.slice(Math.max(0, stdout.length - maxBytes)), stderr: '' };
  }

  /** From now on that is what is seen of the process; null: nothing. */
  shows(pid: number, activity: ProcessActivity | null): void {
    if (activity === null) this.#activities.delete(`memory/${pid}`);
    else this.#activities.set(`memory/${pid}`, activity);
  }

  /** From now on that is what the process is seen to use. */
  uses(handle: string, usage: ProcessUsage): void {
    this.#usages.set(handle, usage);
  }

  usage(handle: string): ProcessUsage | undefined {
    return this.#processes.has(handle) ? this.#usages.get(handle) : undefined;
  }

  activity(handle: string): ProcessActivity | undefined {
    return this.#processes.has(handle) ? this.#activities.get(handle) : undefined;
  }

  isRunning(handle: string): boolean {
    return this.#processes.has(handle);
  }

  signal(handle: string, signal: 'SIGTERM' | 'SIGKILL'): boolean {
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
    const exit = process.own ? { exitCode: how.exitCode ?? null, signal: how.signal ?? null } : null;
    process.watcher?.tell({ handle, exit });
  }

  pidOf(agentId: string): number {
    const process = [...this.#processes.values()].findLast(({ spec }) => spec.agentId === agentId);
    return process?.started.pid ?? 0;
  }
}

/** A runtime on a machine in memory: passes the runtimes' conformance suite, and needs no time. */
export class MemoryRuntime implements Runtime {
  readonly name = 'process';
  readonly capabilities = { seesExitOfWatched: false, onThisMachine: true } as const;
  readonly #machine: MemoryMachine;
  #listener: (ended: EndedUnit) => void = () => {};
  #onUsage: (handle: string, usage: ProcessUsage) => void = () => {};

  constructor(machine: MemoryMachine) {
    this.#machine = machine;
  }

  onEnd(listener: (ended: EndedUnit) => void): void {
    this.#listener = listener;
  }

  async start(spec: UnitSpec): Promise<StartResult> {
    return this.#machine.start(spec, this);
  }

  async discover(nonce: string): Promise<StartedUnit | null> {
    return this.#machine.find(nonce);
  }

  watch(handle: string): void {
    if (this.#machine.watch(handle, this)) return;
    setImmediate(() => this.tell({ handle, exit: null }));
  }

  async observe(handle: string): Promise<UnitState> {
    return this.#machine.isRunning(handle) ? { kind: 'running' } : { kind: 'ended', exit: null };
  }

  onUsage(listener: (handle: string, usage: ProcessUsage) => void): void {
    this.#onUsage = listener;
  }

  async measure(handles: readonly string[]): Promise<void> {
    this.#machine.measured.push(handles);
    await this.#machine.beforeMeasured;
    this.#tellUsage(handles);
  }

  #tellUsage(handles: readonly string[]): void {
    for (const handle of handles) {
      const usage = this.#machine.usage(handle);
      if (usage) this.#onUsage(handle, usage);
    }
  }

  async activity(handles: readonly string[]): Promise<ReadonlyMap<string, ProcessActivity>> {
    this.#tellUsage(handles);
    const activities = new Map<string, ProcessActivity>();
    for (const handle of handles) {
      const activity = this.#machine.activity(handle);
      if (activity !== undefined) activities.set(handle, activity);
    }
    return activities;
  }

  async stop(handle: string, order: StopOrder): Promise<boolean> {
    return this.#machine.signal(handle, order.how === 'force' ? 'SIGKILL' : 'SIGTERM');
  }

  async logs(unit: UnitRef, maxBytes: number): Promise<UnitOutput> {
    return this.#machine.answersOutput ? this.#machine.output(unit, maxBytes) : new Promise(() => {});
  }

  close(): void {
    this.#machine.unwatch(this);
  }

  tell(ended: EndedUnit): void {
    this.#listener(ended);
  }
}

function nameOf({ agentId, generation }: UnitRef): string {
  return `${agentId} ${generation}`;
}
