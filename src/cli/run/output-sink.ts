import { createWriteStream, fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { messageOf } from '#telemetry';

/** Where a command's output is passed on to. */
export interface OutputSink {
  /** False where the reader is slow: go on when `onReady` is called. */
  write(chunk: Uint8Array): boolean;
  onReady(listener: () => void): void;
  /** Called once, when nobody reads any more. */
  onGone(listener: () => void): void;
  /** Writes the last of it; resolves when all has been taken, or nobody reads any more. */
  finish(last: string): Promise<void>;
}

/**
 * The standard output or error of this process. Where it is a file, a chunk that does not fit (the disk is full) is
 * dropped and the next one tried again: a command must not end because its output has no room.
 * @param onTrouble told of each kind of failure
 */
export function standardSink(
  stream: NodeJS.WriteStream & { readonly fd: number },
  onTrouble: (message: string) => void,
): OutputSink {
  return isFile(stream.fd) ? new FileSink(stream.fd, onTrouble) : new StreamSink(stream);
}

/**
 * The standard output where it is a terminal. A write waits beside this thread: a terminal that takes nothing (a connection
 * that hangs) must not keep the agent from being beaten for.
 */
export function terminalSink(stream: NodeJS.WriteStream & { readonly fd: number }): OutputSink {
  return new StreamSink(createWriteStream('', { fd: stream.fd, autoClose: false }));
}

function isFile(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    return stat.isFile() || (stat.isCharacterDevice() && !isatty(descriptor));
  } catch {
    return false;
  }
}

class FileSink implements OutputSink {
  readonly #descriptor: number;
  readonly #onTrouble: (message: string) => void;

  constructor(descriptor: number, onTrouble: (message: string) => void) {
    this.#descriptor = descriptor;
    this.#onTrouble = onTrouble;
  }

  write(chunk: Uint8Array): boolean {
    try {
      let written = 0;
      while (written < chunk.length) written += writeSync(this.#descriptor, chunk, written);
    } catch (error) {
      this.#onTrouble(`output is lost: ${messageOf(error)}`);
    }
    return true;
  }

  onReady(): void {}

  onGone(): void {}

  finish(last: string): Promise<void> {
    this.write(Buffer.from(last));
    return Promise.resolve();
  }
}

class StreamSink implements OutputSink {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  write(chunk: Uint8Array): boolean {
    return this.#stream.write(chunk);
  }

  onReady(listener: () => void): void {
    this.#stream.once('drain', listener);
  }

  /** Of other commands it is the end that nobody reads what they print (`main.ts`). This one has somebody to watch. */
  onGone(listener: () => void): void {
    this.#stream.removeAllListeners('error');
    this.#stream.on('error', listener);
  }

  finish(last: string): Promise<void> {
    // One that has failed and stays open takes what is written, and says nothing of it any more.
    if (this.#stream.errored !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stream.write(last, () => resolve());
    });
  }
}
