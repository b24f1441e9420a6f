import { expect, it } from 'vitest';
import { restoreInstances } from './restore.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = 10 * HOUR_MS;

/** What a label set waits from that was pending since 40 s when it was last evaluated. */
function pendingSince({
  evaluatedAtMs,
  confirmedAtMs,
}: {
  evaluatedAtMs: number;
  confirmedAtMs: number;
}): number | null {
  const state = {
    rule_key: 'g/High',
    fingerprint: 'f',
    state: 'pending' as const,
    labels: '{"alertname":"High"}',
    source_labels: '{}',
    value: '31',
    active_at_ms: evaluatedAtMs - 40_000,
    missed_since_ms: null,
    evaluated_at_ms: evaluatedAtMs,
    traceparent: null,
  };
  const rows = { firing: [], states: [state], confirmedAtMs };
  const [instance] = restoreInstances(rows, { nowMs: NOW_MS, outageToleranceMs: HOUR_MS }).values();
  return instance?.phase.kind === 'pending' ? NOW_MS - instance.phase.activeAtMs : null;
}

it.each([
  ['was down', { evaluatedAtMs: NOW_MS - 100_000, confirmedAtMs: NOW_MS - 100_000 }, 40_000],
  ['was confirmed later', { evaluatedAtMs: NOW_MS - 100_000, confirmedAtMs: NOW_MS - 90_000 }, 50_000],
  ['was down for too long', { evaluatedAtMs: NOW_MS - HOUR_MS - 1, confirmedAtMs: 0 }, null],
  ['was an hour ahead', { evaluatedAtMs: NOW_MS + HOUR_MS, confirmedAtMs: NOW_MS + HOUR_MS }, 40_000],
  ['evaluated an hour ahead', { evaluatedAtMs: NOW_MS + HOUR_MS, confirmedAtMs: NOW_MS - 5000 }, 40_000],
  [
    'was ahead when it was confirmed, and right when it evaluated after that',
    { evaluatedAtMs: NOW_MS - 5000, confirmedAtMs: NOW_MS + HOUR_MS },
    40_000,
  ],
])('a pending alert keeps its time where Omoi %s', (_, times, pendingMs) => {
  expect(pendingSince(times)).toBe(pendingMs);
});
