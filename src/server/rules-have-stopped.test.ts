import { expect, it } from 'vitest';
import type { GroupOverview } from '#alerting';
import { rulesHaveStopped } from './rules-have-stopped.ts';

const MINUTE = 60_000;
const NOW = 1000 * MINUTE;

it.each<readonly [string, readonly (readonly [number, readonly (number | null)[]])[], string | null]>([
  ['no group is loaded', [], null],
  ['a group without rules', [[MINUTE, []]], null],
  ['none was evaluated yet', [[MINUTE, [null]]], 'no rule has been evaluated yet'],
  ['the newest counts', [[MINUTE, [NOW - 60 * MINUTE, NOW - MINUTE, null]]], null],
  ['two intervals were missed', [[MINUTE, [NOW - 3 * MINUTE]]], null],
  ['three were', [[MINUTE, [NOW - 3 * MINUTE - 1000]]], 'no rule was evaluated for 3m1s'],
  ['of short intervals a minute', [[1000, [NOW - MINUTE]]], null],
  ['and no more', [[1000, [NOW - MINUTE - 1]]], 'no rule was evaluated for 1m'],
  [
    'the shortest group counts',
    [
      [60 * MINUTE, [NOW - 5 * MINUTE]],
      [MINUTE, [NOW - 5 * MINUTE]],
    ],
    'no rule was evaluated for 5m',
  ],
])('%s', async (_name, groups, stopped) => {
  // Of an overview nothing else is asked.
  const overview = groups.map(([intervalMs, times]) => ({
    intervalMs,
    rules: times.map((lastEvaluationMs) => ({ statistics: { lastEvaluationMs } })),
  })) as unknown as readonly GroupOverview[];
  const alerting = { overview: () => Promise.resolve(overview) };
  expect(await rulesHaveStopped(alerting, { wallMs: () => NOW })).toBe(stopped);
});
