import {
  ANONYMOUS_SENDER,
  type Clock,
  isRefusal,
  type Logger,
  messageOf,
  OmoiError,
  type Sender,
  Stretch,
  type Timer,
} from '#telemetry';
import type { Archive, ArchivedSeries } from './archive/archive.ts';
import { packFloats, packHistograms, type ArchivedChunks } from './archive/chunk-bytes.ts';
import type { Head } from './head/head.ts';
import type { HistogramChunk } from './head/histogram-series.ts';
import type { SealedBytes } from './head/sealed-chunks.ts';
import { IS_WANTED } from './head/series-states.ts';
import type { SeriesIndex } from './index/series-index.ts';
import type { SeriesRow } from './index/series-rows.ts';
import { ROW_MASK } from './rows/row-allocator.ts';
import type { TsdbLimits } from './limits.ts';

const PERIOD_MS = 60_000;
/**
 * Series looked at together: their chunks go to the archive in one transaction, of which most of the price does not
 * depend on how many they are.
 */
const SERIES_PER_GROUP = 500;
/** Series sealed or packed between two looks at the clock. */
const SERIES_PER_LOOK = 8;
/** The upkeep may take its time: between two stretches others have as many turns as they need, up to this. */
const MAX_PAUSE_MS = 20;
/** Series that are forgotten together: a millisecond or two. */
const FORGOTTEN_TOGETHER = 100;
/** Chunks of a series that are moved together, so that the archive has few rows. */
const MIN_CHUNKS_MOVED = 4;
/** An open chunk that has had no sample for this long is sealed. */
const IDLE_MS = 1_800_000;

export interface MaintenanceParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: TsdbLimits;
  readonly index: SeriesIndex;
  readonly head: Head;
  /** Null where old chunks are dropped instead. */
  readonly archive: Archive | null;
  /** Called with the rows of series that have nothing in memory any more, when they have been forgotten. */
  forgotten(rows: readonly SeriesRow[]): void;
  /** Called at the end of each round. */
  afterRound(): Promise<void>;
}

/** What leaves memory for one series. */
interface Leaving {
  readonly row: SeriesRow;
  readonly ids: ReadonlySet<number>;
  readonly histograms: ReadonlySet<HistogramChunk>;
  readonly archived: ArchivedSeries;
}

/** What a round moves to the archive: where that fails, what else it does goes on, so that retention makes room. */
class Moves {
  readonly #logger: Logger;
  #failure: unknown = null;
  #isOver = false;
  #seriesLeft = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A group that is refused stays in memory alone; where the archive is away nothing more is tried. */
  async try(group: Uint32Array, move: () => Promise<void>): Promise<void> {
    if (this.#isOver) return;
    try {
      await move();
    } catch (thrown) {
      this.#failure ??= thrown;
      this.#seriesLeft += group.length;
      this.#isOver = !isRefusal(thrown);
    }
  }

  report(): void {
    if (this.#failure === null) return;
    this.#logger.error(
      { error: messageOf(this.#failure), series: this.#seriesLeft, gave_up: this.#isOver },
      'Old chunks of series not moved to the archive; they stay in memory and are tried again in a minute',
    );
  }
}

/** Moves old chunks out of memory, applies retention, forgets dead series; a little at a time, once a minute. */
export class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #timer: Timer;
  #running: Promise<void> | null = null;
  #stopped = false;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(PERIOD_MS, () => void this.run());
  }

  /** One round; joins the one that is under way. Failures are reported and the next round tries again. */
  run(): Promise<void> {
    this.#running ??= this.#round()
      .catch((error: unknown) => {
        this.#parts.logger.error(
          { error: messageOf(error) },
          'Upkeep of the samples in memory (archive, snapshot) failed; tried again in a minute.',
        );
      })
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer.cancel();
    await this.#running;
  }

  async #round(): Promise<void> {
    const { clock, limits, index, head, archive, logger } = this.#parts;
    const nowMs = clock.wallMs();
    const beforeMs = nowMs - limits.headWindowMs;
    const stretch = new Stretch(clock, { maxPauseMs: MAX_PAUSE_MS });
    const moves = new Moves(logger);
    const rows = index.select([]).slice();
    for (let at = 0; at < rows.length && !this.#stopped; at += SERIES_PER_GROUP) {
      const group = rows.subarray(at, at + SERIES_PER_GROUP);
      await this.#sealIdle(group, nowMs, stretch);
      if (archive) await moves.try(group, () => this.#moveOut(group, beforeMs, { archive, stretch }));
      else for (const row of group) head.dropChunksBefore(row, beforeMs);
      await this.#forgetDead(group, beforeMs, stretch);
      if (stretch.isOver) await stretch.pause();
    }
    moves.report();
    if (archive) await archive.retain(nowMs, limits);
    await this.#parts.afterRound();
  }

