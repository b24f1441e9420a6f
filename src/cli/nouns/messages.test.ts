import { expect, it } from 'vitest';
import { LISTED_COLUMNS } from './messages.ts';

const MESSAGE = {
  notification_id: 'ntf_1',
  receiver: 'team',
  integration: 'team/webhook/0',
  reason: 'first_notification',
  state: 'failed',
  attempts: 1,
  created_at: '2026-11-30T12:00:00Z',
  answer: 'HTTP 400: the channel is archived',
  failure: 'clientError',
  held_until: null,
  alert_ids: ['alrt_1'],
  alert_name: 'QueueDeep',
  alerts: 1,
};

it.each([
  ['ANSWER', {}, 'HTTP 400: the channel is archived'],
  ['ANSWER', { answer: null }, 'clientError'],
  ['ANSWER', { answer: null, failure: null }, '-'],
  [
    'ANSWER',
    { state: 'pending', answer: null, failure: null, held_until: '2026-11-30T12:10:00Z' },
    'held: in the digest at 2026-11-30T12:10:00Z',
  ],
  ['ABOUT', {}, 'QueueDeep'],
  ['ABOUT', { alert_name: null }, 'alrt_1'],
  ['ABOUT', { alerts: 2 }, 'QueueDeep and 1 other'],
  ['ABOUT', { alerts: 12 }, 'QueueDeep and 11 others'],
  ['ABOUT', { alert_ids: [], alert_name: null, alerts: 0 }, '-'],
  ['BECAUSE', {}, 'first notification'],
  ['BECAUSE', { reason: 'brief' }, 'came and went'],
])('%s of a message with %j: %s', (heading, rest, text) => {
  const column = LISTED_COLUMNS.find((one) => one.heading === heading);
  expect(column?.of({ ...MESSAGE, ...rest })).toBe(text);
});
