import { SampleBatch, type AppendOrigin, type Labels, type SeriesRef } from '#telemetry';
import { alertState, type Instance } from '../state/instance.ts';
import { commitOutputs, type RuleOutlet } from './rule-outlet.ts';
import type { SlicedWork } from './sliced-work.ts';

/** A unit of samples that is larger than this is committed in several, each with whole alerts. */
const MAX_UNIT_SAMPLES = 4000;

/** What was written last of one label set. */
interface WrittenAlert {
  readonly state: 'pending' | 'firing';
  readonly activeAtMs: number;
  readonly alertsRef: SeriesRef;
  readonly forStateRef: SeriesRef;
}

/**
 * Writes `ALERTS` and `ALERTS_FOR_STATE` of one rule: what has changed at once, all of it when asked to, and a
 * staleness marker where a label set is pending or firing no more. An alert that did not change costs a look-up.
 */
export class AlertSeries {
  readonly #outlet: RuleOutlet;
  readonly #written = new Map<string, WrittenAlert>();
  readonly #batch = new SampleBatch();

  constructor(outlet: RuleOutlet) {
    this.#outlet = outlet;
  }

  /** @param repeat whether unchanged values are written too, so that look-back windows don't lose them */
  *write(
    instances: ReadonlyMap<string, Instance>,
    at: { readonly timeMs: number; readonly origin: AppendOrigin; readonly repeat: boolean },
  ): SlicedWork<void> {
    for (const [key, written] of this.#written) {
      const instance = instances.get(key);
      if (!instance || alertState(instance.phase) === null) this.#end(key, written, at.timeMs);
      yield* this.#commitWhenFull(at.origin);
    }
    for (const instance of instances.values()) {
      this.#writeOne(instance, at);
      yield* this.#commitWhenFull(at.origin);
    }
    this.#commit(at.origin);
  }

  /** One label set has ended. */
  end(key: string, at: { readonly timeMs: number; readonly origin: AppendOrigin }): void {
    const written = this.#written.get(key);
    if (!written) return;
    this.#end(key, written, at.timeMs);
    this.#commit(at.origin);
  }

  *#commitWhenFull(origin: AppendOrigin): SlicedWork<void> {
    if (this.#batch.length >= MAX_UNIT_SAMPLES) this.#commit(origin);
    yield;
  }

  #end(key: string, written: WrittenAlert, timeMs: number): void {
    this.#written.delete(key);
    this.#addStale(written.alertsRef, timeMs);
    this.#addStale(written.forStateRef, timeMs);
  }

  #writeOne(
    { key, labels, phase }: Instance,
    { timeMs, repeat }: { readonly timeMs: number; readonly repeat: boolean },
  ): void {
    const state = alertState(phase);
    if (state === null) return;
    const known = this.#held(key);
    const { activeAtMs } = phase;
    if (known?.state === state && known.activeAtMs === activeAtMs) {
      if (!repeat) return;
      this.#add(known, timeMs);
      return;
    }
    const alertsRef = known?.state === state ? known.alertsRef : this.#series(alertsLabels(labels, state));
    const forStateRef = known?.forStateRef ?? this.#series({ ...labels, __name__: 'ALERTS_FOR_STATE' });
    if (alertsRef === null || forStateRef === null) return;
    const written = { state, activeAtMs, alertsRef, forStateRef };
    if (known && known.alertsRef !== alertsRef) this.#addStale(known.alertsRef, timeMs);
    this.#written.set(key, written);
    this.#add(written, timeMs);
  }

  /** What was written last, where the store has not forgotten its series since. */
  #held(key: string): WrittenAlert | null {
    const written = this.#written.get(key);
    const { sink } = this.#outlet;
    return written && sink.holds(written.alertsRef) && sink.holds(written.forStateRef) ? written : null;
  }

  #addStale(ref: SeriesRef, timeMs: number): void {
    if (this.#outlet.sink.holds(ref)) this.#batch.addStale(ref, timeMs);
  }

  #add({ alertsRef, forStateRef, activeAtMs }: WrittenAlert, timeMs: number): void {
    this.#batch.add(alertsRef, timeMs, 1);
    this.#batch.add(forStateRef, timeMs, Math.floor(activeAtMs / 1000));
  }

  /** Null where the store takes no more series: the alert itself does not depend on them. */
  #series(labels: Labels): SeriesRef | null {
    try {
      return this.#outlet.sink.series(labels);
    } catch {
      this.#outlet.refused.add(1);
      return null;
    }
  }

  #commit(origin: AppendOrigin): void {
    if (!commitOutputs(this.#outlet, this.#batch, origin)) this.#written.clear();
  }
}

function alertsLabels(labels: Labels, state: string): Labels {
  return { ...labels, __name__: 'ALERTS', alertstate: state };
}
