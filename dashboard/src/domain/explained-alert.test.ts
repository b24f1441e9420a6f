import { describe, expect, it } from 'vitest';
import {
  describeDecision,
  describeLeftOut,
  describeTold,
  reasonParts,
  type ExplainedDecision,
  type ExplainedMessage,
} from './explained-alert.ts';

const NOW_MS = Date.parse('2026-11-30T12:00:00Z');

function decision(stage: string, told: string, reason = 'because'): ExplainedDecision {
  return {
    at: '2026-11-30T11:00:00Z',
    stage,
    decision: told,
    receiver: 'team',
    notification_id: null,
    reason,
  };
}

function message(state: ExplainedMessage['state'], given: Partial<ExplainedMessage> = {}): ExplainedMessage {
  return {
    notification_id: 'ntf_1',
    receiver: 'team',
    integration: 'team/webhook/0',
    reason: 'first_notification',
    state,
    attempts: 1,
    created_at: '2026-11-30T11:00:00Z',
    next_attempt_at: null,
    given_up_at: null,
    finished_at: null,
    answer: null,
    failure: null,
    held_until: null,
    digest_id: null,
    ...given,
  };
}

describe('whether anybody was told', () => {
  const routed = decision('routing', 'routed');
  it.each<[readonly ExplainedDecision[], readonly ExplainedMessage[], string, string]>([
    [[], [], 'Nothing has been decided about it.', 'gone'],
    [[routed], [], 'Nobody has been told yet: its group waits for what else may come.', 'calm'],
    [
      [routed, decision('silence', 'kept back', 'silenced until noon')],
      [],
      'Nobody was told: silenced until noon.',
      'caution',
    ],
    [
      [routed, decision('hold', 'kept back', 'held until noon, while restart_it works on agent:a')],
      [],
      'Nobody has been told yet: held until noon, while restart_it works on agent:a.',
      'calm',
    ],
    [
      [routed],
      [
        message('failed', { receiver: 'mail', integration: 'mail/email/0', answer: 'HTTP 400' }),
        message('pending', { attempts: 3, answer: 'HTTP 503' }),
      ],
      'Nobody has been told yet. A message to team/webhook/0 waits after 3 attempts: HTTP 503. mail/email/0 did not take its message: HTTP 400.',
      'bad',
    ],
    [
      [routed],
      [message('pending', { attempts: 0 })],
      'Nobody has been told yet. A message to team/webhook/0 is on its way.',
      'caution',
    ],
    [
      [routed],
      [message('pending', { attempts: 0, held_until: '2026-11-30T11:10:00Z' })],
      'Nobody has been told yet. It is beyond the rate limit of team/webhook/0, and goes into its next digest.',
      'caution',
    ],
    [
      [routed],
      [message('pending', { attempts: 3, answer: 'HTTP 503' })],
      'Nobody has been told yet. A message to team/webhook/0 waits after 3 attempts: HTTP 503.',
      'caution',
    ],
    [
      [routed],
      [message('failed', { answer: 'HTTP 404' })],
      'Nobody was told. team/webhook/0 did not take its message: HTTP 404.',
      'bad',
    ],
    [
      [routed],
      [message('superseded'), message('delivered'), message('delivered', { receiver: 'mail' })],
      'team and mail were told.',
      'good',
    ],
    [
      [routed],
      [
        message('delivered'),
        message('failed', { receiver: 'mail', integration: 'mail/email/0', failure: 'clientError' }),
      ],
      'team was told. mail/email/0 did not take its message: clientError.',
      'good',
    ],
  ])('%j, %j', (decisions, messages, text, tone) => {
    expect(describeTold({ decisions, messages })).toEqual({ text, tone });
  });
});

describe('a decision', () => {
  it.each([
    [
      decision(
        'routing',
        'routed',
        'to web by the route {}/{a="b"}/{c=~".+"}, in the group {}/{a="b"}/{c=~".+"}:{team="web"}',
      ),
      'Route: Routed to web by the route for a="b", c=~".+", in the group of team="web". (calm)',
    ],
    [
      decision('routing', 'routed', 'to web by the route {}, in the group {}:{}'),
      'Route: Routed to web by the route for every alert, in the one group of that route. (calm)',
    ],
    [decision('routing', 'routed', 'to web by the route {}'), 'Route: Routed to web by the route {}. (calm)'],
    [decision('silence', 'kept back', 'silenced'), 'Silence: Kept back: silenced. (caution)'],
    [decision('delivery', 'queued', 'a message'), 'Message: Queued: a message. (good)'],
    [decision('dedup', 'not sent', 'unchanged'), 'Repetition: Not sent: unchanged. (gone)'],
    [decision('later_stage', 'looked at'), 'later stage: Looked at: because. (calm)'],
  ])('%j is told: %s', (given, told) => {
    const { stage, text, tone } = describeDecision(given);
    expect(`${stage}: ${text} (${tone})`).toBe(told);
  });

  it('names alerts, repairs and times', () => {
    const reason = 'inhibited by alrt_01ab, repaired by rem_9, until 2026-11-30T12:30:00.000Z.';
    const parts = reasonParts(reason, NOW_MS);
    expect(parts.map(({ kind }) => kind)).toEqual([
      'text',
      'alert',
      'text',
      'repair',
      'text',
      'time',
      'text',
    ]);
    expect(parts[1]).toEqual({ kind: 'alert', text: 'alrt_01ab' });
    expect(parts[5]?.text).toMatch(/^\d\d:30:00$/);
  });
});

it.each([
  [{ decisions: 143, messages: 140, at_least: false }, '143 decisions and 140 messages between'],
  [{ decisions: 9_900, messages: 0, at_least: true }, 'At least 9,900 decisions between'],
  [{ messages: 1, at_least: false }, '1 message between the first and the newest is not shown.'],
])('says what of a long alert is left out', (leftOut, said) => {
  expect(describeLeftOut(leftOut)).toContain(said);
});
