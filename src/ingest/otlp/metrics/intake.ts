import {
  OmoiError,
  paced,
  type AppendOrigin,
  type Clock,
  type CommitResult,
  type Random,
  type RefusedSamples,
  SampleBatch,
  type SelfMetrics,
} from '#telemetry';
import { otlpStretch } from '../otlp-stretch.ts';
import { Refusals } from '../refusals.ts';
import type { Authority, OtlpSender } from '../sender.ts';
import { MetricsDecoder } from './decoder.ts';
import { DeltaTotals } from './delta-totals.ts';
import { KnownWriters } from './known-writers.ts';
import { RowWriter } from './row-writer.ts';
import { RowTargets } from './row-targets.ts';
import type { OtlpSampleStore } from './sample-store.ts';

/** A larger request becomes visible in parts of this size, so that no commit holds up the event loop. */
const MAX_UNIT_SAMPLES = 2000;
/** Of which so many native histograms, and samples of series that are new, which cost the store more. */
const MAX_UNIT_HISTOGRAMS = 50;
const MAX_UNIT_NEW_SERIES = 50;
/** Rows of known writers between two looks at the clock. */
const ROWS_PER_LOOK = 500;
const MAX_CACHE_BYTES = 128 * 1024 * 1024;

export interface MetricsIntakeParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly samples: OtlpSampleStore;
  readonly selfMetrics: SelfMetrics;
  readonly authority: Authority;
}

/**
 * Takes metrics in: decodes a request whole, then makes what series are missing and commits. What cannot be decoded
 * changes nothing.
 */
export class MetricsIntake {
  readonly #parts: MetricsIntakeParts;
  readonly #known: KnownWriters;
  readonly #decoder: MetricsDecoder;
  readonly #batch = new SampleBatch(MAX_UNIT_SAMPLES);
  readonly #totals: DeltaTotals;
  /** Series that the store has forgotten since the cache was emptied; not all of them were in it. */
  #forgotten = 0;

