import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../monitor.test-support.ts';

const IDLE_MS = 30_000;

describe('the members of a metric', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage({ limits: { maxMembers: 3, maxAgentMembers: 10_000, idleMs: IDLE_MS } });
  });
  afterEach(() => stage.close());

  const claim = async (...taskTypes: readonly string[]): Promise<void> => {
    for (const taskType of taskTypes) {
      stage.fleet.tell({ kind: 'task_claimed', phaseId: 'P', taskType, waitSeconds: 1, traceparent: null });
    }
    await stage.clock.advance(0);
  };
  const counts = () => stage.store.history('task_wait_seconds_count');
  const overflow = () =>
    stage.metrics.collect().find(({ name }) => name === 'omoi_monitor_series_overflow_total')?.points[0]
      ?.value;

  it('are limited: what is one too many is added up with the others', async () => {
    await claim('a', 'b', 'c', 'd', 'e', 'd', 'a');
    expect(counts()).toEqual({
      'phase_id=P,task_type=a': [2],
      'phase_id=P,task_type=b': [1],
      'phase_id=P,task_type=c': [1],
      'phase_id=_other,task_type=_other': [3],
    });
    expect(overflow()).toBe(3);
  });

  it('make room for new ones when nobody has touched them for long, and end for whoever reads them', async () => {
    await claim('a', 'b', 'c');
    await stage.clock.advance(IDLE_MS - 2000);
    await claim('b');
    await stage.clock.advance(2000);
    await claim('d', 'e', 'f');
    const newest = Object.fromEntries(
      Object.entries(counts()).map(([labels, values]) => [labels, values.at(-1)]),
    );
    expect(newest).toEqual({
      'phase_id=P,task_type=a': 'stale',
      'phase_id=P,task_type=b': 2,
      'phase_id=P,task_type=c': 'stale',
      'phase_id=P,task_type=d': 1,
      'phase_id=P,task_type=e': 1,
      'phase_id=_other,task_type=_other': 1,
    });
  });

  it('of 2,000 agents that leave at once all end, and nothing of them stays', async () => {
    const agentIds = Array.from({ length: 2000 }, (_, at) => `w${at}`);
    for (const agentId of agentIds) {
      stage.fleet.tell({
        kind: 'task_completed',
        phaseId: 'P',
        taskType: 't',
        agentId,
        durationSeconds: 1,
        traceparent: null,
      });
      stage.fleet.tell({ kind: 'task_failed', phaseId: 'P', agentId, traceparent: null });
      stage.fleet.tell({ kind: 'agent_restarted', agentId, reason: 'asked', traceparent: null });
      stage.fleet.tell({ kind: 'handoff', fromAgentId: agentId, toAgentId: 'w0', traceparent: null });
    }
    await stage.clock.advance(0);
    const ofAgents = () =>
      [...stage.monitor.samples({ metricName: null, labels: {} })].filter((sample) => {
        const names = Object.keys(sample?.labels ?? {});
        return names.some((name) => name.endsWith('agent_id'));
      });
    expect(ofAgents()).toHaveLength(5 * 2000);
    for (const agentId of agentIds) {
      stage.fleet.tell({ kind: 'agent_removed', agentId, traceparent: null });
    }
    await stage.clock.advance(0);
    expect(ofAgents()).toEqual([]);
    const completed = stage.store.history('tasks_completed_total');
    expect(Object.keys(completed)).toHaveLength(2000);
    expect(Object.values(completed).every((values) => values.at(-1) === 'stale')).toBe(true);
  });

  it('of locks end when nobody has held one of that type for long', async () => {
    const hold = async (...types: readonly string[]): Promise<void> => {
      stage.fleet.locks = types.map((resourceType) => ({ resourceType, lockMode: 'shared', active: 1 }));
      stage.fleet.tell({ kind: 'locks', traceparent: null });
      await stage.clock.advance(0);
    };
    await hold('a', 'b');
    await hold('b');
    await stage.clock.advance(IDLE_MS - 2000);
    await hold('b', 'c');
    await stage.clock.advance(2000);
    await hold('b');
    const newest = Object.fromEntries(
      Object.entries(stage.store.history('resource_locks_active')).map(([labels, values]) => [
        labels,
        values.at(-1),
      ]),
    );
    expect(newest).toEqual({
      'resource_type=a,lock_mode=shared': 'stale',
      'resource_type=b,lock_mode=shared': 1,
      'resource_type=c,lock_mode=shared': 0,
    });
  });
});
