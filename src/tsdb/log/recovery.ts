import { emptyLabels, type Exemplar, type Labels, type Logger, type MetricMetadata } from '#telemetry';
import type { Head } from '../head/head.ts';
import { decodeHistograms } from '../head/histogram-series.ts';
import type { SeriesNumber, SeriesRow } from '../index/series-rows.ts';
import { PAGE_ROWS, ROW_MASK } from '../rows/row-allocator.ts';
import { ByteReader } from './byte-reader.ts';
import type { LoggedMetadata } from './commit-log.ts';
import { readExemplars } from './exemplar-json.ts';
import { readHistogramChunk } from './histogram-bytes.ts';
import type { LogStorage } from './log-storage.ts';
import { segmentName, segmentNumber } from './log-writer.ts';
import { RECORD, readRecords } from './record.ts';
import { readSeries, snapshotName, snapshotNumber } from './snapshot.ts';

/** What recovery puts into the store. */
export interface RecoveryTarget {
  readonly head: Head;
  series(labels: Labels): SeriesRow;
  /** Who a series is from, as a text of `SenderTable`. */
  senders(row: SeriesRow, text: string): void;
  /** One that is there already is not taken again. */
  exemplar(row: SeriesRow, exemplar: Exemplar): void;
  metadata(metricName: string, metadata: MetricMetadata): void;
}

export interface Recovery {
  readonly replayedSamples: number;
  /** Samples whose series the log does not name, because the record that did was damaged. */
  readonly orphanedSamples: number;
  /** One line for each file that was damaged, with where and how. */
  readonly damage: readonly string[];
  /** Numbers that are free for the run that begins now. */
  readonly nextRun: number;
  readonly nextSegment: number;
  /** Whether there was anything in the log after the snapshot: a new snapshot makes the next start quicker. */
  readonly hadLog: boolean;
}

/** Restores the newest snapshot and applies the log after it. A damaged tail is cut off and reported. */
export async function recover(
  storage: LogStorage,
  target: RecoveryTarget,
  logger: Logger,
): Promise<Recovery> {
  const names = await storage.list();
  for (const name of names) if (name.endsWith('.partial')) await storage.remove(name);
  const snapshots = numbersIn(names, snapshotNumber).reverse();
  const replay = new Replay(target);
  const damage: string[] = [];
  let firstSegment = 0;
  for (const number of snapshots) {
    const outcome = await readRecords(storage, snapshotName(number), (type, payload) =>
      replay.apply(type, payload),
    );
    // A file may end early between two records, too.
    const flaw = outcome.damage ?? (replay.sawSnapshotEnd ? null : 'the end is missing');
    if (flaw) damage.push(`${snapshotName(number)}: ${flaw} at byte ${outcome.goodBytes}`);
    if (!replay.sawHeader) continue;
    firstSegment = number;
    break;
  }
  const snapshotRecords = replay.records;
  const segments = numbersIn(names, segmentNumber);
  const needed = segments.filter((number) => number >= firstSegment);
  for (const number of needed) {
    const name = segmentName(number);
    const outcome = await readRecords(storage, name, (type, payload) => replay.apply(type, payload));
    if (!outcome.damage) continue;
    damage.push(`${name}: ${outcome.damage}; cut off at byte ${outcome.goodBytes}`);
    await storage.truncate(name, outcome.goodBytes);
  }
  for (const line of damage)
    logger.error(
      { damage: line },
      'Write-ahead log damaged: what follows the damage in that file is not read.',
    );
  if (replay.orphans > 0)
    logger.error(
      { samples: replay.orphans },
      'Samples are lost with the damaged record that named their series.',
    );
  return {
    replayedSamples: replay.samples,
    orphanedSamples: replay.orphans,
    damage,
    nextRun: replay.highestRun + 1,
    nextSegment: Math.max(0, firstSegment - 1, ...segments) + 1,
    hadLog: replay.records > snapshotRecords,
  };
}

function numbersIn(names: readonly string[], numberOf: (name: string) => number | null): number[] {
  return names
    .map(numberOf)
    .filter((number) => number !== null)
    .sort((a, b) => a - b);
}

/** Series of the run that wrote the records, a page of their numbers. */
class LoggedSeries {
  /** Their rows now; 0 where there is none. */
  readonly rows = new Uint32Array(PAGE_ROWS);
  /** The newest commit that a snapshot already contains. */
  readonly sequences = new Float64Array(PAGE_ROWS).fill(-1);
}

/** Applies records in order. Series of the run that wrote them are translated to those of this one. */
class Replay {
  readonly #target: RecoveryTarget;
  samples = 0;
  orphans = 0;
  highestRun = 0;
  sawHeader = false;
  sawSnapshotEnd = false;
  /** Records with content. */
  records = 0;
  #run = 0;
  /** By the writer's numbers divided by the length of a page: most numbers are of series that are gone. */
  readonly #series = new Map<number, LoggedSeries>();

