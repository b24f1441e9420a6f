import type { Clock, Logger, SelfMetrics, SteadyClock } from '#telemetry';
import type { Tsdb } from '#tsdb';
import { lastSampleClockLead, newestOwnSampleMs, SAMPLE_CLOCK_LEAD } from './own-metrics.ts';

const LOOK_EVERY_MS = 1000;
/** A smaller lead is nothing that a person has to know: it puts no sample out of order. */
const MIN_TOLD_LEAD_MS = 10_000;

interface SampleClockGround {
  readonly clock: Clock;
  readonly sampleClock: SteadyClock;
  readonly metrics: SelfMetrics;
  logger(component: string): Logger;
}

/** Where the wall clock was set back meanwhile, samples are dated on from where the process before this one left off. */
export async function continueSampleClock({
  clock,
  sampleClock,
  tsdb,
}: {
  readonly clock: Clock;
  readonly sampleClock: SteadyClock;
  readonly tsdb: Pick<Tsdb, 'selectLatest'>;
}): Promise<void> {
  const nowMs = clock.wallMs();
  const last = await lastSampleClockLead(tsdb, nowMs);
  if (last) sampleClock.notBefore(last.atMs, last.leadMs);
  sampleClock.notBefore((await newestOwnSampleMs(tsdb, nowMs)) ?? 0);
}

/** Measures how far samples are dated ahead of the wall clock, and tells in the log when that begins and ends. */
export function tellSampleClockLead(ground: SampleClockGround): { stop(): void } {
  const { clock, sampleClock, metrics } = ground;
  const log = ground.logger('server');
  let isTold = false;
  const leadSeconds = (): number => sampleClock.leadMs() / 1000;
  const look = (): void => {
    const leadMs = sampleClock.leadMs();
    if (isTold ? leadMs > 0 : leadMs < MIN_TOLD_LEAD_MS) return;
    isTold = !isTold;
    if (isTold) {
      log.warn(
        { lead_seconds: Math.round(leadMs / 1000) },
        'The wall clock was set back: samples and alerts are dated ahead of it until it has caught up, and senders whose clock was set back too are dated like them; set the clock right if this was a mistake',
      );
    } else log.info({}, 'The wall clock has caught up: samples and alerts are dated by it again');
  };
  metrics.gauge(
    SAMPLE_CLOCK_LEAD,
    'How far samples are dated ahead of the wall clock, after it went back.',
    leadSeconds,
  );
  look();
  const timer = clock.every(LOOK_EVERY_MS, look);
  return { stop: () => timer.cancel() };
}
