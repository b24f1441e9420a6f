import { describe, expect, it } from 'vitest';
import { ACKNOWLEDGE, assignOrder, SNOOZE, untilTime } from './alert-orders.ts';

describe('what somebody typed for an order about an alert', () => {
  it.each([
    [ACKNOWLEDGE, {}, { body: {} }],
    [ACKNOWLEDGE, { note: '  on it ' }, { body: { note: 'on it' } }],
    [SNOOZE, { duration: '1h30m', note: '' }, { body: { duration_ms: 5_400_000 } }],
    [
      SNOOZE,
      { duration: '30d', note: 'holidays' },
      { body: { duration_ms: 2_592_000_000, note: 'holidays' } },
    ],
    [SNOOZE, { duration: '31d' }, { faults: { duration: 'At most 30 days.' } }],
    [SNOOZE, {}, { faults: { duration: expect.stringMatching(/^Write how long/) as string } }],
    [SNOOZE, { duration: '25:00' }, { faults: { duration: expect.stringMatching(/08:00/) as string } }],
    [assignOrder('ada', []), { person: ' grace ' }, { body: { assigned_to: 'grace' } }],
    [assignOrder('ada', []), { person: ' ' }, { faults: { person: 'Write who looks after it.' } }],
  ])('$label %j → %j', (order, typed, expected) => {
    expect(order.read(typed)).toEqual(expected);
  });

  it('proposes who is logged in, and then who is on call somewhere, nobody twice', () => {
    const [field] = assignOrder('ada', ['grace', 'ada']).fields;
    expect(field).toMatchObject({ initial: 'ada', choices: ['ada', 'grace'] });
  });
});

it.each([
  ['08:00', 9 * 3_600_000],
  ['23:30', 30 * 60_000],
  ['23:00', 24 * 3_600_000],
  ['8:05', 9 * 3_600_000 + 5 * 60_000],
  ['24:00', null],
  ['8', null],
])('at 23:00 it is until %s so long: %j', (text, expected) => {
  expect(untilTime(text, new Date(2026, 10, 30, 23))).toBe(expected);
});
