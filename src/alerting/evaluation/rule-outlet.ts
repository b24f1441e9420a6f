import type { AppendOrigin, Counter, SampleBatch, SampleSink, SeriesRef } from '#telemetry';
import type { SeriesHolders } from './series-holders.ts';

/** A store that rules write to. */
export interface RuleSink extends SampleSink {
  /** False once the series was forgotten, having had no sample for long: it is to be asked for again. */
  holds(ref: SeriesRef): boolean;
}

/** Where rules write their series. */
export interface RuleOutlet {
  readonly sink: RuleSink;
  readonly holders: SeriesHolders;
  /** Counts the samples that were not taken. */
  readonly refused: Counter;
}

/** The rule keeps the series no longer: it ends where no other rule does. */
export function releaseSeries(
  { holders, sink }: RuleOutlet,
  batch: SampleBatch,
  end: { readonly ref: SeriesRef; readonly timeMs: number },
): void {
  const isOver = holders.release(end.ref, end.timeMs);
  if (isOver && sink.holds(end.ref)) batch.addStale(end.ref, holders.date(end.ref, end.timeMs));
}

/**
 * Commits what a rule puts out as one unit, and empties the batch.
 * @returns false where some reference has gone with its series: all of them are to be asked for again
 */
export function commitOutputs(outlet: RuleOutlet, batch: SampleBatch, origin: AppendOrigin): boolean {
  if (batch.length === 0) return true;
  const result = outlet.sink.commit(batch, origin);
  batch.clear();
  const refused = Object.values(result.refused).reduce((sum, count) => sum + count, 0);
  if (refused > 0) outlet.refused.add(refused);
  // The store writes what was accepted by its own means: nobody waits for a derived sample.
  return result.refused.unknown_series === 0;
}
