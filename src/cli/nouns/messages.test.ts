import { expect, it } from 'vitest';
import { MESSAGE_COLUMNS } from './messages.ts';

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
  ['BECAUSE', {}, 'first notification'],
  ['BECAUSE', { reason: 'brief' }, 'came and went'],
])('%s of a message with %j: %s', (heading, rest, text) => {
  const column = MESSAGE_COLUMNS.find((one) => one.heading === heading);
  expect(column?.of({ ...MESSAGE, ...rest })).toBe(text);
});
