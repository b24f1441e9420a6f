import { closeSync, mkdirSync, openSync } from 'node:fs';
import { rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OutputPiece, OutputPosition, OutputRef, OutputSource } from '../output/output-source.ts';
import { readStream, watchDirectory } from '../output/read-stream.ts';
import { entriesOf, ignoreMissing, logFilesOf, sizeNow, sizeOf, type LogFile } from './log-directory.ts';
import { cutToEnd, tailOf, takeEnd } from './log-end.ts';
import { cutsFor, type Cut } from './output-quota.ts';
import { allocateBehind, OutputReserve, type Allocate, type SizedFile } from './output-reserve.ts';

export interface LogLimits {
  /** A file that has grown beyond it is rotated; as much of its end is kept. */
  readonly maxLogBytes: number;
  /** Rotated copies kept of one file, besides the one that grows. */
  readonly keptCopies: number;
  /** Generations of one agent whose output is kept. */
  readonly keptGenerations: number;
  /** All that is kept of one agent; more where the last bytes of its streams alone are more. */
  readonly maxAgentBytes: number;
  /** All that is kept; more where the last bytes of all streams alone are more. */
  readonly maxBytes: number;
  /** Of the end of each stream so much is kept, whatever the quotas. */
  readonly keptTailBytes: number;
  /** Room that is kept for each file that grows, for when the disk is full. */
  readonly reserveBytes: number;
}

const DEFAULT_LOG_LIMITS: LogLimits = {
  maxLogBytes: 8 * 1024 * 1024,
  keptCopies: 2,
  keptGenerations: 5,
  maxAgentBytes: 64 * 1024 * 1024,
  maxBytes: 1024 * 1024 * 1024,
  keptTailBytes: 4 * 1024,
  reserveBytes: 256 * 1024,
};

/** A quota holds a full set of both streams' files, so that it is kept by rotation as a rule. */
export function logLimitsOf(
  quota: Pick<LogLimits, 'maxAgentBytes' | 'maxBytes' | 'reserveBytes'>,
): LogLimits {
  const filesOfGeneration = 2 * (DEFAULT_LOG_LIMITS.keptCopies + 1);
  const share = Math.floor(Math.min(quota.maxAgentBytes, quota.maxBytes) / filesOfGeneration);
  return {
    ...DEFAULT_LOG_LIMITS,
    ...quota,
    maxLogBytes: Math.min(DEFAULT_LOG_LIMITS.maxLogBytes, share),
  };
}

/** Where one generation of an agent writes. */
export interface OutputFiles {
  readonly stdout: string;
  readonly stderr: string;
}

/** A file that is rotated again and again while it is read is read so often, and then taken as it was read last. */
const MAX_READS = 3;
/** Of a whole file: who writes so much between two looks is looked at all the time. */
const HOT_GROWTH_SHARE = 1 / 32;
/** One that was calm at so many looks, one after the other, is looked at less often. */
const CALM_LOOKS = 10;
/** Directories about which is asked at once whether their agents are gone. */
export const maxAgentsAskedFor = 500;

/** What is kept of an agent's output. */
export interface KeptOutput {
  readonly agentId: string;
  /** When the last of it was written, wall ms since epoch; -Infinity where there is none. */
  readonly changedAtMs: number;
}

/** Those whose output may go: their agents are gone, and have been for as long as agents are kept. */
export type ForgottenAmong = (kept: readonly KeptOutput[]) => Promise<readonly string[]>;

/** Files whose sizes are read at a stretch: half a millisecond. */
const FILES_PER_STRETCH = 250;

/**
 * The output of agents: `AGENT_ID/GENERATION.stdout.log` and `.stderr.log`. A process writes into its file by
 * itself, so that it never depends on a reader. Files are open for appending: a writer goes on at the new end of one
 * that was truncated. Rotation needs no room: the end of the file is read into memory, the file is truncated, and only
 * then is the end written as a copy; where the disk is full all the same, all of the copy but its last bytes is what is
 * given up. A file that grows has a reserve of room, so that who writes to it goes on where the disk is full.
 */
