import { spawn, type ChildProcess } from 'node:child_process';
import { messageOf, type Clock, type Logger, type Timer } from '#telemetry';
import type { LogFiles } from './log-files.ts';
import { findProcess, formatHandle, parseHandle, type ProcessIdentity } from './process-handle.ts';
import { groupMembers, isRunning, type ProcessStat, type ProcessTable } from './process-table.ts';
import type { ProcessExit, Runtime, StartedProcess, StartResult, StartSpec, StopSignal } from './runtime.ts';

export interface ProcessRuntimeParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly table: ProcessTable;
  readonly logs: LogFiles;
}

/** An adopted process is no child: nobody tells of its end, so it is looked for. */
const ADOPTED_POLL_MS = 100;
const LOG_TIDY_MS = 10_000;
const NONCE_VARIABLE = 'OMOI_AGENT_NONCE';

/**
 * Agents as processes of this machine. Each leads a session of its own, so that neither a signal to Omoi's group
 * nor Omoi's end reaches it, and writes its output to files.
 */
export class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly #parts: ProcessRuntimeParts;
  readonly #adopted = new Map<string, ProcessIdentity>();
  readonly #children = new Map<string, ChildProcess>();
  readonly #poll: Timer;
  readonly #tidy: Timer;
  #listener: (exit: ProcessExit) => void = () => {};

  constructor(parts: ProcessRuntimeParts) {
    this.#parts = parts;
    this.#poll = parts.clock.every(ADOPTED_POLL_MS, () => this.#lookForAdopted());
    this.#tidy = parts.clock.every(LOG_TIDY_MS, () => {
      void parts.logs
        .tidy()
        .catch((error: unknown) =>
          parts.logger.warn({ error: messageOf(error) }, 'The agents’ logs were not tidied.'),
        );
    });
  }

  onExit(listener: (exit: ProcessExit) => void): void {
    this.#listener = listener;
  }

  async start(spec: StartSpec): Promise<StartResult> {
    const [program, ...args] = spec.command;
    if (program === undefined) return { kind: 'failed', error: 'the command is empty' };
    try {
      const output = this.#parts.logs.open(spec.agentId, spec.generation);
      try {
        const child = spawn(program, args, {
          cwd: spec.cwd ?? undefined,
          env: { ...spec.env },
          detached: true,
          stdio: ['ignore', output.stdout, output.stderr],
        });
        return await this.#started(child, spec);
      } finally {
        output.close();
      }
    } catch (error) {
      return { kind: 'failed', error: describeFailure(error, spec) };
    }
  }

  async findByNonce(nonce: string): Promise<StartedProcess | null> {
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

  adopt(handle: string): void {
    if (this.#children.has(handle)) return;
    const identity = parseHandle(handle);
    this.#adopted.set(handle, identity ?? { bootId: '', pid: 0, startTicks: 0 });
  }

  signal(handle: string, signal: StopSignal): boolean {
    const identity = parseHandle(handle);
    if (!identity || !findProcess(this.#parts.table, identity)) return false;
    return send(-identity.pid, signal) || send(identity.pid, signal);
  }

  close(): void {
    this.#poll.cancel();
    this.#tidy.cancel();
    this.#adopted.clear();
    for (const child of this.#children.values()) {
      child.removeAllListeners('exit');
      child.unref();
    }
    this.#children.clear();
  }

  #started(child: ChildProcess, spec: StartSpec): Promise<StartResult> {
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
      child.once('spawn', () => resolve({ kind: 'started', process: started }));
      child.once('exit', (exitCode, signal) => this.#ended({ handle: started.handle, exitCode, signal }));
    });
  }

  #lookForAdopted(): void {
    for (const [handle, identity] of this.#adopted) {
      if (!findProcess(this.#parts.table, identity)) this.#ended({ handle, exitCode: null, signal: null });
    }
  }

  /** What an agent leaves behind in its group belongs to it, and ends with it. */
  #ended(exit: ProcessExit): void {
    this.#children.delete(exit.handle);
    this.#adopted.delete(exit.handle);
    const { table, logger } = this.#parts;
    const identity = parseHandle(exit.handle);
    if (identity && identity.bootId === table.bootId()) {
      const left = groupMembers(table, identity.pid).filter((stat) => stat.startTicks >= identity.startTicks);
      if (left.length > 0) {
        logger.info({ pids: left.map(({ pid }) => pid) }, 'An agent left processes behind: they are ended.');
        send(-identity.pid, 'SIGKILL');
      }
    }
    this.#listener(exit);
  }

  #describe(stat: ProcessStat): StartedProcess {
    const bootId = this.#parts.table.bootId();
    return { handle: formatHandle({ bootId, pid: stat.pid, startTicks: stat.startTicks }), pid: stat.pid };
  }
}

function leads(stat: ProcessStat): boolean {
  return stat.pid === stat.sessionId;
}

function send(pid: number, signal: StopSignal): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** `spawn` says ENOENT for a missing directory as for a missing program: the message names both. */
function describeFailure(error: unknown, spec: StartSpec): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  const program = spec.command[0] ?? '';
  const place = spec.cwd === null ? '' : ` in the directory ${spec.cwd}`;
  if (code === 'ENOENT') return `the command "${program}" was not found${place}`;
  if (code === 'EACCES') return `the command "${program}" may not be executed${place}`;
  return `the command "${program}" could not be started${place}: ${messageOf(error)}`;
}
