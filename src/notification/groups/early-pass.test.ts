import { expect, it } from 'vitest';
import { testRoute } from '../notification.test-support.ts';
import { createGroup } from './aggregation-group.ts';
import { nextPassMs } from './early-pass.ts';

const NOW_MS = 1_000_000;
const route = testRoute({ groupWaitMs: 10_000, groupIntervalMs: 300_000 });

it.each([
  ['after its interval', { isAllHeld: false, come: 1, lookAtMs: Infinity }, 300_000],
  ['after its interval where nothing has come', { isAllHeld: true, come: 0, lookAtMs: Infinity }, 300_000],
  [
    'after group_wait where all is held and something has come meanwhile',
    { isAllHeld: true, come: 1, lookAtMs: Infinity },
    10_000,
  ],
  ['when a hold ends before that', { isAllHeld: true, come: 1, lookAtMs: NOW_MS + 4_000 }, 4_000],
])('a group is passed again %s', (_, { isAllHeld, come, lookAtMs }, afterMs) => {
  const group = createGroup({ route, groupKey: '', groupLabels: {} }, 0);
  group.changes = 5 + come;
  expect(nextPassMs({ group, changes: 5, isAllHeld, lookAtMs }, NOW_MS)).toBe(NOW_MS + afterMs);
});
