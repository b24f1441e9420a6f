import type { LogFile, LogStorage } from './log/log-storage.ts';

interface CrashFile {
  bytes: Uint8Array;
  /** How much of it a sync has seen. */
  synced: number;
}

/** A disk in memory that dies at any moment, for tests: of what no sync has seen a part is left. */
export class CrashDisk {
  #files: Map<string, CrashFile>;
  #isAlive = true;

  constructor(files = new Map<string, CrashFile>()) {
    this.#files = files;
  }

  /**
   * From now on nothing comes back from this disk.
   * @param share of the bytes of each file that no sync has seen, how many are left: from 0 to 1
   * @returns the disk as the next start finds it
   */
  crash(share: () => number): CrashDisk {
    this.#isAlive = false;
    const files = new Map<string, CrashFile>();
    for (const [name, { bytes, synced }] of this.#files) {
      const length = synced + Math.round(share() * (bytes.length - synced));
      files.set(name, { bytes: bytes.slice(0, length), synced: length });
    }
    return new CrashDisk(files);
  }

  /** The disk as the store sees it. */
  get storage(): LogStorage {
    return {
      list: () => this.#do(() => [...this.#files.keys()]),
      size: (name) => this.#do(() => this.#file(name).bytes.length),
      read: (name, offset, length) => this.#do(() => this.#file(name).bytes.slice(offset, offset + length)),
      create: (name) =>
        this.#do(() => {
          const file = { bytes: new Uint8Array(0), synced: 0 };
          this.#files.set(name, file);
          return this.#open(file);
        }),
      truncate: (name, length) => this.#do(() => truncate(this.#file(name), length)),
      rename: (from, to) =>
        this.#do(() => {
          this.#files.set(to, this.#file(from));
          this.#files.delete(from);
        }),
      remove: (name) => this.#do(() => void this.#files.delete(name)),
    };
  }

  #open(file: CrashFile): LogFile {
    return {
      write: (bytes, offset) =>
        this.#do(() => {
          const after = new Uint8Array(Math.max(file.bytes.length, offset + bytes.length));
          after.set(file.bytes);
          after.set(bytes, offset);
          file.bytes = after;
          file.synced = Math.min(file.synced, offset);
        }),
      sync: () => this.#do(() => void (file.synced = file.bytes.length)),
      truncate: (length) => this.#do(() => truncate(file, length)),
      close: () => this.#do(() => {}),
    };
  }

  #file(name: string): CrashFile {
    const file = this.#files.get(name);
    if (!file) throw new Error(`there is no file ${name}`);
    return file;
  }

  /** Never settles once the disk has died. */
  async #do<Result>(work: () => Result): Promise<Result> {
    if (!this.#isAlive) return new Promise(() => {});
    return work();
  }
}

function truncate(file: CrashFile, length: number): void {
  file.bytes = file.bytes.slice(0, length);
  file.synced = Math.min(file.synced, length);
}
