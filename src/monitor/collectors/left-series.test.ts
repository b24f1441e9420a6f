import { afterEach, expect, it } from 'vitest';
import { METRIC_NAME_LABEL, SampleBatch, type AgentObservation, type Labels } from '#telemetry';
import { observed, openStage, type Stage } from '../monitor.test-support.ts';

let stage: Stage;
afterEach(() => stage.close());

const agent = (agentId: string, fields: Partial<AgentObservation>): AgentObservation =>
  observed({ agentId, phaseId: 'PHASE_TESTING', ...fields });

/** What an earlier process, or somebody else, has written. */
function leave(labels: Labels, value: number | 'stale'): void {
  const { store, clock } = stage;
  const batch = new SampleBatch();
  const atMs = Math.floor(clock.wallMs());
  if (value === 'stale') batch.addStale(store.series(labels), atMs);
  else batch.add(store.series(labels), atMs, value);
  const times = { receivedAtMs: atMs, receivedMonotonicMs: clock.monotonicMs() };
  store.commit(batch, { source: 'collector', traceparent: null, ...times });
}

it('a start ends what the last process left and nobody keeps any more', async () => {
  stage = await openStage();
  await stage.monitor.stop();
  const missed = { [METRIC_NAME_LABEL]: 'agent_heartbeats_missed' };
  const status = { [METRIC_NAME_LABEL]: 'agent_status' };
  leave({ ...missed, agent_id: 'ended' }, 3);
  leave({ ...missed, agent_id: 'removed' }, 1);
  leave({ ...missed, agent_id: 'alive' }, 2);
  leave({ ...missed, agent_id: 'ended-in-time' }, 'stale');
  leave({ ...missed, agent_id: 'elsewhere', job: 'another-omoi' }, 2);
  leave({ ...status, agent_id: 'ended', status: 'UNRESPONSIVE' }, 1);
  leave({ [METRIC_NAME_LABEL]: 'tasks_queued_total', phase_id: 'EMPTY', priority: '0' }, 50);
  await stage.clock.advance(4000);
  stage.fleet.agents = [agent('alive', {}), agent('ended', { status: 'TERMINATED', heartbeatAgeMs: null })];
  await stage.restart();
  await stage.clock.advance(1000);
  expect(stage.store.history('agent_heartbeats_missed')).toEqual({
    'agent_id=ended': [3, 'stale'],
    'agent_id=removed': [1, 'stale'],
    'agent_id=alive': [2, 0],
    'agent_id=ended-in-time': ['stale'],
    'agent_id=elsewhere,job=another-omoi': [2],
  });
  expect(stage.store.history('agent_status')).toMatchObject({
    'agent_id=ended,status=UNRESPONSIVE': [1, 'stale'],
  });
  expect(stage.store.history('tasks_queued_total')).toEqual({ 'phase_id=EMPTY,priority=0': [50, 'stale'] });
});
