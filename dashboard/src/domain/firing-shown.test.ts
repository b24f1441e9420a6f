import { expect, it } from 'vitest';
import { firingShown, isOutdated } from './firing-shown.ts';

/** A count and a list of at most three, which may be of different moments: what is shown, and whether the list is read again. */
it.each([
  ['all of one moment', 2, 'ab', 'ab of 2', false],
  ['more than are read', 9, 'abc', 'abc of 9', false],
  ['nothing', 0, '', 'nothing', false],
  ['the last one has ended, and the list is from before that', 0, 'a', 'nothing', true],
  ['the first one has begun, and the list is from before that', 1, '', '1 awaited', true],
  ['one of two has ended', 1, 'ab', 'a of 1', true],
  ['another one has begun', 3, 'ab', 'ab of 3', true],
])('%s', (_what, counted, list, shown, again) => {
  const alerts = list.split('').filter((id) => id !== '');
  const found = firingShown(counted, alerts);
  const text =
    found.kind === 'nothing'
      ? 'nothing'
      : found.kind === 'awaited'
        ? `${found.total} awaited`
        : `${found.alerts.join('')} of ${found.total}`;
  expect(text).toBe(shown);
  expect(isOutdated(counted, alerts, 3)).toBe(again);
});
