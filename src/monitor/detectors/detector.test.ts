import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMatcher, createSeededRandom, traceIdOf } from '#telemetry';
import { openStage, type Stage } from '../monitor.test-support.ts';

const SERIES = 'phase_id=PHASE_IMPLEMENTATION,priority=0,metric_name=tasks_queued_total';

describe('the detector', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
  });
  afterEach(() => stage.close());

  const scores = (): readonly number[] =>
    (stage.store.history('anomaly_score')[SERIES] ?? []).filter((score) => score !== 'stale');
  const anomalies = async (): Promise<readonly string[]> => {
    await stage.monitor.idle();
    const rows = await stage.monitor.anomalies.list({ limit: 100 });
    return rows.map(({ kind, state, metric_name: metric }) => `${metric} ${kind} ${state}`);
  };
  /** Enqueues and claims at random around an even load, some fifty times a second. */
  const oscillate = async (seconds: number, most = 6): Promise<void> => {
    const random = createSeededRandom(11);
    let queued = 0;
    for (let step = 0; step < seconds * 50; step++) {
      queued = Math.max(0, Math.min(most, queued + (random.next() < 0.5 ? 1 : -1)));
      stage.fleet.setQueued(queued);
      await stage.clock.advance(20);
    }
  };
  const ramp = async (from: number, to: number, overMs: number): Promise<void> => {
    for (let atMs = 0; atMs < overMs; atMs += 50) {
      stage.fleet.setQueued(Math.round(from + ((to - from) * atMs) / overMs));
      await stage.clock.advance(50);
    }
  };

  it('says nothing before it has a baseline', async () => {
    stage.fleet.setQueued(2);
    await stage.clock.advance(15_000);
    stage.fleet.setQueued(500);
    await stage.clock.advance(4000);
    expect(scores()).toEqual([]);
  });

  it('gives regular noise low scores, and a ramp a high one within two seconds', async () => {
    await oscillate(60);
    expect(Math.max(...scores())).toBeLessThan(3);
    await ramp(6, 60, 1500);
    await stage.clock.advance(500);
    expect(Math.max(...scores())).toBeGreaterThan(8);
    expect(await anomalies()).toEqual(['tasks_queued_total spike open']);
  });

  it.each([
    ['the first change by one of a constant count', 0, 1, []],
    ['a change by two', 5, 7, []],
    ['a jump of a constant count', 0, 40, ['tasks_queued_total spike open']],
    ['a fall', 200, 0, ['tasks_queued_total drop open']],
  ] as const)('judges %s', async (_what, constant, changed, expected) => {
    stage.fleet.setQueued(constant);
    await stage.clock.advance(60_000);
    stage.fleet.setQueued(changed);
    await stage.clock.advance(3000);
    expect(await anomalies()).toEqual(expected);
  });

  it('ignores a spike that is over before it was judged often enough', async () => {
    await oscillate(30);
    stage.fleet.setQueued(60);
    await stage.clock.advance(400);
    stage.fleet.setQueued(3);
    await stage.clock.advance(10_000);
    expect(await anomalies()).toEqual([]);
  });

  it('keeps one anomaly open through its trouble, does not learn it, and closes it once it stays calm', async () => {
    await oscillate(60);
    stage.fleet.setQueued(80);
    await stage.clock.advance(120_000);
    expect(await anomalies()).toEqual(['tasks_queued_total spike open']);
    stage.fleet.setQueued(3);
    await stage.clock.advance(4000);
    expect(await anomalies()).toEqual(['tasks_queued_total spike open']);
    await stage.clock.advance(2500);
    expect(await anomalies()).toEqual(['tasks_queued_total spike closed']);
    const types = (await stage.events()).map(({ event_type }) => event_type);
    expect(types).toEqual(['monitor.anomaly.detected', 'monitor.anomaly.closed']);
  });

  it('carries one trace from the append through the anomaly into its score, and no trace afterwards', async () => {
    await oscillate(30);
    expect(stage.tracing.spans).toEqual([]);
    stage.fleet.setQueued(90);
    await stage.clock.advance(3000);
    const [append, anomaly] = stage.tracing.spans;
    expect(stage.tracing.spans.map(({ name }) => name)).toEqual(['telemetry.append', 'monitor.anomaly']);
    expect(anomaly?.parent).toBe(append?.traceparent);
    const last = stage.store.samples.findLast(({ name }) => name === 'anomaly_score');
    expect(last?.origin).toMatchObject({ source: 'detector', traceparent: anomaly?.traceparent });
    const [event] = await stage.events();
    expect(traceIdOf(event?.traceparent ?? null)).toBe(traceIdOf(append?.traceparent ?? null));
    stage.fleet.setQueued(2);
    await stage.clock.advance(10_000);
    expect(
      stage.store.samples.findLast(({ name }) => name === 'anomaly_score')?.origin.traceparent,
    ).toBeNull();
  });

  it('takes an open anomaly up after a restart with what was normal then, and closes it when that is back', async () => {
    await oscillate(30);
    stage.fleet.setQueued(90);
    await stage.clock.advance(3000);
    await stage.restart();
    stage.fleet.setQueued(80);
    await stage.clock.advance(120_000);
    expect(await anomalies()).toEqual(['tasks_queued_total spike open']);
    expect(scores().at(-1)).toBeGreaterThan(8);
    const last = stage.store.samples.findLast(({ name }) => name === 'anomaly_score');
    expect(last?.origin.traceparent).toBe(stage.tracing.spans.at(-1)?.traceparent);
    stage.fleet.setQueued(2);
    await stage.clock.advance(6500);
    expect(await anomalies()).toEqual(['tasks_queued_total spike closed']);
  });

  it('closes what it had open before a restart when the series never comes back', async () => {
    await oscillate(30);
    stage.fleet.setQueued(90);
    await stage.clock.advance(3000);
    stage.fleet.queue = [];
    await stage.restart();
    await stage.clock.advance(299_000);
    expect(await anomalies()).toEqual(['tasks_queued_total spike open']);
    await stage.clock.advance(3000);
    expect(await anomalies()).toEqual(['tasks_queued_total spike closed']);
  });

  it('sees failures pile up, by their increase', async () => {
    const fail = (): void =>
      stage.fleet.tell({ kind: 'task_failed', phaseId: 'P', agentId: 'w1', traceparent: null });
    fail();
    await stage.clock.advance(60_000);
    for (let count = 0; count < 8; count++) fail();
    await stage.clock.advance(3000);
    expect(await anomalies()).toEqual(['tasks_failed_total spike open']);
  });

  it('holds the 95th percentile against a bound, however normal the series finds itself', async () => {
    const bounded = await openStage({
      bounds: [{ matchers: [createMatcher('__name__', '=', 'tasks_queued_total')], p95: 100 }],
    });
    const kinds = async (): Promise<readonly string[]> => {
      await bounded.monitor.idle();
      const rows = await bounded.monitor.anomalies.list({ limit: 10 });
      return rows.map(({ kind, state, value }) => `${kind} ${state} at ${value}`);
    };
    // So slow a rise is learned on the way; only the bound stops it, two readings past it (rank 27.55 of 30).
    for (let queued = 90; queued <= 104; queued++) {
      bounded.fleet.setQueued(queued);
      await bounded.clock.advance(20_000);
      if (queued === 100) expect(await kinds()).toEqual([]);
    }
    expect(await kinds()).toEqual(['threshold_breach open at 100.55']);
    bounded.fleet.setQueued(95);
    await bounded.clock.advance(40_000);
    expect(await kinds()).toEqual(['threshold_breach closed at 100.55']);
    await bounded.close();
  });

  it('counts series beyond its limit', async () => {
    const small = await openStage({ limits: { maxWatchedSeries: 2 } });
    small.fleet.queue = [1, 2, 3].map((priority) => ({ phaseId: 'P', priority, queued: 1 }));
    small.fleet.tell({ kind: 'queue', traceparent: null });
    await small.clock.advance(30_000);
    const unwatched = small.metrics
      .collect()
      .find(({ name }) => name === 'omoi_detector_series_unwatched_total');
    expect(unwatched?.points).toEqual([{ suffix: '', labels: {}, value: 1 }]);
    await small.close();
  });
});
