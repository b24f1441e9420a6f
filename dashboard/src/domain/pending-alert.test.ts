import { expect, it } from 'vitest';
import { describePending } from './pending-alert.ts';

const NOW = Date.parse('2026-05-01T10:00:00.000Z');

it.each([
  { since: '09:59:20', fires: '10:00:20', told: 'pending for 40s; fires in 20s if it goes on' },
  { since: '09:50:00', fires: '10:00:00', told: 'pending for 10m; fires now if it goes on' },
  { since: '09:50:00', fires: '09:59:50', told: 'pending for 10m; fires now if it goes on' },
  { since: '09:59:00', fires: null, told: 'pending for 1m' },
])('of what is pending since $since and fires at $fires it says $told', ({ since, fires, told }) => {
  const at = (time: string): string => `2026-05-01T${time}.000Z`;
  expect(describePending({ active_at: at(since), fires_at: fires && at(fires) }, NOW)).toBe(told);
});
