import { spawn, type ChildProcess } from 'node:child_process';
import {
  messageOf,
  paced,
  Stretch,
  type Clock,
  type Logger,
  type ProcessActivity,
  type Timer,
} from '#telemetry';
import type { LogFiles } from './log-files.ts';
import { findProcess, formatHandle, parseHandle, type ProcessIdentity } from './process-handle.ts';
import { groupMembers, isRunning, type ProcessStat, type ProcessTable } from './process-table.ts';
import { TreeActivity } from './tree-activity.ts';
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

export interface ProcessRuntimeParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly table: ProcessTable;
  readonly logs: LogFiles;
  /** Which rights the agents' new files lack; null where they take the server's own. */
  readonly umask?: number | null;
}

/** A process of an earlier Omoi is no child: nobody tells of its end, so it is looked for. */
const WATCHED_POLL_MS = 100;
const LOG_TIDY_MS = 10_000;
const NONCE_VARIABLE = 'OMOI_AGENT_NONCE';

/**
 * Agents as processes of this machine. Each leads a session of its own, so that neither a signal to Omoi's group
 * nor Omoi's end reaches it, and writes its output to files.
 */
export class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly capabilities = { seesExitOfWatched: false, onThisMachine: true } as const;
  readonly #parts: ProcessRuntimeParts;
  readonly #watched = new Map<string, ProcessIdentity>();
  readonly #children = new Map<string, ChildProcess>();
  readonly #trees: TreeActivity;
  readonly #poll: Timer;
  readonly #tidy: Timer;
  #listener: (ended: EndedUnit) => void = () => {};

  constructor(parts: ProcessRuntimeParts) {
    this.#parts = parts;
    this.#trees = new TreeActivity(parts.table);
    this.#poll = parts.clock.every(WATCHED_POLL_MS, () => this.#lookForWatched());
    this.#tidy = parts.clock.every(LOG_TIDY_MS, () => {
      void parts.logs
        .tidy()
        .catch((error: unknown) =>
          parts.logger.warn(
            { error: messageOf(error) },
            'Output files of agents could not be rotated; trying again.',
          ),
        );
    });
  }

  onEnd(listener: (ended: EndedUnit) => void): void {
    this.#listener = listener;
  }

  async start(spec: UnitSpec): Promise<StartResult> {
    const [program, ...args] = spec.command;
    if (program === undefined) return { kind: 'failed', error: 'the command is empty' };
    try {
      const output = this.#parts.logs.open(spec.agentId, spec.generation);
      try {
        const child = this.#withUmask(() =>
          spawn(program, args, {
            cwd: spec.cwd ?? undefined,
            env: { ...spec.env },
            detached: true,
            stdio: ['ignore', output.stdout, output.stderr],
          }),
        );
        return await this.#started(child, spec);
      } finally {
        output.close();
      }
    } catch (error) {
      return { kind: 'failed', error: describeFailure(error, spec) };
    }
  }

  async discover(nonce: string): Promise<StartedUnit | null> {
    const { table } = this.#parts;
    const wanted = `${NONCE_VARIABLE}=${nonce}`;
    const found = table
      .pids()
      .filter((pid) => table.environ(pid)?.split('\0').includes(wanted) === true)
      .map((pid) => table.stat(pid))
      .filter(isRunning)
      // What it started inherits its environment: the leader of the session is the agent, else the oldest.
      .sort((a, b) => Number(leads(b)) - Number(leads(a)) || a.startTicks - b.startTicks);
    return found[0] ? this.#describe(found[0]) : null;
  }

  watch(handle: string): void {
    if (this.#children.has(handle)) return;
    const identity = parseHandle(handle);
    this.#watched.set(handle, identity ?? { bootId: '', pid: 0, startTicks: 0 });
  }

  async observe(handle: string): Promise<UnitState> {
    const identity = parseHandle(handle);
    if (identity && findProcess(this.#parts.table, identity)) return { kind: 'running' };
    return { kind: 'ended', exit: null };
  }

  async activity(handles: readonly string[]): Promise<ReadonlyMap<string, ProcessActivity>> {
    const { table, clock } = this.#parts;
    const pids = new Map<string, number>();
    for (const handle of handles) {
      const identity = parseHandle(handle);
      if (identity && findProcess(table, identity)) pids.set(handle, identity.pid);
    }
    const seen = await paced(this.#trees.look([...pids.values()]), new Stretch(clock));
    const activities = new Map<string, ProcessActivity>();
    for (const [handle, pid] of pids) {
      const activity = seen.get(pid);
      if (activity !== undefined) activities.set(handle, activity);
    }
    return activities;
  }

  /** SIGTERM or SIGKILL, to the process and its group. The grace is kept by who asks. */
  async stop(handle: string, order: StopOrder): Promise<boolean> {
    const identity = parseHandle(handle);
    if (!identity || !findProcess(this.#parts.table, identity)) return false;
    const signal = order.how === 'force' ? 'SIGKILL' : 'SIGTERM';
    return send(-identity.pid, signal) || send(identity.pid, signal);
  }

  logs({ agentId, generation }: UnitRef, maxBytes: number): Promise<UnitOutput> {
    return this.#parts.logs.tail(agentId, generation, maxBytes);
  }

  close(): void {
    this.#poll.cancel();
    this.#tidy.cancel();
    this.#watched.clear();
    for (const child of this.#children.values()) {
      child.removeAllListeners('exit');
      child.unref();
    }
    this.#children.clear();
  }

  /** A process takes the umask that its parent has when it forks, which happens within `spawn`. */
  #withUmask<Result>(fork: () => Result): Result {
    const { umask = null } = this.#parts;
    if (umask === null) return fork();
    const own = process.umask(umask);
    try {
      return fork();
    } finally {
      process.umask(own);
    }
  }

  #started(child: ChildProcess, spec: UnitSpec): Promise<StartResult> {
    return new Promise((resolve) => {
      child.once('error', (error) => resolve({ kind: 'failed', error: describeFailure(error, spec) }));
      if (child.pid === undefined) return;
      // Read before the event loop turns: until then even one that has ended already is in the table.
      const stat = this.#parts.table.stat(child.pid);
      if (!stat) {
        child.kill('SIGKILL');
        resolve({ kind: 'failed', error: 'this machine has no /proc, which the process runtime needs' });
        return;
      }
      const started = this.#describe(stat);
      this.#children.set(started.handle, child);
      child.unref();
      // Node tells of the start in this turn of the event loop and of the exit in a later one.
      child.once('spawn', () => resolve({ kind: 'started', unit: started }));
      child.once('exit', (exitCode, signal) =>
        this.#ended({ handle: started.handle, exit: { exitCode, signal } }),
      );
    });
  }

  #lookForWatched(): void {
    for (const [handle, identity] of this.#watched) {
      if (!findProcess(this.#parts.table, identity)) this.#ended({ handle, exit: null });
    }
  }

  /** What an agent leaves behind in its group belongs to it, and ends with it. */
  #ended(ended: EndedUnit): void {
    this.#children.delete(ended.handle);
    this.#watched.delete(ended.handle);
    const { table, logger } = this.#parts;
    const identity = parseHandle(ended.handle);
    if (identity && identity.bootId === table.bootId()) {
      // The table of all processes is read only where the group outlived its leader.
      const members = groupExists(identity.pid) ? groupMembers(table, identity.pid) : [];
      const left = members.filter((stat) => stat.startTicks >= identity.startTicks);
      if (left.length > 0) {
        logger.info({ pids: left.map(({ pid }) => pid) }, 'Ended the processes that an agent left behind.');
        send(-identity.pid, 'SIGKILL');
      }
    }
    this.#listener(ended);
  }

  #describe(stat: ProcessStat): StartedUnit {
    const bootId = this.#parts.table.bootId();
    return { handle: formatHandle({ bootId, pid: stat.pid, startTicks: stat.startTicks }), pid: stat.pid };
  }
}

function leads(stat: ProcessStat): boolean {
  return stat.pid === stat.sessionId;
}

/** Whether the kernel still knows a process of the group, a zombie included: one call, however many processes there are. */
function groupExists(leaderPid: number): boolean {
  try {
    return process.kill(-leaderPid, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function send(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** `spawn` says ENOENT for a missing directory as for a missing program: the message names both. */
function describeFailure(error: unknown, spec: UnitSpec): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  const program = spec.command[0] ?? '';
  const place = spec.cwd === null ? '' : ` in the directory ${spec.cwd}`;
  if (code === 'ENOENT') return `the command "${program}" was not found${place}`;
  if (code === 'EACCES') return `the command "${program}" may not be executed${place}`;
  return `the command "${program}" could not be started${place}: ${messageOf(error)}`;
}