export class LogFiles implements OutputSource {
  readonly tellsGenerationsApart = true;
  readonly #directory: string;
  readonly #limits: LogLimits;
  readonly #onDropped: (bytes: number) => void;
  /** Files that may grow. */
  readonly #live = new Set<string>();
  /** How often each of them was emptied: what was read of it before says nothing about what stands in it since. */
  readonly #emptied = new Map<string, number>();
  /** Those that are being rotated: their ends are on the way into the copies. */
  readonly #rotating = new Map<string, Promise<void>>();
  readonly #reserve: OutputReserve;
  readonly #sizeOf: (path: string) => Promise<number | null>;
  /** How large each of them was at the last look. */
  readonly #sizes = new Map<string, number>();
  readonly #forgottenAmong: ForgottenAmong;
  /** Those among them that were too large of late, or are new, or grow fast, and how often they were calm since. */
  readonly #hot = new Map<string, number>();
  #onMade: () => void = () => {};
  /** Up to which agent it has been asked who is gone, in the order of their names. */
  #askedUpTo = '';

  /**
   * @param onDropped told how much was given up for the limits' sake
   * @param allocate takes the room of the reserve
   * @param sizeOnDisk asks for a file's size without waiting for it here
   * @param forgottenAmong says whose directories go; nobody's where absent
   */
  constructor(
    directory: string,
    limits: LogLimits = DEFAULT_LOG_LIMITS,
    onDropped: (bytes: number) => void = () => {},
    allocate: Allocate = allocateBehind,
    sizeOnDisk: (path: string) => Promise<number | null> = sizeOf,
    forgottenAmong: ForgottenAmong = () => Promise.resolve([]),
  ) {
    this.#directory = directory;
    this.#limits = limits;
    this.#onDropped = onDropped;
    this.#sizeOf = sizeOnDisk;
    this.#forgottenAmong = forgottenAmong;
    this.#reserve = new OutputReserve(limits.reserveBytes, allocate);
  }

  /** Makes the files where they are missing. @throws Error of the file system */
  make(agentId: string, generation: number): OutputFiles {
    const directory = join(this.#directory, agentId);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const made = (stream: 'stdout' | 'stderr'): string => {
      const path = join(directory, `${generation}.${stream}.log`);
      closeSync(openSync(path, 'a', 0o600));
      this.#live.add(path);
      // Nobody knows yet how fast it grows.
      this.#hot.set(path, 0);
      return path;
    };
    const paths = { stdout: made('stdout'), stderr: made('stderr') };
    this.#onMade();
    return paths;
  }

  /** @param listener called when files have been made, of which it is not known how fast they grow */
  whenMade(listener: () => void): void {
    this.#onMade = listener;
  }

  /** The ends of an agent's two streams, at most `maxBytes` of each, of their copies too; empty where there is none. */
  async tail(
    agentId: string,
    generation: number,
    maxBytes: number,
  ): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const read = (stream: 'stdout' | 'stderr'): Promise<string> => {
      const path = join(this.#directory, agentId, `${generation}.${stream}.log`);
      return this.#readUnmoved(path, () => tailOf(path, this.#limits.keptCopies, maxBytes));
    };
    const [stdout, stderr] = await Promise.all([read('stdout'), read('stderr')]);
    return { stdout, stderr };
  }

  async read(
    { agentId, generation }: OutputRef,
    from: OutputPosition | null,
    maxBytes: number,
  ): Promise<OutputPiece | null> {
    const read = (stream: 'stdout' | 'stderr') => {
      const path = join(this.#directory, agentId, `${generation}.${stream}.log`);
      return this.#readUnmoved(path, (emptied) =>
        readStream({ path, emptied }, from?.[stream] ?? null, maxBytes),
      );
    };
    const [stdout, stderr] = await Promise.all([read('stdout'), read('stderr')]);
    return stdout && stderr && { stdout, stderr };
  }

