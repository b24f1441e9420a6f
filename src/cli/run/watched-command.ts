import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '#fleet';
import { messageOf } from '#telemetry';
import type { CommandProcess } from './command-process.ts';
import { missingInterpreter } from './missing-interpreter.ts';
import { standardSink, terminalSink, type OutputSink } from './output-sink.ts';
import { endingWithParent } from './parent-death.ts';
import { notStarted, startPiped } from './piped-process.ts';
import { OutputTail } from './output-tail.ts';
import type { RotatingFile } from './rotating-file.ts';
import { TerminalModes } from './terminal-modes.ts';
import { loadPseudoTerminals, startOnTerminal, type TerminalProcess } from './terminal-process.ts';
import type { UserTerminal } from './user-terminal.ts';

/** How a command ended; `status` is what a shell would say. */
export interface CommandEnd {
  readonly status: number;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CommandOptions {
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Joined to a terminal of the command's own; null: it reads what this process reads and writes into pipes. */
  readonly terminal: UserTerminal | null;
  /** Kept copies of the output; null keeps none. */
  readonly copies: { readonly stdout: RotatingFile; readonly stderr: RotatingFile } | null;
  /** Whether the process with this pid is stopped. */
  readonly isStopped: (pid: number) => boolean;
  readonly onWarning: (message: string) => void;
}

const FORWARDED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
const ENDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);
const STATUS_NOT_FOUND = 127;
const STATUS_NOT_EXECUTABLE = 126;
const STATUS_OF_SIGNALS = 128;
/** So long nothing has come from a pipe that others hold open: what the command wrote into it has been read. */
const QUIET_MS = 50;
const MAX_TAIL_BYTES = 4096;
/** Who is left behind and writes on is not waited for longer. */
const MAX_QUIET_ROUNDS = 40;

/** A command whose output is passed on and kept, and who gets the signals that its starter gets. */
export class WatchedCommand {
  readonly #process: CommandProcess;
  /** The terminal that it is joined to; null where it has pipes. */
  readonly #terminal: UserTerminal | null;
  readonly #modes = new TerminalModes();
  readonly #out: OutputSink;
  readonly #options: CommandOptions;
  readonly ended: Promise<CommandEnd>;
  readonly #tails = { stdout: new OutputTail(MAX_TAIL_BYTES), stderr: new OutputTail(MAX_TAIL_BYTES) };
  #outputBytes = 0;
  #askedBy: NodeJS.Signals | null = null;
  #paused = 0;

  constructor(options: CommandOptions) {
    this.#options = options;
    const { terminal, copies, onWarning } = options;
    const onTerminal = terminal && this.#startOnTerminal(terminal);
    this.#terminal = onTerminal ? terminal : null;
    this.#process = onTerminal ?? this.#startPiped();
    const { stdout, stderr } = this.#process;
    this.#out = onTerminal ? terminalSink(process.stdout) : standardSink(process.stdout, onWarning);
    const { stdout: outTail, stderr: errorTail } = this.#tails;
    this.#pass(stdout, this.#out, { copy: copies?.stdout ?? null, tail: outTail });
    const errors = standardSink(process.stderr, onWarning);
    this.#pass(stderr, errors, { copy: copies?.stderr ?? null, tail: errorTail });
    this.ended = this.#watch();
  }

  /** null when it could not be started. */
  get pid(): number | null {
    return this.#process.pid;
  }

  /** How much it has written so far. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** The end of what it wrote, of its errors first. */
  get lastOutput(): string {
    return this.#tails.stderr.text || this.#tails.stdout.text;
  }

  /** The signal, or the key of its terminal, by which somebody has asked the command to end. */
  get askedBy(): NodeJS.Signals | null {
    return this.#askedBy ?? this.#terminal?.lastKeySignal ?? null;
  }

  /** Whether it has a terminal of its own. */
  get isOnTerminal(): boolean {
    return this.#terminal !== null;
  }

