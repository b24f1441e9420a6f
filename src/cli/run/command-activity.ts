import { TreeActivity, type ProcessTable } from '#fleet';
import type { ProcessReport } from '@omoi/agent';
import type { ProcessActivity, ProcessUsage } from '#telemetry';
import type { WatchedCommand } from './watched-command.ts';

/** Longer than from any beat to the next. */
const MAX_UNSEEN_MS = 90_000;

interface ActivityOptions {
  /** After so long without anything the command is idle for too long; null: never. */
  readonly stallAfterMs: number | null;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** What a command does: its processes, and what it writes. */
export class CommandActivity {
  readonly #trees: TreeActivity;
  readonly #command: Pick<WatchedCommand, 'pid' | 'outputBytes'>;
  #outputBytes = 0;
  #last: ProcessActivity = 'idle';
  #usage: ProcessUsage | null = null;
  readonly #options: ActivityOptions;
  #quietSinceMs: number;
  #lookedAtMs: number;

  constructor(
    table: ProcessTable,
    command: Pick<WatchedCommand, 'pid' | 'outputBytes'>,
    options: ActivityOptions,
  ) {
    this.#trees = new TreeActivity(table);
    this.#command = command;
    this.#options = options;
    this.#quietSinceMs = this.#lookedAtMs = options.nowMs();
  }

  /** What the last look has found. */
  get last(): ProcessActivity {
    return this.#last;
  }

  /** What the command has done since the last look, and what it uses, for a heartbeat. */
  report(): ProcessActivity | ProcessReport {
    const activity = this.look();
    if (this.#usage === null) return activity;
    const { cpuSeconds, memoryBytes } = this.#usage;
    return { activity, cpu_ms: Math.round(cpuSeconds * 1000), memory_bytes: memoryBytes };
  }

  /** What the command has done since the last look. */
  look(): ProcessActivity {
    const { pid, outputBytes } = this.#command;
    const wrote = outputBytes !== this.#outputBytes;
    this.#outputBytes = outputBytes;
    this.#usage = null;
    const seen = pid === null ? 'idle' : this.#lookAt(pid);
    this.#last = wrote && seen === 'idle' ? 'active' : seen;
    if (this.#isIdleTooLong()) this.#last = 'idle_too_long';
    return this.#last;
  }

  #isIdleTooLong(): boolean {
    const { nowMs, stallAfterMs } = this.#options;
    const atMs = nowMs();
    const unseenMs = atMs - this.#lookedAtMs;
    this.#lookedAtMs = atMs;
    if (stallAfterMs === null) return false;
    // Nobody looked for so long (this process was stopped, too): what happened meanwhile is not known.
    if (this.#last !== 'idle' || unseenMs > MAX_UNSEEN_MS) this.#quietSinceMs = atMs;
    return this.#last === 'idle' && atMs - this.#quietSinceMs >= stallAfterMs;
  }

  /** Without pauses: nobody else waits in this process. */
  #lookAt(pid: number): ProcessActivity {
    const looking = this.#trees.look([{ pid, startTicks: null }], undefined, (_, usage) => {
      this.#usage = usage;
    });
    for (;;) {
      const step = looking.next();
      if (step.done) return step.value.get(pid) ?? 'idle';
    }
  }
}
