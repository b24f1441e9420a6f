import { expect, it } from 'vitest';
import { createMatcher, nextTurn, silentLogger, VirtualClock } from '#telemetry';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import type { Silence } from './silence.ts';
import { SilencesUntilResolved } from './silences-until-resolved.ts';

/** Each look at an alert takes a tenth of a millisecond. */
const LOOK_MS = 0.1;
const ALERTS = 1_000;
const SILENCES = 50;

it('all silences of all alerts that end together are looked at, once, a few milliseconds at a stretch', async () => {
  const clock = new VirtualClock();
  let workedMs = 0;
  const working = Object.assign(Object.create(clock) as VirtualClock, { monotonicMs: () => workedMs });
  const matcher = createMatcher('instance', '=', 'none');
  const slow = {
    ...matcher,
    matches: (value: string) => {
      workedMs += LOOK_MS;
      return matcher.matches(value);
    },
  };
  const silences = Array.from({ length: SILENCES }, (_, place): Pick<Silence, 'id' | 'matcherSets'> => ({
    id: `s${place}`,
    matcherSets: [[slow]],
  }));
  const answers: boolean[] = [];
  const until = new SilencesUntilResolved({
    clock: working,
    logger: silentLogger,
    firing: () => Array.from({ length: ALERTS }, (_, place) => ({ labels: { instance: `i${place}` } })),
    silences: {
      alertResolved: async (_labels, silencesMore) => {
        answers.push(...(await Promise.all(silences.map((silence) => silencesMore(silence as Silence)))));
      },
    },
  });
  const ended = ['a', 'b', 'c'].map((alertId) => ({ alertId, labels: { instance: alertId } }));
  until.resolved(ended as unknown as readonly TrackedAlert[]);
  let longestMs = workedMs;
  while (answers.length < ended.length * SILENCES) {
    const beforeMs = workedMs;
    await nextTurn();
    longestMs = Math.max(longestMs, workedMs - beforeMs);
  }
  expect(new Set(answers)).toEqual(new Set([false]));
  expect(Math.round(workedMs / LOOK_MS)).toBe(SILENCES * ALERTS);
  expect(longestMs).toBeLessThan(8);
});
