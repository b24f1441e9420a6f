import { describe, expect, it } from 'vitest';
import { describeTrace, type ToldAbout } from './trace-text.ts';

const NOTHING: ToldAbout = {
  rule_id: null,
  agent_id: null,
  pool_id: null,
  generation: null,
  policy: null,
  outcome: null,
  metric_name: null,
  integration: null,
  task_type: null,
};

describe('a trace', () => {
  it.each<[name: string, about: Partial<ToldAbout>, title: string, detail: string | null, tone: string]>([
    ['GET /', {}, 'GET /', null, 'calm'],
    ['work', { agent_id: 'w-1', task_type: 'mail' }, 'work', 'mail, w-1', 'calm'],
    [
      'telemetry.append',
      { rule_id: 'fleet/AgentStalled', agent_id: 'w-1', policy: 'restart_stalled_agent', outcome: 'healed' },
      'AgentStalled of w-1',
      'restart stalled agent: healed',
      'good',
    ],
    [
      'telemetry.append',
      { rule_id: 'fleet/HighQueueDepth', pool_id: 'demo', policy: 'scale_on_queue_depth' },
      'HighQueueDepth of demo',
      'scale on queue depth: goes on',
      'calm',
    ],
    [
      'telemetry.append',
      { rule_id: 'fleet/AgentFailed', agent_id: 'w-1', policy: 'restart', outcome: 'escalated' },
      'AgentFailed of w-1',
      'restart: escalated',
      'caution',
    ],
    ['telemetry.append', { rule_id: 'a/b/Down' }, 'Down', 'no end yet', 'calm'],
    [
      'telemetry.append',
      { rule_id: 'g/AnomalyOnSeries', metric_name: 'tasks_queued_total', outcome: 'recovered' },
      'AnomalyOnSeries of tasks_queued_total',
      'recovered',
      'good',
    ],
    [
      'fleet.spawn',
      { agent_id: 'w-1', pool_id: 'demo', generation: 2 },
      'w-1 was started',
      'generation 2 of pool demo',
      'calm',
    ],
    ['fleet.spawn', { agent_id: 'w-1' }, 'w-1 was started', null, 'calm'],
    ['telemetry.append', { metric_name: 'up' }, 'Anomaly of up', null, 'calm'],
    ['notification.deliver', { integration: 'ops/webhook/0' }, 'Message to ops/webhook/0', null, 'calm'],
  ])('%s with %j reads "%s", %j', (name, about, title, detail, tone) => {
    expect(describeTrace({ name, error_count: 0, about: { ...NOTHING, ...about } })).toEqual({
      title,
      detail,
      tone,
    });
  });

  it('of which a span failed is marked', () => {
    expect(describeTrace({ name: 'work', error_count: 1, about: NOTHING }).tone).toBe('bad');
  });
});
