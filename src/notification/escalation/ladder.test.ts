import { expect, it } from 'vitest';
import type { Escalation } from '../configuration/omoi-settings.ts';
import { dueAtMs, rungAfter, severityAt, type Rung } from './ladder.ts';

const MINUTE = 60_000;
const LADDER: Escalation = {
  steps: [
    { afterMs: 10 * MINUTE, receiver: 'pager', severity: null },
    { afterMs: 20 * MINUTE, receiver: null, severity: 'critical' },
    { afterMs: 30 * MINUTE, receiver: 'boss', severity: null },
  ],
  repeats: 1,
  during: null,
};

it('goes through its steps, and through all of them again', () => {
  const passed: (readonly [number, string | null])[] = [];
  let rung: Rung | null = { step: 0, round: 0 };
  while (rung !== null) {
    passed.push([dueAtMs(LADDER, 0, rung) / MINUTE, severityAt(LADDER, rung)]);
    rung = rungAfter(LADDER, rung);
  }
  expect(passed).toEqual([
    [10, null],
    [20, 'critical'],
    [30, 'critical'],
    [40, 'critical'],
    [50, 'critical'],
    [60, 'critical'],
  ]);
});

it('of one step that comes at once is gone through once a minute', () => {
  const ladder = { ...LADDER, steps: [{ afterMs: 0, receiver: 'pager', severity: null }], repeats: 3 };
  expect([0, 1, 2, 3].map((round) => dueAtMs(ladder, 5, { step: 0, round }))).toEqual([
    5,
    5 + MINUTE,
    5 + 2 * MINUTE,
    5 + 3 * MINUTE,
  ]);
});
