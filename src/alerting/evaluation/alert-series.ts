import { SampleBatch, type AppendOrigin, type Labels, type SeriesRef } from '#telemetry';
import { alertState, type Instance } from '../state/instance.ts';
import { commitOutputs, releaseSeries, type RuleOutlet } from './rule-outlet.ts';
import type { SlicedWork } from './sliced-work.ts';

/** A unit of samples that is larger than this is committed in several, each with whole alerts. */
export const MAX_UNIT_SAMPLES = 4000;

export const ALERT_STATE_LABEL = 'alertstate';

/** What was written last of one label set. */
interface WrittenAlert {
  readonly state: 'pending' | 'firing';
  readonly activeAtMs: number;
  readonly alertsRef: SeriesRef;
  readonly forStateRef: SeriesRef;
}

interface UnitMoment {
  readonly timeMs: number;
  readonly origin: AppendOrigin;
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
    at: UnitMoment & { readonly repeat: boolean },
  ): SlicedWork<void> {
    for (const [key, written] of this.#written) {
      const instance = instances.get(key);
      if (!instance || alertState(instance.phase) === null) this.#end(key, written, at.timeMs);
      yield* this.#commitWhenFull(at);
    }
    for (const instance of instances.values()) {
      this.#writeOne(instance, at);
      yield* this.#commitWhenFull(at);
    }
    this.#commit(at);
  }

  /** One label set has ended. */
  end(key: string, at: UnitMoment): void {
    const written = this.#written.get(key);
    if (!written) return;
    this.#end(key, written, at.timeMs);
    this.#commit(at);
  }

  *#commitWhenFull(at: UnitMoment): SlicedWork<void> {
    if (this.#batch.length >= MAX_UNIT_SAMPLES) this.#commit(at);
    yield;
  }

  #end(key: string, written: WrittenAlert, timeMs: number): void {
    this.#written.delete(key);
    this.#release(written, timeMs);
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
    const forStateRef = known?.forStateRef ?? this.#series(forStateLabels(labels));
    if (alertsRef === null || forStateRef === null) return;
    const written = { state, activeAtMs, alertsRef, forStateRef };
    const before = this.#written.get(key);
    this.#outlet.holders.hold(alertsRef);
    this.#outlet.holders.hold(forStateRef);
    if (before) this.#release(before, timeMs);
    this.#written.set(key, written);
    this.#add(written, timeMs);
  }

  /** What was written last, where the store has not forgotten its series since. */
  #held(key: string): WrittenAlert | null {
    const written = this.#written.get(key);
    const { sink } = this.#outlet;
    return written && sink.holds(written.alertsRef) && sink.holds(written.forStateRef) ? written : null;
  }

  #release({ alertsRef, forStateRef }: WrittenAlert, timeMs: number): void {
    releaseSeries(this.#outlet, this.#batch, { ref: alertsRef, timeMs });
    releaseSeries(this.#outlet, this.#batch, { ref: forStateRef, timeMs });
  }

  #add({ alertsRef, forStateRef, activeAtMs }: WrittenAlert, timeMs: number): void {
    const { holders } = this.#outlet;
    this.#batch.add(alertsRef, holders.date(alertsRef, timeMs), 1);
    this.#batch.add(forStateRef, holders.date(forStateRef, timeMs), Math.floor(activeAtMs / 1000));
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

  #commit({ timeMs, origin }: UnitMoment): void {
    if (commitOutputs(this.#outlet, this.#batch, origin)) return;
    for (const { alertsRef, forStateRef } of this.#written.values()) {
      this.#outlet.holders.release(alertsRef, timeMs);
      this.#outlet.holders.release(forStateRef, timeMs);
    }
    this.#written.clear();
  }
}

export function alertsLabels(labels: Labels, state: string): Labels {
  return { ...labels, __name__: 'ALERTS', [ALERT_STATE_LABEL]: state };
}

export function forStateLabels(labels: Labels): Labels {
  return { ...labels, __name__: 'ALERTS_FOR_STATE' };
}
