import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#telemetry';
import { standardSink, type OutputSink } from './output-sink.ts';
import { endingWithParent } from './parent-death.ts';
import type { RotatingFile } from './rotating-file.ts';

/** How a command ended; `status` is what a shell would say. */
export interface CommandEnd {
  readonly status: number;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CommandOptions {
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Kept copies of the output; null keeps none. */
  readonly copies: { readonly stdout: RotatingFile; readonly stderr: RotatingFile } | null;
  readonly onWarning: (message: string) => void;
}

const FORWARDED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
const ENDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);
const STATUS_NOT_FOUND = 127;
const STATUS_NOT_EXECUTABLE = 126;
const STATUS_OF_SIGNALS = 128;
/** So long nothing has come from a pipe that others hold open: what the command wrote into it has been read. */
const QUIET_MS = 50;
/** Who is left behind and writes on is not waited for longer. */
const MAX_QUIET_ROUNDS = 40;

/** A command whose output is passed on and kept, and who gets the signals that its starter gets. */
export class WatchedCommand {
  readonly #child: ChildProcess;
  readonly #options: CommandOptions;
  readonly ended: Promise<CommandEnd>;
  #outputBytes = 0;
  #askedBy: NodeJS.Signals | null = null;
  /** Resolves when nobody can write any more and all output has been passed on. */
  readonly #closed: Promise<void>;
  #paused = 0;

  constructor(options: CommandOptions) {
    this.#options = options;
    const [program = '', ...args] = options.command;
    const [run = program, ...runArgs] = endingWithParent([program, ...args], options.env);
    this.#child = spawn(run, runArgs, { env: options.env, stdio: ['inherit', 'pipe', 'pipe'] });
    const sink = (stream: NodeJS.WriteStream & { readonly fd: number }): OutputSink =>
      standardSink(stream, options.onWarning);
    this.#pass(this.#child.stdout, sink(process.stdout), options.copies?.stdout ?? null);
    this.#pass(this.#child.stderr, sink(process.stderr), options.copies?.stderr ?? null);
    this.#closed = new Promise((resolve) => {
      this.#child.once('close', () => resolve());
      this.#child.once('error', () => resolve());
    });
    this.ended = this.#watch(program);
  }

  /** null when it could not be started. */
  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** How much it has written so far. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** The signal by which somebody has asked the command to end. */
  get askedBy(): NodeJS.Signals | null {
    return this.#askedBy;
  }

  /**
   * What the command itself has written is passed on when this resolves. Those that it has left behind keep the pipes
   * open, so that their end cannot be waited for: who still writes gets SIGPIPE from now on.
   */
  async passedOn(): Promise<void> {
    const closed = this.#closed.then(() => 'closed' as const);
    const pause = (): Promise<'quiet'> => sleep(QUIET_MS, 'quiet');
    for (let rounds = 0; rounds < MAX_QUIET_ROUNDS;) {
      const before = this.#outputBytes;
      if ((await Promise.race([closed, pause()])) === 'closed') break;
      if (this.#paused > 0) continue;
      if (this.#outputBytes === before) break;
      rounds++;
    }
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  async #watch(program: string): Promise<CommandEnd> {
    const forward = (signal: NodeJS.Signals): void => {
      if (ENDING.has(signal)) this.#askedBy = signal;
      // Ctrl-C on a terminal goes to the whole group: the command has it already.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      this.#child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    try {
      return await new Promise((resolve) => {
        this.#child.once('error', (error) => resolve(this.#notStarted(program, error)));
        this.#child.once('exit', (exitCode, signal) =>
          resolve({
            exitCode,
            signal,
            status: exitCode ?? STATUS_OF_SIGNALS + (signal === null ? 0 : constants.signals[signal]),
          }),
        );
      });
    } finally {
      for (const signal of FORWARDED) process.off(signal, forward);
    }
  }

  #notStarted(program: string, error: Error): CommandEnd {
    const missing = 'code' in error && error.code === 'ENOENT';
    this.#options.onWarning(missing ? `${program}: not found` : messageOf(error));
    return { status: missing ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE, exitCode: null, signal: null };
  }

  /** A reader that is slow slows the command down, as it would without a watcher. */
  #pass(from: Readable | null, to: OutputSink, copy: RotatingFile | null): void {
    let kept = copy;
    let isPaused = false;
    const goOn = (): void => {
      if (isPaused) this.#paused--;
      isPaused = false;
      from?.resume();
    };
    // Who reads has gone (`| head`): the command is told as it would be without a watcher.
    to.onGone(() => {
      goOn();
      from?.destroy();
    });
    from?.on('data', (chunk: Buffer) => {
      this.#outputBytes += chunk.length;
      if (!to.write(chunk)) {
        from.pause();
        isPaused = true;
        this.#paused++;
        to.onReady(goOn);
      }
      try {
        kept?.write(chunk);
      } catch (error) {
        kept = null;
        this.#options.onWarning(`the output is not kept any more: ${messageOf(error)}`);
      }
    });
  }
}
