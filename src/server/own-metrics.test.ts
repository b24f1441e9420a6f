import { describe, expect, it } from 'vitest';
import { METRIC_NAME_LABEL, SampleBatch, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { createTsdb } from '#tsdb';
import { isReserved, newestOwnSampleMs } from './own-metrics.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

async function newest(samples: Readonly<Record<string, number>>): Promise<number | null> {
  const clock = new VirtualClock(NOW_MS);
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
  const batch = new SampleBatch();
  for (const [name, aheadMs] of Object.entries(samples)) {
    batch.add(tsdb.series({ [METRIC_NAME_LABEL]: name }), NOW_MS + aheadMs, 1);
  }
  tsdb.commit(batch, {
    source: 'import',
    traceparent: null,
    receivedAtMs: NOW_MS,
    receivedMonotonicMs: clock.monotonicMs(),
  });
  const found = await newestOwnSampleMs(tsdb, NOW_MS);
  await tsdb.stop();
  return found === null ? null : found - NOW_MS;
}

describe('the newest of what Omoi itself has dated', () => {
  it.each<[string, Readonly<Record<string, number>>, number | null]>([
    ['is none in an empty store', {}, null],
    ['is none where all is older', { agents_by_status: -1000 }, null],
    ['is of the standard metrics', { agents_by_status: 4000, agent_heartbeat_age_seconds: 5000 }, 5000],
    ['is of its own metrics', { omoi_rules_dirty: 3000, agents_by_status: 2000 }, 3000],
    ['is of what rules wrote', { ALERTS: 6000 }, 6000],
    ['is not what somebody else has dated ahead', { queue_depth: 9000, agents_by_status: 2000 }, 2000],
  ])('%s', async (_name, samples, expected) => {
    expect(await newest(samples)).toBe(expected);
  });
});

describe('what nobody else may write', () => {
  it.each([
    ['agent_status', true],
    ['task_duration_seconds_bucket', true],
    ['omoi_anything', true],
    ['ALERTS', true],
    ['queue_depth', false],
    ['agent_mood', false],
  ])('%s: %s', (name, expected) => {
    expect(isReserved(name)).toBe(expected);
  });
});
