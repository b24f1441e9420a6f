import { describe, expect, it } from 'vitest';
import { createMatcher, METRIC_NAME_LABEL, nextTurn, SampleBatch } from '#telemetry';
import { MemorySamples } from '../memory-samples.test-support.ts';
import { RuleInputs } from './rule-inputs.ts';
import type { RuleQuery } from './rule-query.ts';

const metric = (name: string) => [createMatcher(METRIC_NAME_LABEL, '=', name)];

/** A query that selects these metrics, in that order. */
function queryOf(...names: readonly string[]): RuleQuery {
  return {
    selectors: names.map(metric),
    metricName: null,
    threshold: null,
    comparison: null,
    reachMs: 0,
    sharesLabel: () => false,
    evaluate: () => expect.unreachable(),
    evaluateData: () => expect.unreachable(),
  };
}

function append(samples: MemorySamples, name: string, timeMs: number): void {
  const batch = new SampleBatch();
  batch.add(samples.series({ [METRIC_NAME_LABEL]: name }), timeMs, 1);
  samples.commit(batch, {
    source: 'otlp',
    traceparent: null,
    receivedAtMs: timeMs,
    receivedMonotonicMs: timeMs,
  });
}

it('a query is told of each append once, however often it selects the same series', () => {
  const samples = new MemorySamples();
  const inputs = new RuleInputs();
  let told = 0;
  inputs.watch(queryOf('a', 'b', 'a', 'a'), samples, () => void told++);
  expect(samples.subscribers).toBe(2);
  append(samples, 'a', 1000);
  append(samples, 'b', 2000);
  append(samples, 'c', 3000);
  expect([told, inputs.newestSampleMs]).toEqual([2, 2000]);
  inputs.stop();
  expect(samples.subscribers).toBe(0);
});

it('a query that selects the same series as the one before goes on with its subscriptions', () => {
  const samples = new MemorySamples();
  const inputs = new RuleInputs();
  const told: string[] = [];
  inputs.watch(queryOf('a', 'b'), samples, () => void told.push('before'));
  inputs.watch(queryOf('b', 'b', 'a'), samples, () => void told.push('after'));
  append(samples, 'a', 1000);
  expect([samples.subscriptionsMade, told]).toEqual([2, ['after']]);
  inputs.changeQuery(queryOf('a'));
  append(samples, 'b', 2000);
  expect([samples.subscribers, told]).toEqual([1, ['after']]);
});

describe('a query of thousands of selectors', () => {
  const names = Array.from({ length: 1000 }, (_, at) => `m${at}`);

  it('subscribes to them a few a turn, and is told when it has, since it may have missed something', async () => {
    const samples = new MemorySamples();
    const inputs = new RuleInputs();
    let told = 0;
    inputs.watch(queryOf(...names), samples, () => void told++);
    const perTurn = [samples.subscribers];
    while (samples.subscribers < names.length) {
      const before = samples.subscribers;
      await nextTurn();
      perTurn.push(samples.subscribers - before);
    }
    // This test's own turns may fall before or behind those of the query.
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(400);
    expect(perTurn[0]).toBe(200);
    await nextTurn();
    expect(told).toBe(1);
    append(samples, 'm999', 1000);
    expect(told).toBe(2);
  });

  it('subscribes to no more of them when it is stopped', async () => {
    const samples = new MemorySamples();
    const inputs = new RuleInputs();
    inputs.watch(queryOf(...names), samples, () => expect.unreachable());
    inputs.stop();
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    expect([samples.subscribers, samples.subscriptionsMade]).toEqual([0, 200]);
  });
});