  constructor(parts: MetricsIntakeParts) {
    this.#parts = parts;
    this.#known = new KnownWriters({
      seed: parts.random.next() * 2 ** 32,
      maxBytes: MAX_CACHE_BYTES,
      isHeld: (ref) => parts.samples.holds(ref),
    });
    parts.samples.onForgotten((seriesCount) => void (this.#forgotten += seriesCount));
    this.#decoder = new MetricsDecoder(this.#known, new Refusals());
    this.#totals = new DeltaTotals(parts.samples);
    parts.selfMetrics.gauge(
      'omoi_otlp_cached_writers',
      'Metrics with attributes that are known by their bytes.',
      () => this.#known.size,
    );
  }

  /**
   * Stores what a request carries. One request is taken in at a time; they may wait for the disk side by side.
   * @param body the request as protobuf
   * @param refusals gets what is refused
   * @returns `durable`, which resolves when what was stored survives a crash, and rejects with `storage_full` or
   *   `storage_failed`
   * @throws OmoiError `payload_undecodable`, `body_too_large`: nothing was stored; `storage_full`
   */
  async take(
    body: Uint8Array,
    sender: OtlpSender,
    refusals: Refusals,
  ): Promise<{ readonly durable: Promise<void> }> {
    const { clock } = this.#parts;
    const origin: AppendOrigin = {
      source: 'otlp',
      traceparent: null,
      receivedAtMs: clock.wallMs(),
      receivedMonotonicMs: clock.monotonicMs(),
    };
    const unit = { origin, sender, refusals, durable: Promise.resolve() };
    try {
      await this.#take(body, unit);
    } finally {
      this.#decoder.release();
    }
    return { durable: unit.durable };
  }

  async #take(body: Uint8Array, unit: Unit): Promise<void> {
    // One that would be half full of series that are gone begins anew.
    if (this.#known.isFull || this.#forgotten * 2 > this.#known.size) {
      this.#known.clear();
      this.#forgotten = 0;
    }
    const found = new Refusals();
    const unknownSeries = await this.#store(body, { ...unit, found, isRepeated: false }, unit);
    if (unknownSeries === 0) {
      unit.refusals.addAll(found);
      return;
    }
    // The store has forgotten series that were known here. What it has taken of the request, it finds to be there.
    this.#known.clear();
    const again = new Refusals();
    await this.#store(body, { ...unit, found: again, isRepeated: true }, unit);
    unit.refusals.addAll(again);
  }

  /** Returns how many samples were of series that the store does not know any more. */
  async #store(body: Uint8Array, pass: Pass, unit: Unit): Promise<number> {
    const { clock, samples } = this.#parts;
    const stretch = otlpStretch(clock);
    const { origin, found: refusals } = pass;
    const { rows } = this.#decoder;
    await paced(this.#decoder.decode(body, { receivedAtMs: origin.receivedAtMs, refusals }), stretch);
    const targets = new RowTargets({
      ...this.#parts,
      known: this.#known,
      rows,
      refusals,
      sender: pass.sender,
      receivedAtMs: origin.receivedAtMs,
    });
    await paced(targets.readLabels(), stretch);
    const batch = this.#batch;
    batch.clear();
    this.#totals.settle();
    const writer = new RowWriter({
      known: this.#known,
      batch,
      totals: this.#totals,
      rows,
      isRepeated: pass.isRepeated,
    });
    let unknownSeries = 0;
    const commit = async (): Promise<void> => {
      const result = samples.commit(batch, origin);
      batch.clear();
      targets.newSeries = 0;
      this.#totals.settle();
      unknownSeries += result.refused.unknown_series;
      await addResult(result, unit, refusals);
      if (stretch.isOver) await stretch.pause();
    };
    for (let row = 0; row < rows.length; row++) {
      const refusal = targets.write(row, writer, batch);
      if (refusal !== null) refusals.refuse(refusal);
      const isFull =
        batch.length >= MAX_UNIT_SAMPLES ||
        batch.histograms.size >= MAX_UNIT_HISTOGRAMS ||
        targets.newSeries >= MAX_UNIT_NEW_SERIES;
      if (isFull) await commit();
      else if ((targets.isCostly(row) || row % ROWS_PER_LOOK === 0) && stretch.isOver) await stretch.pause();
    }
    targets.addTargetInfo(batch);
    if (batch.length > 0 || batch.exemplars.length > 0) await commit();
    return unknownSeries;
  }
}

interface Unit {
  readonly origin: AppendOrigin;
  readonly sender: OtlpSender;
  readonly refusals: Refusals;
  /** Resolves when all that was committed survives a crash. */
  durable: Promise<void>;
}

interface Pass extends Omit<Unit, 'durable'> {
  /** What this pass refuses. */
  readonly found: Refusals;
  /** A pass before this one has stored a part: what it stored is there already, and no duplicate. */
  readonly isRepeated: boolean;
}

const REASONS: readonly (keyof RefusedSamples)[] = [
  'out_of_order',
  'duplicate_timestamp',
  'too_old',
  'too_far_ahead',
];

/** @throws OmoiError where nothing of the batch was taken */
async function addResult(result: CommitResult, unit: Unit, refusals: Refusals): Promise<void> {
  // All parts share one log: when the last is on disk, all are. A refusal of any part is one of the whole.
  const before = unit.durable;
  unit.durable = Promise.all([before, result.durable()]).then(() => undefined);
  // Awaited by `receive`; until then a refusal is not unhandled.
  unit.durable.catch(() => undefined);
  for (const reason of REASONS) {
    if (result.refused[reason] > 0) refusals.refuse(reason, result.refused[reason]);
  }
  if (result.refused.storage_full === 0) return;
  await unit.durable;
  throw new OmoiError('storage_full', 'the disk has no room for samples');
}
