import { expect, it } from 'vitest';
import type { TrackedAlert } from './tracked-alert.ts';
import { flappingNote, maxNamed } from './flapping-texts.ts';

it.each([
  [maxNamed, ''],
  [maxNamed + 1, ' and 1 more'],
])(`of %i alerts that flap a message names ${maxNamed}%s`, (count, more) => {
  const alerts = Array.from({ length: count }, (_, at): TrackedAlert => ({
    alertId: `a${at}`,
    fingerprint: String(at),
    labels: { alertname: `A${at}` },
    severity: 'warning',
    startsAtMs: 0,
    firedAtMs: 0,
    traceparent: null,
    endsAtMs: null,
    acknowledgedBy: null,
    snoozedUntilMs: null,
    isInhibited: false,
  }));
  const flaps = { episodes: 5, sinceMs: 0, untilMs: 1 };
  const note = flappingNote(alerts, new Map(alerts.map(({ fingerprint }) => [fingerprint, flaps])));
  const named = Array.from({ length: maxNamed }, (_, at) => `A${at} (5 episodes)`).join(', ');
  expect(note).toBe(`Flapping: ${named}${more}. Its end is told once it stays away.`);
});
