import {
  OmoiError,
  paced,
  SampleBatch,
  type AppendOrigin,
  type Clock,
  type CommitResult,
  type Redate,
} from '#telemetry';
import { otlpStretch } from '../otlp-stretch.ts';
import type { Refusals } from '../refusals.ts';
import type { Authority, OtlpSender } from '../sender.ts';
import { MetricsDecoder } from './decoder.ts';
import { DeltaTotals } from './delta-totals.ts';
import type { KnownWriters } from './known-writers.ts';
import { PointRows } from './point-rows.ts';
import { RowTargets } from './row-targets.ts';
import { RowWriter } from './row-writer.ts';
import type { OtlpSampleStore } from './sample-store.ts';
import { STORE_REFUSALS } from './store-refusals.ts';

/** A larger request becomes visible in parts of this size, so that no commit holds up the event loop. */
const MAX_UNIT_SAMPLES = 2000;
/** Of which so many native histograms, and samples of series that are new, which cost the store more. */
const MAX_UNIT_HISTOGRAMS = 50;
const MAX_UNIT_NEW_SERIES = 50;
/** A point brings some hundreds at most. They are kept by their labels' text, and logged as JSON. */
const MAX_UNIT_EXEMPLARS = 1000;
/** Rows of known writers between two looks at the clock. */
const ROWS_PER_LOOK = 500;

export interface MetricsLaneParts {
  readonly clock: Clock;
  readonly samples: OtlpSampleStore;
  readonly authority: Authority;
  /** How senders' times are put right now, null where they need not be; never where absent. */
  readonly redating?: () => Redate | null;
}

/** A request that is being stored. */
export interface Unit {
  readonly origin: AppendOrigin;
  readonly sender: OtlpSender;
  readonly refusals: Refusals;
  /** Resolves when all that was committed survives a crash. */
  durable: Promise<void>;
}

export interface Pass {
  /** The writers that are known, for all of this pass. */
  readonly known: KnownWriters;
  /** What this pass refuses. */
  readonly found: Refusals;
  /** A pass before this one has stored a part: what it stored is there already, and no duplicate. */
  readonly isRepeated: boolean;
}

/** Stores metrics requests one after the other, each decoded whole before anything of it is stored. */
export class MetricsLane {
  readonly #parts: MetricsLaneParts;
  readonly #rows = new PointRows();
  readonly #batch = new SampleBatch(MAX_UNIT_SAMPLES);
  readonly #totals: DeltaTotals;

  constructor(parts: MetricsLaneParts) {
    this.#parts = parts;
    this.#totals = new DeltaTotals(parts.samples);
  }

  /** Returns how many samples were of series that the store does not know any more. */
  async store(body: Uint8Array, unit: Unit, pass: Pass): Promise<number> {
    try {
      return await this.#store(body, unit, pass);
    } catch (error) {
      // The writers' streams are remembered as they are written, not as they are committed.
      pass.known.forgetStreams();
      throw error;
    } finally {
      this.#rows.clear();
    }
  }

  async #store(body: Uint8Array, unit: Unit, { known, found: refusals, isRepeated }: Pass): Promise<number> {
    const { clock, samples } = this.#parts;
    const stretch = otlpStretch(clock);
    const { origin, sender } = unit;
    const { receivedAtMs } = origin;
    const rows = this.#rows;
    rows.redate = this.#parts.redating?.() ?? null;
    const decoder = new MetricsDecoder({ known, rows, refusals, receivedAtMs });
    await paced(decoder.decode(body), stretch);
    const targets = new RowTargets({ ...this.#parts, known, rows, refusals, sender, receivedAtMs });
    await paced(targets.readLabels(), stretch);
    const batch = this.#batch;
    const totals = this.#totals;
    batch.clear();
    totals.settle();
    const writer = new RowWriter({ known, batch, totals, rows, isRepeated });
    let unknownSeries = 0;
    const commit = async (): Promise<void> => {
      const result = samples.commit(batch, origin);
      batch.clear();
      targets.newSeries = 0;
      totals.settle();
      unknownSeries += result.refused.unknown_series;
      await addResult(result, unit, refusals);
    };
    for (let row = 0; row < rows.length; row++) {
      const refusal = targets.write(row, writer, batch);
      if (refusal !== null) refusals.refuse(refusal);
      const isFull =
        batch.length >= MAX_UNIT_SAMPLES ||
        batch.histograms.size >= MAX_UNIT_HISTOGRAMS ||
        batch.exemplars.length >= MAX_UNIT_EXEMPLARS ||
        targets.newSeries >= MAX_UNIT_NEW_SERIES;
      const isLook = isFull || targets.isCostly(row) || row % ROWS_PER_LOOK === 0;
      const isOver = isLook && stretch.isOver;
      // Before a pause too: totals of deltas are those of the store, which others write to meanwhile.
      if (isFull || (isOver && batch.length > 0)) await commit();
      if (isOver || (isFull && stretch.isOver)) await stretch.pause();
    }
    targets.addTargetInfo(batch);
    if (batch.length > 0 || batch.exemplars.length > 0) await commit();
    return unknownSeries;
  }
}

/** @throws OmoiError where nothing of the batch was taken */
async function addResult(result: CommitResult, unit: Unit, refusals: Refusals): Promise<void> {
  // All parts share one log: when the last is on disk, all are. A refusal of any part is one of the whole.
  const before = unit.durable;
  unit.durable = Promise.all([before, result.durable()]).then(() => undefined);
  // Awaited by `receive`; until then a refusal is not unhandled.
  unit.durable.catch(() => undefined);
  for (const [code, reason] of Object.entries(STORE_REFUSALS)) {
    const count = result.refused[code as keyof typeof STORE_REFUSALS];
    if (count > 0) refusals.refuse(reason, count);
  }
  if (result.refused.storage_full === 0) return;
  await unit.durable;
  throw new OmoiError('storage_full', 'the disk has no room for samples');
}