  async #sealIdle(rows: Uint32Array, nowMs: number, stretch: Stretch): Promise<void> {
    const { head } = this.#parts;
    for (let at = 0; at < rows.length; at++) {
      if (at % SERIES_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      const row = rows[at] ?? 0;
      if (head.states.newestMs(row) < nowMs - IDLE_MS) head.seal(row);
    }
  }

  #isDead(row: SeriesRow, beforeMs: number): boolean {
    const { head } = this.#parts;
    const page = head.states.pageOf(row);
    const at = row & ROW_MASK;
    return (
      (page.newestMs[at] ?? 0) < beforeMs &&
      page.counts[at] === 0 &&
      page.firstChunks[at] === 0 &&
      head.histogramsOf(row)?.isEmpty !== false
    );
  }

  /** Forgets the series of a group that have nothing in memory, unless somebody asked for them since the last round. */
  async #forgetDead(group: Uint32Array, beforeMs: number, stretch: Stretch): Promise<void> {
    const { head, index } = this.#parts;
    for (let at = 0; at < group.length; at += FORGOTTEN_TOGETHER) {
      if (stretch.isOver) await stretch.pause();
      const dead: SeriesRow[] = [];
      for (const row of group.subarray(at, at + FORGOTTEN_TOGETHER)) {
        if (head.states.hasFlag(row, IS_WANTED)) head.states.clearFlag(row, IS_WANTED);
        else if (this.#isDead(row, beforeMs)) dead.push(row);
      }
      if (dead.length === 0) continue;
      index.remove(dead);
      for (const row of dead) head.forget(row);
      this.#parts.forgotten(dead);
      while (index.tidy()) await stretch.pause();
    }
  }

  async #moveOut(
    rows: Uint32Array,
    beforeMs: number,
    { archive, stretch }: { readonly archive: Archive; readonly stretch: Stretch },
  ): Promise<void> {
    const leaving: Leaving[] = [];
    for (let at = 0; at < rows.length; at++) {
      if (at % SERIES_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      const found = this.#leavingOf(rows[at] ?? 0, beforeMs);
      if (found) leaving.push(found);
    }
    if (leaving.length === 0) return;
    await this.#store(leaving, archive);
    // Only now, and only these: a query sees each chunk in memory, in the archive, or in both.
    for (const { row, ids, histograms } of leaving) this.#parts.head.removeChunks(row, ids, histograms);
  }

  async #store(leaving: readonly Leaving[], archive: Archive): Promise<void> {
    try {
      await archive.store(leaving.map(({ archived }) => archived));
    } catch (error) {
      // New samples are worth more than the oldest; the next round finds the room.
      if (error instanceof OmoiError && error.code === 'storage_full') await archive.makeRoom();
      throw error;
    }
  }

  /** A row of the archive has one sender: of what was taken over it is nobody known. */
  #archivedSenderOf(row: SeriesRow): Sender | null {
    const { index, clock } = this.#parts;
    const [sender = null, ...before] = index.senders.of(row, clock.wallMs());
    return before.length > 0 ? ANONYMOUS_SENDER : sender;
  }

  #leavingOf(row: SeriesRow, beforeMs: number): Leaving | null {
    const { head, index, limits } = this.#parts;
    const { sealed } = head;
    const { table } = sealed;
    const ids = new Set<number>();
    const floats: SealedBytes[] = [];
    let oldestMs = Number.POSITIVE_INFINITY;
    for (let id = sealed.firstOf(row); id !== 0; id = table.next(id)) {
      const chunk = table.pageOf(id);
      const place = id & ROW_MASK;
      const minMs = chunk.minMs[place] ?? 0;
      const maxMs = chunk.maxMs[place] ?? 0;
      if (maxMs >= beforeMs) continue;
      ids.add(id);
      oldestMs = Math.min(oldestMs, minMs);
      floats.push({ bytes: sealed.bytesOf(id), count: chunk.counts[place] ?? 0, minMs, maxMs });
    }
    head.histogramsOf(row)?.sealBefore(beforeMs);
    const histograms = new Set(head.histogramsOf(row)?.chunks.filter((chunk) => chunk.maxMs < beforeMs));
    for (const chunk of histograms) oldestMs = Math.min(oldestMs, chunk.minMs);
    const isOverdue = oldestMs < beforeMs - limits.headWindowMs;
    const labels = index.labelsOf(row);
    const count = floats.length + histograms.size;
    if (!labels || count === 0 || (count < MIN_CHUNKS_MOVED && !isOverdue)) return null;
    const packed: ArchivedChunks[] = [];
    if (floats.length > 0) packed.push(packFloats(floats));
    if (histograms.size > 0) packed.push(packHistograms([...histograms]));
    return {
      row,
      ids,
      histograms,
      archived: { labels, sender: this.#archivedSenderOf(row), chunks: packed },
    };
  }
}
