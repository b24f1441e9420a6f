import type { AppendOrigin, Random, SelfMetrics } from '#telemetry';
import type { Lane } from '../lanes.ts';
import { Refusals } from '../refusals.ts';
import type { OtlpSender } from '../sender.ts';
import { KnownWriters } from './known-writers.ts';
import { MetricsLane, type MetricsLaneParts, type Unit } from './metrics-lane.ts';

const MAX_CACHE_BYTES = 128 * 1024 * 1024;

export interface MetricsIntakeParts extends MetricsLaneParts {
  readonly random: Random;
  readonly selfMetrics: SelfMetrics;
}

export interface TakeOptions {
  readonly sender: OtlpSender;
  /** Gets what is refused. */
  readonly refusals: Refusals;
  /** One request of a lane is taken in at a time, and no two of one writer; they may wait for the disk side by side. */
  readonly lane: Lane;
}

/**
 * Takes metrics in: decodes a request whole, then makes what series are missing and commits. What cannot be decoded
 * changes nothing.
 */
export class MetricsIntake {
  readonly #parts: MetricsIntakeParts;
  readonly #lanes: Readonly<Record<Lane, MetricsLane>>;
  /** Of both lanes: a writer's last start is told by whichever lane has stored it. */
  #known: KnownWriters;
  /** Series that the store has forgotten since the cache began; not all of them were in it. */
  #forgotten = 0;

  constructor(parts: MetricsIntakeParts) {
    this.#parts = parts;
    this.#known = this.#nothingKnown();
    this.#lanes = { small: new MetricsLane(parts), large: new MetricsLane(parts) };
    parts.samples.onForgotten((seriesCount) => void (this.#forgotten += seriesCount));
    parts.selfMetrics.gauge(
      'omoi_otlp_cached_writers',
      'Metrics with attributes that are known by their bytes.',
      () => this.#known.size,
    );
  }

  /**
   * Stores what a request carries.
   * @param body the request as protobuf
   * @returns `durable`, which resolves when what was stored survives a crash, and rejects with `storage_full` or
   *   `storage_failed`
   * @throws OmoiError `payload_undecodable`, `body_too_large`: nothing was stored; `storage_full`
   */
  async take(
    body: Uint8Array,
    { sender, refusals, lane }: TakeOptions,
  ): Promise<{ readonly durable: Promise<void> }> {
    const { clock } = this.#parts;
    const origin: AppendOrigin = {
      source: 'otlp',
      sender: sender.name,
      traceparent: null,
      receivedAtMs: clock.wallMs(),
      receivedMonotonicMs: clock.monotonicMs(),
    };
    const unit = { origin, sender, refusals, durable: Promise.resolve() };
    await this.#take(body, unit, this.#lanes[lane]);
    return { durable: unit.durable };
  }

  async #take(body: Uint8Array, unit: Unit, lane: MetricsLane): Promise<void> {
    // One that would be half full of series that are gone begins anew.
    if (this.#known.isFull || this.#forgotten * 2 > this.#known.size) this.#forget();
    const known = this.#known;
    const found = new Refusals();
    const unknownSeries = await lane.store(body, unit, { known, found, isRepeated: false });
    if (unknownSeries === 0) {
      unit.refusals.addAll(found);
      return;
    }
    // The store has forgotten series that were known here. What it has taken of the request, it finds to be there.
    if (this.#known === known) this.#forget();
    const again = new Refusals();
    await lane.store(body, unit, { known: this.#known, found: again, isRepeated: true });
    unit.refusals.addAll(again);
  }

  /** Begins anew. A request that the other lane is storing goes on with what it has found, which is gone after it. */
  #forget(): void {
    this.#known = this.#nothingKnown();
    this.#forgotten = 0;
  }

  #nothingKnown(): KnownWriters {
    return new KnownWriters({
      seed: this.#parts.random.next() * 2 ** 32,
      maxBytes: MAX_CACHE_BYTES,
      isHeld: (ref) => this.#parts.samples.holds(ref),
    });
  }
}
