import { randomFillSync } from 'node:crypto';
import { rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withTransactions, type StateDatabase } from '#storage';
import { OmoiError, type Clock, type Logger, type Timer } from '#telemetry';

/** Enough for thousands of transactions: orders to stop, exits, what was released. */
const RESERVE_BYTES = 8 * 1024 * 1024;
/** The reserve is taken only where the disk has several times as much room: it must not be what fills it. */
const ROOM_FOR_RESERVE = 4;
const TAKE_EVERY_MS = 10_000;

/**
 * Room on the disk that is kept for the state: a file that is given up at the first write that finds the disk full, and
 * made again when there is room. So a full disk stops neither `stop` nor what records the end of an agent.
 */
export class DiskReserve {
  readonly #path: string;
  readonly #bytes: number;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #timer: Timer | null = null;
  #held = false;

  constructor(
    directory: string,
    parts: { readonly clock: Clock; readonly logger: Logger },
    bytes = RESERVE_BYTES,
  ) {
    this.#path = join(directory, 'reserve');
    this.#bytes = bytes;
    this.#logger = parts.logger;
    this.#clock = parts.clock;
    this.#held = this.#isThere();
  }

  /**
   * Takes the room, and takes it again where it was given up, while this server has the directory. Until then only what an
   * earlier one has left is known.
   */
  keep(): void {
    this.#timer ??= this.#clock.every(TAKE_EVERY_MS, () => this.#take());
    this.#take();
  }

  #take(): void {
    if (this.#held) return;
    try {
      if (this.#freeBytes() < this.#bytes * ROOM_FOR_RESERVE) return;
      // Nothing that a file system could store as a hole, or in less room.
      writeFileSync(this.#path, randomFillSync(Buffer.alloc(this.#bytes)), { mode: 0o600 });
      this.#held = true;
    } catch {
      this.#remove();
    }
  }

  /** Whether the disk has no more room than a reserve would take: what failed elsewhere for want of room is no sign of it. */
  isNeeded(): boolean {
    return this.#freeBytes() < this.#bytes;
  }

  /** Gives the room away; false where there was none to give. */
  release(): boolean {
    if (!this.#held) return false;
    this.#held = false;
    this.#remove();
    this.#logger.error(
      { released_bytes: this.#bytes },
      'The disk is full: the room kept for the state is used up now. Free some: the data directory can’t be written soon.',
    );
    return true;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #isThere(): boolean {
    try {
      return statSync(this.#path).size === this.#bytes;
    } catch {
      return false;
    }
  }

  #remove(): void {
    try {
      rmSync(this.#path, { force: true });
    } catch {
      // There is no such directory, or it is not to be written to: who opens the databases says so.
    }
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    return bavail * bsize;
  }
}

/**
 * The same database; a transaction that finds the disk full is done again in the room of the reserve. PostgreSQL's disk is
 * as a rule another one, which has no use for that room.
 */
export function writeFromReserve(database: StateDatabase, reserve: DiskReserve): StateDatabase {
  return withTransactions(database, async (work, options) => {
    try {
      return await database.transaction(work, options);
    } catch (thrown) {
      const full = thrown instanceof OmoiError && thrown.code === 'storage_full';
      const isOfThisDisk = database.dialect === 'sqlite' || reserve.isNeeded();
      if (!full || !isOfThisDisk || !reserve.release()) throw thrown;
      return database.transaction(work, options);
    }
  });
}

/**
 * Opens a database of this disk, in the room of the reserve where it is full: a server makes room as soon as it runs.
 * @throws OmoiError what opening throws; `storage_full` where nothing was kept
 */
export async function openFromReserve<Opened>(
  open: () => Promise<Opened>,
  reserve: DiskReserve,
): Promise<Opened> {
  try {
    return await open();
  } catch (thrown) {
    const isFull = thrown instanceof OmoiError && thrown.code === 'storage_full';
    if (!isFull || !reserve.release()) throw thrown;
    return open();
  }
}
