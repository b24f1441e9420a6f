import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import { openStage, type Stage } from '../monitor.test-support.ts';
import { agentsPerSlice } from './agent-scores.ts';

describe('the agents’ scores', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
  });
  afterEach(() => stage.close());

  const pool = (...agentIds: readonly string[]): void => {
    stage.fleet.agents = agentIds.map((agentId) => ({
      agentId,
      agentType: 'worker',
      poolId: 'demo',
      phaseId: null,
      status: 'IDLE',
      generation: 1,
      managed: true,
      heartbeatAgeMs: 0,
      heartbeatsMissed: 0,
      clingsTo: null,
      usage: null,
    }));
  };
  const complete = (agentId: string, durationSeconds: number, count = 10): void => {
    for (let done = 0; done < count; done++) {
      stage.fleet.tell({
        kind: 'task_completed',
        phaseId: 'P',
        taskType: 't',
        agentId,
        // A little uneven, as work is.
        durationSeconds: durationSeconds * (1 + (done % 3) / 100),
        traceparent: null,
      });
    }
  };
  const fail = (agentId: string, count: number): void => {
    for (let failed = 0; failed < count; failed++) {
      stage.fleet.tell({ kind: 'task_failed', phaseId: 'P', agentId, traceparent: null });
    }
  };
  const scores = (): Readonly<Record<string, number>> =>
    Object.fromEntries(stage.monitor.agentScores().map(({ agentId, score }) => [agentId, score]));

  it.each([
    { what: 'an even pool', slow: 1.02, failures: 0, least: 0, most: 0.1 },
    { what: 'a slow agent', slow: 3, failures: 0, least: 0.7, most: 1 },
    { what: 'an agent that is done at once', slow: 0.01, failures: 0, least: 0.6, most: 1 },
    { what: 'an agent that fails', slow: 1, failures: 10, least: 0.5, most: 1 },
  ])('of $what', async ({ slow, failures, least, most }) => {
    pool('a', 'b', 'c', 'd');
    for (const agentId of ['a', 'b', 'c']) complete(agentId, 1);
    complete('d', slow);
    fail('d', failures);
    // Scores are appended with the detectors' next judgement.
    await stage.clock.advance(5250);
    const { a, d } = scores();
    expect(d).toBeGreaterThanOrEqual(least);
    expect(d).toBeLessThanOrEqual(most);
    expect(a).toBeLessThan(0.1);
    expect(stage.store.history('agent_anomaly_score')['agent_id=d']).toEqual([d]);
  });

  it('compares nobody who has too few peers or tasks', async () => {
    pool('a', 'b', 'c');
    complete('a', 1);
    complete('b', 9);
    complete('c', 1, 4);
    await stage.clock.advance(5000);
    expect(scores()).toEqual({});
  });

  it('ends the series of an agent that is gone', async () => {
    pool('a', 'b', 'c');
    for (const agentId of ['a', 'b', 'c']) complete(agentId, 1);
    await stage.clock.advance(5250);
    stage.fleet.tell({ kind: 'agent_removed', agentId: 'c', traceparent: null });
    await stage.clock.advance(5000);
    expect(stage.store.history('agent_anomaly_score')['agent_id=c']?.at(-1)).toBe('stale');
    expect(stage.store.history('agent_anomaly_score')['agent_id=a']?.at(-1)).not.toBe('stale');
  });

  it('compares and appends thousands of agents in slices', async () => {
    const count = 8 * agentsPerSlice;
    const agentIds = Array.from({ length: count }, (_, at) => `a${at}`);
    pool(...agentIds);
    for (const agentId of agentIds) complete(agentId, agentId === 'a7' ? 9 : 1, 5);
    await stage.clock.advance(5000);
    expect(scores()).toEqual({});
    // Looked at, judged, appended: each in slices.
    for (let turns = 0; turns < 3 * 8; turns++) await nextTurn();
    expect(Object.keys(scores())).toHaveLength(count);
    expect(Object.keys(scores())[0]).toBe('a7');
    const sizes = new Map<number, number>();
    for (const { unit, name } of stage.store.samples)
      if (name === 'agent_anomaly_score') sizes.set(unit, (sizes.get(unit) ?? 0) + 1);
    expect([...sizes.values()].reduce((sum, size) => sum + size, 0)).toBe(count);
    expect(Math.max(...sizes.values())).toBeLessThanOrEqual(agentsPerSlice);
  });
});
