import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { ReadStream } from 'node:tty';
import type { CommandProcess, ProcessExit } from './command-process.ts';

/** Columns and rows of characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A command whose standard input, output and error are a terminal of its own, which it controls. */
export interface TerminalProcess extends CommandProcess {
  /** As if it were typed. False where the command does not read it: go on at `onDrain`. */
  write(input: Uint8Array): boolean;
  onDrain(listener: () => void): void;
  resize(size: TerminalSize): void;
}

/**
 * The compiled part of node-pty. Its own streams are not used: they drop what is still to be read 200 ms after the exit,
 * where the user's terminal is slow.
 */
export interface PseudoTerminals {
  /** Becomes `file` in a session of its own, whose terminal's other end is `fd`. @throws Error where there is none to be had */
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    isUtf8: boolean,
    helperPath: string,
    onExit: (exitCode: number, signal: number) => void,
  ): { readonly fd: number; readonly pid: number };
  /** Tells who is on the terminal (SIGWINCH). */
  resize(fd: number, columns: number, rows: number): void;
}

/** As long as a timer can be. */
const LONGEST_MS = 2 ** 31 - 1;

/** As whom this process runs. */
const SAME = -1;

/** Loads what makes terminals on this platform. @throws Error where its package is not installed */
export function loadPseudoTerminals(): PseudoTerminals {
  const require = createRequire(import.meta.url);
  const loader = require('@lydell/node-pty/requireBinary.js') as {
    requireBinary(file: string): PseudoTerminals;
  };
  return loader.requireBinary('pty.node');
}

/** @throws Error where no terminal can be had */
export function startOnTerminal(
  { command, env }: { readonly command: readonly string[]; readonly env: NodeJS.ProcessEnv },
  size: TerminalSize,
  terminals: PseudoTerminals,
): TerminalProcess {
  const [program = '', ...args] = command;
  // Sizes that would contradict the terminal's as soon as that changes.
  const { COLUMNS: _columns, LINES: _lines, ...rest } = env;
  const variables = Object.entries(rest).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  let exit: ((end: ProcessExit) => void) | null = null;
  let hasExited = false;
  const exited = new Promise<ProcessExit>((resolve) => {
    exit = resolve;
  });
  const onExit = (exitCode: number, signal: number): void => {
    clearInterval(alive);
    hasExited = true;
    exit?.(signal === 0 ? { exitCode, signal: null } : { exitCode: null, signal: nameOf(signal) });
  };
  const { columns, rows } = size;
  const { fd, pid } = terminals.fork(
    program,
    args,
    variables,
    process.cwd(),
    columns,
    rows,
    SAME,
    SAME,
    true,
    helperPath(),
    onExit,
  );
  // Once its terminal is gone, nothing else of a command that goes on would keep this process from ending before it.
  const alive = setInterval(() => undefined, LONGEST_MS);
  const master = new ReadStream(fd);
  // Where the last one on the terminal has ended, reading fails (EIO): that is its end.
  master.on('error', () => undefined);
  return {
    pid,
    stdout: master,
    stderr: null,
    exited,
    closed: new Promise((resolve) => {
      master.once('close', () => resolve());
    }),
    kill: (signal) => {
      if (!hasExited) sendSignal(pid, signal);
    },
    write: (input) => master.destroyed || master.write(input),
    onDrain: (listener) => void master.once('drain', listener),
    resize: (to) => {
      if (!master.destroyed) terminals.resize(fd, to.columns, to.rows);
    },
  };
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended, and that is not told yet.
  }
}

function nameOf(signal: number): NodeJS.Signals {
  const [name] = Object.entries(constants.signals).find(([, number]) => number === signal) ?? ['SIGKILL'];
  return name as NodeJS.Signals;
}

/** On macOS a program of the package's becomes the command; elsewhere none is needed. */
function helperPath(): string {
  const { platform, arch } = process;
  if (platform !== 'darwin') return '';
  return createRequire(import.meta.url).resolve(`@lydell/node-pty-${platform}-${arch}/spawn-helper`);
}
