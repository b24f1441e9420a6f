import { delay, OmoiError, type Clock } from '#telemetry';
import { signatureOf, type FileSignature, type LookAtFile } from './file-signatures.ts';

export interface ReadFilesParts {
  readonly clock: Pick<Clock, 'wallMs' | 'monotonicMs' | 'after'>;
  readonly look?: LookAtFile;
}

/** A file system dates what is written by a clock that ticks so coarsely: two writes within a tick look like one. */
const coarsestTickMs = 20;
/** So often files are read that change while they are read; then whoever asked is told. */
const maxReads = 5;
/** Between two of these; in all they take a bit more than a second. */
const pauseBetweenReadsMs = 250;

/**
 * Reads files as they are at one moment, and knows in which state each was read last, so that somebody who watches them
 * can tell what has changed since.
 */
export class ReadFiles {
  readonly #clock: ReadFilesParts['clock'];
  readonly #look: LookAtFile;
  readonly #read = new Map<string, string>();

  constructor({ clock, look = signatureOf }: ReadFilesParts) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Takes files for read in the state in which they are now: somebody is about to read them for the first time. */
  async begin(paths: readonly string[]): Promise<void> {
    for (const path of paths) this.#read.set(path, (await this.#look(path)).text);
  }

  /**
   * What `read` makes of the files, all of one moment: where one changes while it reads, it reads again. What it throws over
   * files that stood still is thrown.
   * @throws OmoiError `files_changing` where they never stand still
   */
  async read<Content>(paths: readonly string[], read: () => Content | Promise<Content>): Promise<Content> {
    for (let reads = 1; ; reads++) {
      const before = await this.#lookAtAll(paths);
      await this.#untilNextTick(before);
      const outcome = await settled(read);
      const after = await this.#lookAtAll(paths);
      const changed = paths.find((path) => before.get(path)?.text !== after.get(path)?.text);
      if (changed === undefined) {
        for (const [path, { text }] of after) this.#read.set(path, text);
        return outcome();
      }
      if (reads === maxReads) throw changing(changed);
      await delay(this.#clock, pauseBetweenReadsMs, NEVER);
    }
  }

  /**
   * Which of the files are in another state than when they were read, with that state; one that was never read is taken for read as it is.
   * What is not among `paths` is forgotten.
   */
  async changedOf(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const wanted = new Set(paths);
    for (const path of this.#read.keys()) if (!wanted.has(path)) this.#read.delete(path);
    const changed = new Map<string, string>();
    for (const path of wanted) {
      const { text } = await this.#look(path);
      const read = this.#read.get(path);
      if (read === undefined) this.#read.set(path, text);
      else if (read !== text) changed.set(path, text);
    }
    return changed;
  }

  async #lookAtAll(paths: readonly string[]): Promise<ReadonlyMap<string, FileSignature>> {
    const found = new Map<string, FileSignature>();
    for (const path of paths) found.set(path, await this.#look(path));
    return found;
  }

  /** What is written after this moment has another date than what has been seen. */
  async #untilNextTick(seen: ReadonlyMap<string, FileSignature>): Promise<void> {
    const newestMs = Math.max(0, ...[...seen.values()].map(({ writtenMs }) => writtenMs));
    const ageMs = this.#clock.wallMs() - newestMs;
    if (ageMs >= 0 && ageMs < coarsestTickMs) await delay(this.#clock, coarsestTickMs - ageMs, NEVER);
  }
}

const NEVER = new AbortController().signal;

async function settled<Content>(read: () => Content | Promise<Content>): Promise<() => Content> {
  try {
    const content = await read();
    return () => content;
  } catch (thrown) {
    return () => {
      throw thrown;
    };
  }
}

function changing(path: string): OmoiError {
  const message = `${path}: it changed each of the ${maxReads} times that it was read; reload once it is written whole`;
  return new OmoiError('files_changing', message, { path });
}
