import { expect, test } from 'vitest';
import { decideLadderStep, missedHeartbeats, paceOf, type BeatRecord } from './heartbeat-ladder.ts';

test.each([
  [0, 0],
  [1166, 0],
  [1167, 1],
  [2333, 1],
  [2334, 2],
  [3500, 3],
  [7000, 6],
  [-5, 0],
])('an age of %d ms of a TTL of 3500 ms is %d missed', (ageMs, missed) => {
  expect(missedHeartbeats(ageMs, 3500)).toBe(missed);
});

test.each([
  [null, null, 1000, 3500],
  [5000, null, 5000, 17_500],
  [null, 700, 200, 700],
  [5000, 15_000, 5000, 15_000],
])('an interval of %s ms and a TTL of %s ms asked for are %d and %d', (interval, ttl, intervalMs, ttlMs) => {
  const asked = { heartbeat_interval_ms: interval, heartbeat_ttl_ms: ttl };
  expect(paceOf(asked, { intervalMs: 1000, ttlMs: 3500 })).toEqual({ intervalMs, ttlMs });
});

const quiet: BeatRecord = {
  status: 'IDLE',
  missed: 0,
  beatSince: false,
  selfDegraded: false,
  clings: false,
  evidence: null,
  evidenceTold: false,
  couldNotStart: false,
};

test.each<[string, Partial<BeatRecord>, string | null]>([
  ['beats in time', {}, null],
  ['misses one: only a warning', { missed: 1 }, null],
  ['misses two', { missed: 2 }, 'DEGRADED'],
  ['misses three at once', { missed: 3 }, 'UNRESPONSIVE'],
  ['says that it is not well', { selfDegraded: true }, 'DEGRADED'],
  ['does not let go of what was taken from it', { clings: true }, 'DEGRADED'],
  ['DEGRADED, has not let go of it yet', { status: 'DEGRADED', beatSince: true, clings: true }, null],
  ['does not let go of it, and is silent', { missed: 3, clings: true }, 'UNRESPONSIVE'],
  ['DEGRADED, misses three', { status: 'DEGRADED', missed: 3 }, 'UNRESPONSIVE'],
  ['DEGRADED, still silent', { status: 'DEGRADED', missed: 2 }, null],
  ['DEGRADED, ages started afresh but no beat came', { status: 'DEGRADED', missed: 0 }, null],
  ['DEGRADED, beats again', { status: 'DEGRADED', beatSince: true }, 'IDLE'],
  ['DEGRADED, beats but is not well', { status: 'DEGRADED', beatSince: true, selfDegraded: true }, null],
  ['UNRESPONSIVE, ages started afresh but no beat came', { status: 'UNRESPONSIVE' }, null],
  ['UNRESPONSIVE, beats again', { status: 'UNRESPONSIVE', beatSince: true }, 'IDLE'],
  [
    'UNRESPONSIVE, beats again as it was before',
    { status: 'UNRESPONSIVE', beatSince: true, selfDegraded: true },
    'DEGRADED',
  ],
  ['SPAWNING, in its grace', { status: 'SPAWNING' }, null],
  ['SPAWNING, never heard of', { status: 'SPAWNING', missed: 3 }, 'UNRESPONSIVE'],
  ['SPAWNING, could not be started yet', { status: 'SPAWNING', missed: 2, couldNotStart: true }, null],
  ['SPAWNING, could not be started', { status: 'SPAWNING', missed: 3, couldNotStart: true }, 'FAILED'],
  ['SPAWNING, beats', { status: 'SPAWNING', beatSince: true }, 'IDLE'],
  ['QUARANTINED, silent', { status: 'QUARANTINED', missed: 9 }, null],
  ['FAILED, silent', { status: 'FAILED', missed: 9 }, null],
])('%s', (_, record, to) => {
  expect(decideLadderStep({ ...quiet, ...record })?.to ?? null).toBe(to);
});

const told = { evidenceTold: true, beatSince: true } as const;

