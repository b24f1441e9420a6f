import type { SystemEvent } from '#api';
import { describe, expect, it } from 'vitest';
import {
  describeAttempts,
  describeHold,
  describeNotPlanned,
  describePastHolds,
  describeStand,
  notPlanned,
  type ToldHold,
} from './repair-story.ts';

const NOW = Date.parse('2026-11-28T12:00:00Z');
const cooldown: ToldHold = {
  guard: 'cooldown',
  reason: 'cooldown of 1m after the last attempt',
  holds: true,
  lifts: 'when the cooldown is over',
  person: null,
  until: '2026-11-28T12:00:12.300Z',
};
const paused: ToldHold = {
  guard: 'paused',
  reason: 'paused by ann: maintenance',
  holds: true,
  lifts: 'when somebody resumes',
  person: 'resume',
  until: null,
};

const observed: ToldHold = {
  guard: 'observe',
  reason: 'the policy only observes; set its mode to act',
  holds: true,
  lifts: 'when the mode of its policy changes',
  person: 'set the policy to act or approve, and reload',
  until: null,
};

describe('describeHold', () => {
  it.each([
    [[cooldown], 'Held back by the guard cooldown: cooldown of 1m after the last attempt. Lifts in 13s.'],
    [
      [{ ...cooldown, until: '2026-11-28T11:59:59Z' }],
      'Held back by the guard cooldown: cooldown of 1m after the last attempt. Lifts now.',
    ],
    [
      [{ ...cooldown, holds: false }, paused],
      'Held back by the guard paused: paused by ann: maintenance. Lifts when somebody resumes. You can resume.',
    ],
    [[observed], 'Not acted on: the policy only observes; set its mode to act.'],
    [[{ ...cooldown, holds: false }], null],
    [[], null],
  ])('%j', (holds, told) => expect(describeHold(holds, NOW)).toBe(told));
});

describe('describeStand', () => {
  it.each([
    ['planned', null, [observed], 'only observed', 'gone'],
    ['planned', null, [{ ...observed, holds: false }, paused], 'held back', 'caution'],
    ['planned', null, [{ ...paused, holds: false }], 'planned', 'repair'],
    ['awaiting_approval', null, [paused], 'awaiting approval', 'caution'],
    ['completed', 'no_effect', [paused], 'no effect', 'caution'],
  ])('%s, %s', (state, outcome, suppressions, text, tone) =>
    expect(describeStand({ state, outcome, suppressions })).toEqual({ text, tone }),
  );
});

it('tells of the guards that hold no more', () => {
  expect(describePastHolds([{ ...cooldown, holds: false }, paused])).toBe(
    'Was held back by the guard cooldown.',
  );
  expect(describePastHolds([paused])).toBeNull();
});

it('counts attempts from the first one on', () => {
  expect(describeAttempts({ attempts: 2, max_attempts: 3 })).toBe('attempt 2 of 3');
  expect(describeAttempts({ attempts: 0, max_attempts: 3 })).toBeNull();
});

it('repairs that were never planned are those that a guard holds back without one on record', () => {
  const event = (id: number, entityType: string, policy: string, reason: string): SystemEvent => ({
    id,
    event_type: 'watchdog.remediation.suppressed',
    entity_type: entityType,
    entity_id: 'alrt_1',
    payload: { policy, alert_id: 'alrt_1', target: 'agent:a', guard: 'not_managed', reason, until: null },
    at: '2026-11-28T12:00:00.000Z',
    traceparent: null,
  });
  const told = notPlanned([
    event(1, 'alert', 'restart', 'it was started elsewhere'),
    event(2, 'remediation', 'other', 'paused'),
    event(3, 'alert', 'restart', 'Omoi did not start it'),
  ]);
  expect(told.map(describeNotPlanned)).toEqual([
    'Held back by the guard not managed: Omoi did not start it.',
  ]);
});