  constructor(target: RecoveryTarget) {
    this.#target = target;
  }

  apply(type: number, payload: Uint8Array): void {
    const reader = new ByteReader(payload);
    if (type !== RECORD.run) this.records++;
    switch (type) {
      case RECORD.run:
      case RECORD.snapshotHeader:
        reader.word();
        this.#enterRun(reader.word());
        this.sawHeader = true;
        return;
      case RECORD.series:
        while (!reader.done) this.#map(reader.varint(), this.#seriesFrom(reader), -1);
        return;
      case RECORD.senders:
        this.#applySenders(reader);
        return;
      case RECORD.samples:
        this.#applySamples(reader);
        return;
      case RECORD.histograms:
        this.#applyHistograms(reader);
        return;
      case RECORD.snapshotSeries:
        this.#applySnapshot(reader);
        return;
      case RECORD.snapshotEnd:
        this.sawSnapshotEnd = true;
        return;
      case RECORD.exemplars:
        this.#applyExemplars(payload);
        return;
      case RECORD.metadata:
        for (const [name, metadata] of parse(payload) as readonly LoggedMetadata[]) {
          this.#target.metadata(name, metadata);
        }
        return;
      default:
        // A later version may add records; what this one does not know it leaves alone.
        return;
    }
  }

  #enterRun(run: number): void {
    this.highestRun = Math.max(this.highestRun, run);
    if (run === this.#run) return;
    this.#run = run;
    this.#series.clear();
  }

  #applySamples(reader: ByteReader): void {
    const { head } = this.#target;
    const sequence = reader.float();
    let timestampMs = reader.float();
    let series = 0;
    while (!reader.done) {
      series += reader.zigzag();
      timestampMs += reader.zigzag();
      const low = reader.word();
      const high = reader.word();
      const row = this.#rowOf(series);
      if (row === 0) this.orphans++;
      else if (sequence > this.#sequenceOf(series)) {
        head.append(row, timestampMs, high | 0, low | 0);
        this.samples++;
      }
    }
  }

  #applySenders(reader: ByteReader): void {
    while (!reader.done) {
      const row = this.#rowOf(reader.varint());
      const senders = reader.text();
      if (row !== 0) this.#target.senders(row, senders);
    }
  }

  #applyHistograms(reader: ByteReader): void {
    const sequence = reader.float();
    while (!reader.done) {
      const series = reader.varint();
      const chunk = readHistogramChunk(reader);
      const row = this.#rowOf(series);
      if (row === 0) this.orphans++;
      else if (sequence > this.#sequenceOf(series)) {
        for (const { timestampMs, histogram } of decodeHistograms(chunk)) {
          this.#target.head.appendHistogram(row, timestampMs, histogram);
          this.samples++;
        }
      }
    }
  }

  #applyExemplars(payload: Uint8Array): void {
    for (const { series, exemplar } of readExemplars(payload)) {
      const row = this.#rowOf(series);
      if (row === 0) continue;
      // Those that came while a snapshot was written are in the log after it too; the target takes each once.
      this.#target.exemplar(row, exemplar);
    }
  }

  #applySnapshot(reader: ByteReader): void {
    const sequence = reader.float();
    while (!reader.done) {
      readSeries(reader, this.#target.head, (series) => {
        const row = this.#seriesFrom(reader);
        this.#map(series, row, sequence);
        return row;
      });
    }
  }

  #seriesFrom(reader: ByteReader): SeriesRow {
    const labels = emptyLabels();
    for (let left = reader.varint(); left > 0; left--) {
      const name = reader.text();
      labels[name] = reader.text();
    }
    return this.#target.series(labels);
  }

  #rowOf(series: SeriesNumber): SeriesRow {
    return this.#series.get(Math.floor(series / PAGE_ROWS))?.rows[series & ROW_MASK] ?? 0;
  }

  #sequenceOf(series: SeriesNumber): number {
    return this.#series.get(Math.floor(series / PAGE_ROWS))?.sequences[series & ROW_MASK] ?? -1;
  }

  #map(series: SeriesNumber, row: SeriesRow, sequence: number): void {
    const number = Math.floor(series / PAGE_ROWS);
    let page = this.#series.get(number);
    if (!page) this.#series.set(number, (page = new LoggedSeries()));
    const at = series & ROW_MASK;
    page.rows[at] = row;
    page.sequences[at] = Math.max(page.sequences[at] ?? -1, sequence);
  }
}

/** The content of a record. Its shape is not checked: this program wrote it, under a checksum. */
function parse(payload: Uint8Array): unknown {
  return JSON.parse(Buffer.from(payload).toString('utf8'));
}