test.each<[string, Partial<BeatRecord>, string | null]>([
  ['stopped, and late by two', { missed: 2, evidence: 'stopped' }, 'DEGRADED heartbeats_missed'],
  ['stopped and silent', { missed: 3, evidence: 'stopped' }, 'STALLED stopped'],
  ['stopped before it came up', { status: 'SPAWNING', missed: 3, evidence: 'stopped' }, 'STALLED stopped'],
  [
    'silent for long, then seen to stand still',
    { status: 'UNRESPONSIVE', missed: 5, evidence: 'no_progress' },
    'STALLED no_progress',
  ],
  ['silent and at work', { missed: 3, evidence: 'at_work' }, 'DEGRADED silent_at_work'],
  ['silent and at work for longer', { status: 'DEGRADED', missed: 9, evidence: 'at_work' }, null],
  [
    'silent and at work no more',
    { status: 'DEGRADED', missed: 9, evidence: 'no_progress' },
    'STALLED no_progress',
  ],
  [
    'given up, and seen to be at work',
    { status: 'UNRESPONSIVE', missed: 5, evidence: 'at_work' },
    'DEGRADED silent_at_work',
  ],
  ['silent, and held by a debugger', { missed: 3, evidence: 'traced' }, 'DEGRADED traced'],
  ['held by a debugger for long', { status: 'DEGRADED', missed: 900, evidence: 'traced' }, null],
  [
    'STALLED, and a person has attached a debugger',
    { status: 'STALLED', missed: 9, evidence: 'traced' },
    'DEGRADED traced',
  ],
  ['held by a debugger before it came up', { status: 'SPAWNING', missed: 3, evidence: 'traced' }, null],
  ['its wrapper beats and says that a debugger holds it', { ...told, evidence: 'traced' }, null],
  [
    'silent over its work, and not looked at yet',
    { missed: 3, evidence: 'unseen' },
    'DEGRADED heartbeats_missed',
  ],
  ['UNRESPONSIVE, and not looked at yet', { status: 'UNRESPONSIVE', missed: 5, evidence: 'unseen' }, null],
  ['STALLED, and not looked at yet', { status: 'STALLED', missed: 5, evidence: 'unseen' }, null],
  ['silent and busy with no work of ours', { missed: 3, evidence: 'busy' }, 'UNRESPONSIVE heartbeats_missed'],
  [
    'busy before it came up',
    { status: 'SPAWNING', missed: 3, evidence: 'busy' },
    'UNRESPONSIVE heartbeats_missed',
  ],
  ['STALLED, still stopped', { status: 'STALLED', missed: 9, evidence: 'stopped' }, null],
  ['STALLED, nobody looks any more', { status: 'STALLED', missed: 9 }, null],
  ['STALLED, ages started afresh but no beat came', { status: 'STALLED' }, null],
  [
    'STALLED, moves but does not beat',
    { status: 'STALLED', missed: 9, evidence: 'busy' },
    'UNRESPONSIVE heartbeats_missed',
  ],
  [
    'STALLED, works again but does not beat',
    { status: 'STALLED', missed: 9, evidence: 'at_work' },
    'DEGRADED silent_at_work',
  ],
  ['STALLED, beats again', { status: 'STALLED', beatSince: true }, 'IDLE heartbeat_returned'],
  [
    'STALLED, beats again but is not well',
    { status: 'STALLED', beatSince: true, selfDegraded: true },
    'DEGRADED heartbeat_returned',
  ],
  ['its wrapper beats and says that it is stopped', { ...told, evidence: 'stopped' }, 'STALLED stopped'],
  ['its wrapper still says so', { ...told, status: 'STALLED', evidence: 'stopped' }, null],
  [
    'its wrapper says that it stands still over its work',
    { ...told, status: 'DEGRADED', evidence: 'no_progress' },
    'STALLED no_progress',
  ],
  [
    'its wrapper says that it goes on',
    { ...told, status: 'STALLED', evidence: 'at_work' },
    'IDLE heartbeat_returned',
  ],
  ['QUARANTINED and stopped', { status: 'QUARANTINED', missed: 9, evidence: 'stopped' }, null],
])('%s', (_, record, expected) => {
  const step = decideLadderStep({ ...quiet, ...record });
  expect(step && `${step.to} ${step.reason}`).toBe(expected);
});
