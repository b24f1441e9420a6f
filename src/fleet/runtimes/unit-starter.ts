import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Logger } from '#telemetry';
import type {
  ProcessExit,
  ReserveOrder,
  StartOrder,
  StarterReply,
  StarterRequest,
} from './starter-protocol.ts';

export type StartOutcome =
  | { readonly kind: 'started'; readonly pid: number; readonly startTicks: number }
  | { readonly kind: 'failed'; readonly code: string | null; readonly message: string }
  /** The starter has ended before it answered: whether the process was started is not known. */
  | { readonly kind: 'lost' };

export interface StarterEvents {
  /** Told behind the outcome of its start. */
  onExit(exit: ProcessExit): void;
  /** The starter has ended: nobody tells of the exits of what it had started. */
  onLost(): void;
}

/** The answer to a request, null where the starter ended before it. */
type Answer = Exclude<StarterReply, { readonly kind: 'exited' }> | null;

const script = import.meta.filename.endsWith('.ts') ? './starter-process.ts' : './starter-process.js';

/**
 * Few threads and a small heap. It does not take over what this process was started with: a flag for a profile or a
 * bench is not meant for it.
 */
const FLAGS = [
  '--conditions=omoi-source',
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=1',
  '--v8-pool-size=0',
];

/**
 * This process's end of the starter, a small process that starts all others. A process that starts another one is copied
 * first (`fork`): its event loop stands while its page tables are copied, and after that each page of memory that it writes
 * to is a fault in the kernel. A server of 400 MB stood for 40 ms, and then ran at a fraction of its speed for a second,
 * for every agent that it started. The starter is started when it is first needed, and anew where it has ended; it ends
 * with this process.
 */
export class UnitStarter {
  readonly #logger: Logger;
  readonly #umask: number | null;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #events: StarterEvents = { onExit: () => {}, onLost: () => {} };
  #process: ChildProcess | null = null;
  #lastId = 0;
  #isClosed = false;

  /** @param umask which rights the files lack that the started ones make; null: as those of this process */
  constructor(logger: Logger, umask: number | null = null) {
    this.#logger = logger;
    this.#umask = umask;
  }

  /** null while there is none. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** One listener, set before anything is started. */
  listen(events: StarterEvents): void {
    this.#events = events;
  }

  async start(order: Omit<StartOrder, 'kind'>): Promise<StartOutcome> {
    const answer = await this.#ask({ kind: 'start', ...order });
    return answer === null || answer.kind === 'reserved' ? { kind: 'lost' } : answer;
  }

  /** Resolves when it was tried. */
  async reserve(order: Omit<ReserveOrder, 'kind'>): Promise<void> {
    await this.#ask({ kind: 'reserve', ...order });
  }

  /** What was started goes on; nothing is started any more. */
  close(): void {
    this.#isClosed = true;
    const starter = this.#process;
    this.#process = null;
    starter?.removeAllListeners();
    if (starter?.connected === true) starter.disconnect();
    this.#loseAll();
  }

  #ask(order: StartOrder | ReserveOrder): Promise<Answer> {
    // A look at output files may be under way yet.
    if (this.#isClosed) return Promise.resolve(null);
    const starter = (this.#process ??= this.#startStarter());
    const id = ++this.#lastId;
    const request: StarterRequest = { ...order, id };
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      starter.channel?.ref();
      // Where it can't be sent the starter has ended, or is about to be seen to have.
      starter.send(request, (error) => {
        if (error) this.#settle(id, null);
      });
    });
  }

  #startStarter(): ChildProcess {
    const starter = fork(
      fileURLToPath(new URL(script, import.meta.url)),
      this.#umask === null ? [] : [String(this.#umask)],
      {
        execArgv: FLAGS,
        env: ownEnvironment(process.env),
        // A Ctrl-C in the terminal is not for it.
        detached: true,
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      },
    );
    starter.unref();
    starter.channel?.unref();
    starter.on('message', (reply) => this.#heard(reply as StarterReply));
    starter.on('error', (error) => this.#lost(starter, error.message));
    starter.on('exit', (code, signal) => this.#lost(starter, `it ended (${signal ?? `exit ${code}`})`));
    return starter;
  }

  #heard(reply: StarterReply): void {
    if (reply.kind !== 'exited') return this.#settle(reply.id, reply);
    // Who waits for the outcome of its start hears that first.
    setImmediate(() => this.#events.onExit(reply));
  }

  #settle(id: number, answer: Answer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#process?.channel?.unref();
  }

  #lost(starter: ChildProcess, why: string): void {
    if (this.#process !== starter) return;
    this.#process = null;
    this.#logger.warn(
      { starter_pid: starter.pid, why },
      'The process that starts agents has ended; another one is started when it is needed. The agents go on, but how those that run now will end is not seen.',
    );
    this.#loseAll();
    this.#events.onLost();
  }

  #loseAll(): void {
    for (const id of this.#waiting.keys()) this.#settle(id, null);
  }
}

/** What it starts is given its whole environment; itself it needs next to nothing. */
function ownEnvironment({ NODE_COMPILE_CACHE: cache, PATH: path }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }),
    ...(path !== undefined && { PATH: path }),
  };
}
