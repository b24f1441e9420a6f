import { expect, it } from 'vitest';
import { dedup } from './dedup-stage.ts';

const HOUR = 3_600_000;
const NOTIFIED_AT_MS = 100 * HOUR;

it.each([
  ['within the interval', HOUR, null],
  ['at its end', 4 * HOUR, null],
  ['behind it', 4 * HOUR + 1, 'repeat'],
  ['when the wall clock was set back a little', -HOUR, null],
  ['when the wall clock was set back further than the interval', -5 * HOUR, 'repeat'],
])('what fires on is told of again: %s', (_, sinceMs, send) => {
  const firing = new Set(['a']);
  const entry = { firing, resolved: new Set<string>(), notifiedAtMs: NOTIFIED_AT_MS };
  const passed = {
    firing,
    resolved: new Set<string>(),
    heldBack: new Set<string>(),
    silent: new Set<string>(),
    toldBefore: new Set<string>(),
    allAcknowledged: false,
    snoozeEndedAtMs: 0,
    flappingSinceMs: 0,
  };
  const options = {
    sendResolved: true,
    opensIncidents: false,
    repeatIntervalMs: 4 * HOUR,
    nowMs: NOTIFIED_AT_MS + sinceMs,
  };
  expect(dedup(entry, passed, options).send).toBe(send);
});

it.each([
  ['is told to who reads messages', false, { send: 'all_resolved' }],
  ['is not told to who has no incident of it to close', true, { send: null, why: 'no_incident' }],
])('the end of what only others were told of %s', (_, opensIncidents, decided) => {
  const resolved = new Set(['a']);
  const nothing = new Set<string>();
  const passed = {
    firing: nothing,
    resolved,
    heldBack: nothing,
    silent: nothing,
    toldBefore: resolved,
    allAcknowledged: false,
    snoozeEndedAtMs: 0,
    flappingSinceMs: 0,
  };
  const options = { sendResolved: true, opensIncidents, repeatIntervalMs: HOUR, nowMs: NOTIFIED_AT_MS };
  expect(dedup(null, passed, options)).toEqual(decided);
  const entry = { firing: nothing, resolved: nothing, notifiedAtMs: 0 };
  expect(dedup(entry, passed, options)).toEqual(decided);
});
