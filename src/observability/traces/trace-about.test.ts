import { describe, expect, it } from 'vitest';
import { aboutOf, type TellingSpan } from './trace-about.ts';

function span(
  name: string,
  attributes: TellingSpan['attributes'] = {},
  parent: string | null = 'p',
): TellingSpan {
  return { name, parentSpanId: parent, attributes };
}

const alert = (ruleId: string, alertId: string, of: TellingSpan['attributes'] = {}) =>
  span('alerting.alert', { 'omoi.rule.id': ruleId, 'omoi.alert.id': alertId, ...of });
const resolve = (alertId: string, cause: string) =>
  span('alerting.resolve', { 'omoi.alert.id': alertId, 'omoi.cause': cause });
const repair = (alertId: string, target: string, outcome: string | null) =>
  span('watchdog.remediation', {
    'omoi.alert.id': alertId,
    'omoi.target': target,
    'omoi.policy': 'restart',
    ...(outcome !== null && { 'omoi.outcome': outcome }),
  });
const spawn = (agentId: string) =>
  span('fleet.spawn', { 'omoi.agent.id': agentId, 'omoi.pool.id': 'demo', 'omoi.agent.generation': 2 }, null);

describe('a trace is about', () => {
  it.each<[what: string, spans: readonly TellingSpan[], about: object]>([
    ['nothing that it says', [span('GET /', {}, null)], { ruleId: null, agentId: null, outcome: null }],
    [
      'an alert that goes on',
      [alert('fleet/Down', 'a1', { 'omoi.agent.id': 'w-1', 'omoi.task.type': 'mail' })],
      { ruleId: 'fleet/Down', agentId: 'w-1', taskType: 'mail', policy: null, outcome: null },
    ],
    [
      'an alert that has ended',
      [alert('fleet/Down', 'a1'), resolve('a1', 'recovered')],
      { ruleId: 'fleet/Down', outcome: 'recovered' },
    ],
    [
      'the repair of an agent, and not what was started for it',
      [
        alert('fleet/Down', 'a1'),
        repair('a1', 'agent:w:1', 'healed'),
        spawn('w:1'),
        resolve('a1', 'remediated'),
      ],
      { ruleId: 'fleet/Down', agentId: 'w:1', policy: 'restart', outcome: 'healed' },
    ],
    [
      'the alert that set off the repair, of several',
      [
        span('monitor.anomaly', { 'omoi.metric.name': 'tasks_queued_total' }),
        alert('fleet/Deep', 'a1'),
        repair('a1', 'pool:demo', null),
        alert('anomalies/Odd', 'a2', { 'omoi.agent.id': 'w-2' }),
        resolve('a2', 'recovered'),
      ],
      {
        ruleId: 'fleet/Deep',
        agentId: null,
        poolId: 'demo',
        outcome: null,
        metricName: 'tasks_queued_total',
      },
    ],
    ['an agent that was started', [spawn('w-1')], { agentId: 'w-1', poolId: 'demo', generation: 2 }],
    [
      'a message',
      [span('notification.deliver', { 'omoi.notification.integration': 'ops/webhook/0' })],
      { integration: 'ops/webhook/0', ruleId: null },
    ],
    [
      'what the root of another program says',
      [span('work', { 'omoi.agent.id': 'w-1', 'omoi.task.type': 'mail' }, null)],
      { agentId: 'w-1', taskType: 'mail' },
    ],
    ['nothing by what is no text', [span('work', { 'omoi.agent.id': 7 }, null)], { agentId: null }],
  ])('%s', (_what, spans, about) => {
    expect(aboutOf(spans)).toMatchObject(about);
  });
});
