import { closeSync, existsSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '#storage';

export interface RotationLimits {
  readonly maxBytes: number;
  /** Older files kept: `.1` is the newest. */
  readonly keptFiles: number;
}

const DEFAULT_ROTATION: RotationLimits = { maxBytes: 8 * 1024 * 1024, keptFiles: 2 };

/** A file that only this process writes to: when it is full it is renamed, and a new one is begun. */
export class RotatingFile {
  readonly #path: string;
  readonly #limits: RotationLimits;
  #descriptor: number;
  #bytes: number;

  /** @throws Error of the file system */
  constructor(path: string, limits: RotationLimits = DEFAULT_ROTATION) {
    this.#path = path;
    this.#limits = limits;
    makeDirectory(dirname(path));
    this.#descriptor = openSync(path, 'a', 0o600);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  /** @throws Error of the file system */
  write(chunk: Uint8Array): void {
    if (this.#bytes > 0 && this.#bytes + chunk.length > this.#limits.maxBytes) this.#rotate();
    let written = 0;
    while (written < chunk.length) written += writeSync(this.#descriptor, chunk, written);
    this.#bytes += chunk.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    const { keptFiles } = this.#limits;
    closeSync(this.#descriptor);
    rmSync(`${this.#path}.${keptFiles}`, { force: true });
    for (let file = keptFiles - 1; file >= 1; file--) {
      if (existsSync(`${this.#path}.${file}`))
        renameSync(`${this.#path}.${file}`, `${this.#path}.${file + 1}`);
    }
    if (keptFiles > 0) renameSync(this.#path, `${this.#path}.1`);
    this.#descriptor = openSync(this.#path, keptFiles > 0 ? 'a' : 'w', 0o600);
    this.#bytes = 0;
  }
}
