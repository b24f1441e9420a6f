import type { SystemEvent } from '#api';
import { describe, expect, it } from 'vitest';
import { describeEvent, describeStatus, sentence } from './event-sentence.ts';

const at = { id: 1, at: '2026-11-22T12:00:00.000Z', entity_type: 'x', entity_id: 'x', traceparent: null };
const agent = { agent_id: 'coders-2', agent_type: 'worker', pool_id: 'coders', generation: 2 };
const task = { task_id: 'task_0123456789', task_type: 'compress', phase_id: 'PHASE_TESTING' };

const silence = {
  silence_id: 's',
  matchers: ['{alertname="Down"}'],
  created_by: 'ann',
  comment: 'new disks',
  starts_at: at.at,
  ends_at: at.at,
};
const message = {
  notification_id: 'ntf_1',
  receiver: 'team',
  integration: 'team/webhook/0',
  reason: 'first_notification',
  group_key: '{}:{}',
  alert_ids: ['a'],
  attempts: 3,
};

const ROWS: readonly { readonly event: SystemEvent; readonly text: string; readonly tone: string }[] = [
  {
    event: {
      ...at,
      event_type: 'notification.delivered',
      payload: { ...message, alerts: 1, answer: 'HTTP 200' },
    },
    text: 'Message to team by webhook about 1 alert (first notification) delivered: HTTP 200',
    tone: 'good',
  },
  {
    event: {
      ...at,
      event_type: 'notification.delivered',
      payload: { ...message, reason: 'brief', alerts: 1, answer: 'HTTP 202' },
    },
    text: 'Message to team by webhook about 1 alert (came and went) delivered: HTTP 202',
    tone: 'good',
  },
  {
    event: {
      ...at,
      event_type: 'notification.failed',
      payload: { ...message, alerts: 20, failure: 'clientError', error: 'HTTP 404' },
    },
    text: 'Message to team by webhook about 20 alerts (first notification) given up after 3 attempts: HTTP 404',
    tone: 'bad',
  },
  {
    event: {
      ...at,
      event_type: 'notification.silence.created',
      payload: { ...silence, set_by: 'ann', until_resolved: false, replaces: null },
    },
    text: '{alertname="Down"} is silenced by ann: new disks',
    tone: 'caution',
  },
  {
    event: {
      ...at,
      event_type: 'notification.silence.expired',
      payload: { ...silence, cause: 'expired', ended_by: 'bob', replaced_by: null },
    },
    text: '{alertname="Down"} is silenced no more, by bob',
    tone: 'good',
  },
  {
    event: {
      ...at,
      event_type: 'monitor.alert.resolved',
      payload: {
        alert_id: 'a',
        rule_id: 'queue/HighQueueDepth',
        severity: 'warning',
        labels: { phase_id: 'PHASE_TESTING' },
        cause: 'remediated',
        duration_ms: 62_000,
      },
    },
    text: 'HighQueueDepth of Testing resolved after 1m2s: remediated',
    tone: 'good',
  },
  ...(
    [
      [
        'monitor.alert.snoozed',
        { snoozed_by: 'ada', until: '2026-11-22T14:00:00.004Z', note: 'new disks' },
        'Down snoozed for 2h by ada: new disks',
        'busy',
      ],
      [
        'monitor.alert.acknowledged',
        { acknowledged_by: 'ada', note: 'on it' },
        'Down acknowledged by ada: on it',
        'busy',
      ],
      [
        'monitor.alert.unsnoozed',
        { unsnoozed_by: null },
        'Down is no longer snoozed: its time is over',
        'caution',
      ],
      ['monitor.alert.unsnoozed', { unsnoozed_by: 'ada' }, 'Down is no longer snoozed, by ada', 'caution'],
      [
        'monitor.alert.commented',
        { comment_id: 'c', commented_by: 'ada', text: 'the disk' },
        'ada on Down: the disk',
        'busy',
      ],
      [
        'monitor.alert.assigned',
        { assigned_to: 'bob', assigned_by: 'ada' },
        'Down assigned to bob by ada',
        'busy',
      ],
      [
        'monitor.alert.assigned',
        { assigned_to: null, assigned_by: 'ada' },
        'Down assigned to nobody by ada',
        'busy',
      ],
    ] as const
  ).map(([type, payload, text, tone]) => ({
    event: {
      ...at,
      event_type: type,
      payload: { alert_id: 'a', rule_id: 'g/Down', severity: 'warning', labels: {}, ...payload },
    } as SystemEvent,
    text,
    tone,
  })),
  {
    event: {
      ...at,
      event_type: 'fleet.agent.status_changed',
      payload: { ...agent, from: 'RUNNING', to: 'UNRESPONSIVE', reason: 'heartbeats_missed' },
    },
    text: 'coders-2 (generation 2) RUNNING → UNRESPONSIVE: heartbeats missed',
    tone: 'bad',
  },
  {
    event: {
      ...at,
      event_type: 'fleet.agent.status_changed',
      payload: { ...agent, generation: 1, from: 'NONE', to: 'SPAWNING', reason: 'pool_scaled_up' },
    },
    text: 'coders-2 spawning: pool scaled up',
    tone: 'busy',
  },
  {
    event: {
      ...at,
      event_type: 'fleet.agent.status_changed',
      payload: { ...agent, generation: 1, from: 'NONE', to: 'IDLE', reason: 'registered' },
    },
    text: 'coders-2 registered as IDLE',
    tone: 'calm',
  },
  {
    event: {
      ...at,
      event_type: 'fleet.agent.spawned',
      payload: { ...agent, pid: 7, reason: 'restart_stalled_agent for AgentStalled' },
    },
    text: 'coders-2 (generation 2) spawned: restart stalled agent for AgentStalled',
    tone: 'busy',
  },
  {
    event: {
      ...at,
      event_type: 'fleet.agent.restart_requested',
      payload: { ...agent, reason: 'x', requested_by: 'watchdog:restart_stalled_agent' },
    },
    text: 'coders-2 (generation 2) is to restart, asked by the watchdog (restart stalled agent)',
    tone: 'repair',
  },
  {
    event: {
      ...at,
      event_type: 'fleet.agent.exited',
      payload: { ...agent, generation: 1, exit_code: null, signal: 'SIGKILL', expected: true },
    },
    text: 'coders-2 (generation 1) exited (SIGKILL)',
    tone: 'gone',
  },
  {
    event: {
      ...at,
      event_type: 'fleet.task.refused',
      payload: { ...task, agent_id: 'coders-2', generation: 1, operation: 'complete', reason: 'lease_lost' },
    },
    text: 'coders-2 (generation 1) may not complete compress 456789: lease lost',
    tone: 'caution',
  },
];

describe('describeEvent', () => {
  it.each(ROWS)('$text', ({ event, text, tone }) => {
    expect(describeEvent(event)).toEqual({ text, tone });
  });

  it('shows a type that it does not know by its name', () => {
    // What a newer server may send.
    const unknown = { ...at, event_type: 'fleet.weather.changed', payload: {} } as unknown as SystemEvent;
    expect(describeEvent(unknown).text).toBe('x: fleet.weather.changed');
  });
});

describe('describeStatus', () => {
  it.each([
    ['RUNNING', 'registered', 'well for 3m: registered'],
    ['IDLE', 'heartbeats_resumed', 'well for 3m: heartbeats resumed'],
    ['DEGRADED', 'heartbeats_missed', 'heartbeats missed, for 3m'],
  ])('%s, %s', (status, reason, text) => {
    expect(describeStatus({ status, status_reason: reason }, '3m')).toBe(text);
  });
});

describe('sentence', () => {
  it.each([
    ['Agent nosuch is unknown.', 'Agent nosuch is unknown.'],
    ['the trace is unknown', 'the trace is unknown.'],
  ])('of %s', (text, whole) => expect(sentence(text)).toBe(whole));
});
