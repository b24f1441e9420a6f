import type { MetadataSink, SampleSink, SeriesRef, Subscription } from '#telemetry';
import type { NewestSamples } from './delta-totals.ts';

/** The store that takes the samples in. */
export interface OtlpSampleStore extends SampleSink, MetadataSink, NewestSamples {
  /** Whether a reference still stands for its series: not when the store has forgotten that. */
  holds(ref: SeriesRef): boolean;
  /** Called with how many series the store has just forgotten. */
  onForgotten(listener: (seriesCount: number) => void): Subscription;
  /** Whether a sample may have this time, whatever its series. */
  isTimely(timestampMs: number): boolean;
}
