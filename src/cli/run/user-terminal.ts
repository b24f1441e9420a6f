import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ReadStream, WriteStream } from 'node:tty';
import type { TerminalProcess, TerminalSize } from './terminal-process.ts';

const USUAL_SIZE: TerminalSize = { columns: 80, rows: 24 };
/** Ctrl-C and Ctrl-\, as a terminal sends them, and as one does that tells keys apart (CSI u). */
const ENDING_KEYS: readonly (readonly [string, NodeJS.Signals])[] = [
  ['\x03', 'SIGINT'],
  ['\x1b[99;5u', 'SIGINT'],
  ['\x1c', 'SIGQUIT'],
];

/**
 * The terminal that this process was started on. While a command has it, keys go through as they are, and what the command
 * writes is not changed.
 */
export class UserTerminal {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #undo: (() => void)[] = [];
  #lastInput: Buffer = Buffer.alloc(0);

  private constructor(input: ReadStream, output: WriteStream) {
    this.#input = input;
    this.#output = output;
  }

  /**
   * null where standard input, output and error are not all a terminal, for what is redirected has to stay so; and in
   * the background, where who touches the terminal is stopped (SIGTTOU).
   */
  static ofThisProcess(): UserTerminal | null {
    const { stdin, stdout, stderr } = process;
    if (!stdin.isTTY || !stdout.isTTY || !stderr.isTTY || !isInForeground()) return null;
    return new UserTerminal(stdin, stdout);
  }

  get size(): TerminalSize {
    // Some terminals say 0.
    const { columns, rows } = this.#output;
    return { columns: columns || USUAL_SIZE.columns, rows: rows || USUAL_SIZE.rows };
  }

  /** The signal that the key means which was pressed last; null where it means none. */
  get lastKeySignal(): NodeJS.Signals | null {
    return (
      ENDING_KEYS.find(([key]) => this.#lastInput.subarray(-key.length).equals(Buffer.from(key)))?.[1] ?? null
    );
  }

  /**
   * Joins it to a command's own terminal, until `restore`.
   * @param onInput told of each input before it is passed on
   * @param onGone the terminal is gone (its window was closed)
   */
  join(
    command: TerminalProcess,
    { onInput, onGone }: { readonly onInput: () => void; readonly onGone: () => void },
  ): void {
    const input = this.#input;
    const pass = (chunk: Buffer): void => {
      this.#lastInput = chunk;
      onInput();
      if (command.write(chunk)) return;
      input.pause();
      command.onDrain(() => input.resume());
    };
    const resize = (): void => command.resize(this.size);
    // The shell has set it to its own liking while this process was stopped.
    const takeAgain = (): void => {
      if (isInForeground()) this.#takeOver();
    };
    this.#takeOver();
    input.on('data', pass).once('end', onGone).once('error', onGone);
    this.#output.on('resize', resize);
    process.on('SIGCONT', takeAgain);
    this.#undo.push(
      () =>
        input
          .off('data', pass)
          .off('end', onGone)
          .off('error', onGone)
          .on('error', () => undefined)
          .pause(),
      () => this.#output.off('resize', resize),
      () => process.off('SIGCONT', takeAgain),
    );
  }

  /** As it was before `join`; repeating it changes nothing. */
  restore(): void {
    for (const undo of this.#undo.splice(0)) undo();
    try {
      this.#input.setRawMode(false);
    } catch {
      // It is gone.
    }
  }

  #takeOver(): void {
    // Off first: a mode that is set already is not set again.
    this.#input.setRawMode(false);
    this.#input.setRawMode(true);
    // Raw mode leaves `\n` to be made `\r\n`, which the command's terminal has done or was told not to do.
    spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  }
}

/** Whether this process is in the group that has the terminal (`tpgid` of proc_pid_stat(5)). */
function isInForeground(): boolean {
  try {
    const line = readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , , foregroundGroup] = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return group === foregroundGroup;
  } catch {
    // No Linux: it is not told.
    return true;
  }
}