  /** Reads a stream when its file is not rotated, and once more where it was rotated meanwhile: that moves what is read. */
  async #readUnmoved<Read>(path: string, read: (emptied: number) => Promise<Read>): Promise<Read> {
    for (let reads = 1; ; reads++) {
      await this.#rotating.get(path);
      const emptied = this.#emptied.get(path) ?? 0;
      const found = await read(emptied);
      if (reads === MAX_READS || emptied === (this.#emptied.get(path) ?? 0)) return found;
    }
  }

  watch(agentId: string, changed: () => void): () => void {
    return watchDirectory(join(this.#directory, agentId), changed);
  }

  /** Whether a look at all that may grow costs next to nothing. */
  get areFew(): boolean {
    return this.#live.size <= FILES_PER_STRETCH;
  }

  /** Whether some file grows so fast that the next look should come at once. */
  get isGrowingFast(): boolean {
    return this.#hot.size > 0;
  }

  /**
   * Rotates what has grown too large.
   * @param which `hot`: only what was so at the last look, or grew fast
   */
  async look(which: 'all' | 'hot'): Promise<void> {
    const files = new Set(which === 'hot' ? this.#hot.keys() : this.#live);
    const seen: SizedFile[] = [];
    const rotated = new Set<string>();
    let looked = 0;
    for (const path of files) {
      // Where the disk hangs, this waits for it, and nobody else does.
      const size = looked++ % FILES_PER_STRETCH === 0 ? await this.#sizeOf(path) : sizeNow(path);
      if (size === null) {
        this.#reserve.emptied(path);
        this.#cool(path);
        continue;
      }
      const isLarge = size > this.#limits.maxLogBytes;
      const grown = size - (this.#sizes.get(path) ?? 0);
      if (isLarge) {
        await this.#rotate(path);
        rotated.add(path);
      }
      this.#noteGrowth(path, isLarge || grown > this.#limits.maxLogBytes * HOT_GROWTH_SHARE);
      this.#sizes.set(path, isLarge ? 0 : size);
      seen.push({ path, size: isLarge ? 0 : size });
    }
    if (which === 'all') await this.#reserve.keep(seen);
    for (const directory of new Set([...rotated].map((file) => dirname(file)))) {
      await this.#keepQuota(await logFilesOf(directory), this.#limits.maxAgentBytes);
    }
  }

  #noteGrowth(path: string, isFast: boolean): void {
    const calmLooks = (this.#hot.get(path) ?? CALM_LOOKS) + 1;
    if (isFast) this.#hot.set(path, 0);
    else if (calmLooks < CALM_LOOKS) this.#hot.set(path, calmLooks);
    else this.#hot.delete(path);
  }

  #cool(path: string): void {
    this.#hot.delete(path);
    this.#sizes.delete(path);
  }

  /** Rotates what is too large, removes what is too old, and keeps the quotas, of all agents. */
  async tidy(): Promise<void> {
    const all: LogFile[] = [];
    const agents: KeptOutput[] = [];
    this.#live.clear();
    for (const agentId of await entriesOf(this.#directory)) {
      const directory = join(this.#directory, agentId);
      const files = await logFilesOf(directory);
      agents.push({ agentId, changedAtMs: Math.max(...files.map(({ changedAtMs }) => changedAtMs)) });
      const newest = Math.max(...files.map(({ generation }) => generation));
      const [old, kept] = partition(
        files,
        ({ generation }) => generation <= newest - this.#limits.keptGenerations,
      );
      for (const { path } of old) await rm(path, { force: true });
      let rotated = false;
      for (const file of kept) {
        if (file.copy > 0) continue;
        const isLarge = file.size > this.#limits.maxLogBytes;
        if (isLarge) await this.#rotate(file.path);
        rotated ||= isLarge;
        if (file.generation === newest) this.#live.add(file.path);
        else if (!isLarge) await this.#reserve.giveBack(file);
      }
      // Of thousands of agents hardly one has anything to be rotated: the others are read once.
      const now = rotated ? await logFilesOf(directory) : kept;
      all.push(...(await this.#keepQuota(now, this.#limits.maxAgentBytes)));
    }
    for (const path of this.#emptied.keys()) if (!this.#live.has(path)) this.#emptied.delete(path);
    for (const path of this.#sizes.keys()) if (!this.#live.has(path)) this.#cool(path);
    const left = await this.#keepQuota(all, this.#limits.maxBytes);
    const sizes = new Map(left.map(({ path, size }) => [path, size]));
    await this.#reserve.keep([...this.#live].map((path) => ({ path, size: sizes.get(path) ?? 0 })));
    await this.#removeForgotten(agents);
  }

  /** Removes the directories of agents that are gone; a few are asked for each time, all of them in turn. */
  async #removeForgotten(agents: readonly KeptOutput[]): Promise<void> {
    const inOrder = agents.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1));
    const left = inOrder.filter(({ agentId }) => agentId > this.#askedUpTo);
    const some = (left.length > 0 ? left : inOrder).slice(0, maxAgentsAskedFor);
    this.#askedUpTo = some.at(-1)?.agentId ?? '';
    for (const agentId of some.length === 0 ? [] : await this.#forgottenAmong(some)) {
      const directory = join(this.#directory, agentId);
      const files = await logFilesOf(directory);
      await rm(directory, { recursive: true, force: true });
      for (const { path } of files) {
        this.#live.delete(path);
        this.#emptied.delete(path);
        this.#reserve.emptied(path);
        this.#cool(path);
      }
    }
  }

  /** Gives up the oldest until the rest fits; returns the rest. */
  async #keepQuota(files: readonly LogFile[], maxBytes: number): Promise<readonly LogFile[]> {
    const cuts = cutsFor(files, maxBytes, this.#limits.keptTailBytes);
    const cut = new Set(cuts.map(({ file }) => file));
    const left = files.filter((file) => !cut.has(file));
    for (const one of cuts) left.push(...(await this.#cut(one)));
    return left;
  }

  /** @returns what is left of the file */
  async #cut({ file, keptBytes }: Cut): Promise<readonly LogFile[]> {
    if (file.copy > 0) {
      if (keptBytes > 0) await cutToEnd(file.path, keptBytes).catch(ignoreMissing);
      else await rm(file.path, { force: true });
      this.#onDropped(file.size - keptBytes);
      return keptBytes > 0 ? [{ ...file, size: keptBytes }] : [];
    }
    // One that somebody may write to stays, and is emptied.
    await this.#rotate(file.path, keptBytes).catch(ignoreMissing);
    const emptied = { ...file, size: 0 };
    return keptBytes > 0
      ? [emptied, { ...file, path: `${file.path}.1`, copy: 1, size: keptBytes }]
      : [emptied];
  }

  #wasEmptied(path: string): void {
    this.#emptied.set(path, (this.#emptied.get(path) ?? 0) + 1);
    this.#reserve.emptied(path);
  }

  async #rotate(file: string, keptBytes = this.#limits.maxLogBytes): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#rotating.set(file, promise);
    try {
      await this.#moveEnd(file, this.#limits.keptCopies > 0 ? keptBytes : 0);
    } finally {
      this.#rotating.delete(file);
      resolve();
    }
  }

  /** It is emptied before anything else is done, so that it grows little meanwhile. */
  async #moveEnd(file: string, keptBytes: number): Promise<void> {
    const { keptCopies } = this.#limits;
    const { bytes, lostBytes } = await takeEnd(file, keptBytes, () => this.#wasEmptied(file));
    this.#onDropped(lostBytes);
    if (bytes.length === 0) return;
    await rm(`${file}.${keptCopies}`, { force: true });
    for (let copy = keptCopies - 1; copy >= 1; copy--) {
      await rename(`${file}.${copy}`, `${file}.${copy + 1}`).catch(ignoreMissing);
    }
    await this.#writeCopy(`${file}.1`, bytes);
  }

  /** All of it, or where the disk is full its end, or nothing. */
  async #writeCopy(path: string, bytes: Buffer): Promise<void> {
    const tail = bytes.subarray(Math.max(0, bytes.length - this.#limits.keptTailBytes));
    for (const kept of [bytes, tail]) {
      try {
        await writeFile(path, kept, { mode: 0o600 });
        this.#onDropped(bytes.length - kept.length);
        return;
      } catch {
        // What was written of it takes the room that its end needs.
        await truncate(path, 0).catch(ignoreMissing);
      }
    }
    await rm(path, { force: true });
    this.#onDropped(bytes.length);
  }
}

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