  /**
   * What the command itself has written is passed on when this resolves, and the terminal is as it was. Those that it has
   * left behind keep the pipes open, so that their end cannot be waited for: who still writes gets SIGPIPE from now on,
   * and on a terminal SIGHUP.
   */
  async passedOn(): Promise<void> {
    const { stdout, stderr, closed: onClosed } = this.#process;
    const closed = onClosed.then(() => 'closed' as const);
    const pause = (): Promise<'quiet'> => sleep(QUIET_MS, 'quiet');
    for (let rounds = 0; rounds < MAX_QUIET_ROUNDS;) {
      const before = this.#outputBytes;
      if ((await Promise.race([closed, pause()])) === 'closed') break;
      if (this.#paused > 0) continue;
      if (this.#outputBytes === before) break;
      rounds++;
    }
    stdout?.destroy();
    stderr?.destroy();
    if (!this.#terminal) return;
    await this.#out.finish(this.#modes.reset);
    this.#terminal.restore();
  }

  /** The command such that it ends with this process. */
  #command(): readonly string[] {
    return endingWithParent(this.#options.command, this.#options.env);
  }

  #startPiped(): CommandProcess {
    const { command, env } = this.#options;
    const program = findProgram(command[0] ?? '', env, null);
    const interpreter = program === null ? null : missingInterpreter(program);
    if (interpreter === null) return startPiped(this.#command(), env);
    return notStarted(new InterpreterMissing(interpreter));
  }

  /** null where it is to have pipes after all: no terminal can be had, or nothing can be started. */
  #startOnTerminal(terminal: UserTerminal): TerminalProcess | null {
    const { command, env, onWarning, isStopped } = this.#options;
    const program = findProgram(command[0] ?? '', env, null);
    if (program === null || missingInterpreter(program) !== null) return null;
    try {
      const started = startOnTerminal(
        { command: this.#command(), env },
        terminal.size,
        loadPseudoTerminals(),
      );
      terminal.join(started, {
        // Whoever stopped it may have gone; nobody else on this terminal could make it go on.
        onInput: () => started.pid !== null && isStopped(started.pid) && started.kill('SIGCONT'),
        onGone: () => this.#forward('SIGHUP'),
      });
      return started;
    } catch (error) {
      const [reason = ''] = messageOf(error).split('\n');
      onWarning(`no terminal for the command, it gets pipes: ${reason}`);
      return null;
    }
  }

  async #watch(): Promise<CommandEnd> {
    const forward = (signal: NodeJS.Signals): void => this.#forward(signal);
    for (const signal of FORWARDED) process.on(signal, forward);
    try {
      const { exitCode, signal } = await this.#process.exited;
      const status = exitCode ?? STATUS_OF_SIGNALS + (signal === null ? 0 : constants.signals[signal]);
      return { exitCode, signal, status };
    } catch (error) {
      return this.#notStarted(error);
    } finally {
      for (const signal of FORWARDED) process.off(signal, forward);
    }
  }

  #forward(signal: NodeJS.Signals): void {
    if (ENDING.has(signal)) this.#askedBy = signal;
    // Ctrl-C on a terminal goes to the whole group: a command without one of its own has it already.
    if (signal === 'SIGINT' && this.#terminal === null && process.stdin.isTTY) return;
    this.#process.kill(signal);
  }

  #notStarted(error: unknown): CommandEnd {
    const [program = ''] = this.#options.command;
    const code = error instanceof Error && 'code' in error ? error.code : null;
    const why = error instanceof InterpreterMissing ? error.message : WHY_NOT_STARTED.get(code);
    this.#options.onWarning(`${shownName(program)}: ${why ?? messageOf(error)}`);
    const status = code === 'ENOENT' ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
    return { status, exitCode: null, signal: null };
  }

  /** A reader that is slow slows the command down, as it would without a watcher. */
  #pass(
    from: Readable | null,
    to: OutputSink,
    { copy, tail }: { readonly copy: RotatingFile | null; readonly tail: OutputTail },
  ): void {
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
      tail.add(chunk);
      if (this.#terminal) this.#modes.see(chunk);
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

class InterpreterMissing extends Error {
  readonly code = 'ENOENT';

  constructor(interpreter: string) {
    super(`the interpreter in its first line, ${JSON.stringify(interpreter)}, is not there`);
  }
}

/** As it was typed, where that can be read. */
function shownName(program: string): string {
  return /^[\x21-\x7e]+$/.test(program) ? program : JSON.stringify(program);
}

const WHY_NOT_STARTED: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'not found'],
  ['EACCES', 'may not be executed'],
  ['ENOEXEC', 'is no program for this machine'],
  ['E2BIG', 'its arguments and environment are too long for this machine'],
]);
