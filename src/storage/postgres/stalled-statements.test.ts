import { expect, it } from 'vitest';
import { leadsNowhere, type Session } from './stalled-statements.ts';

const session = (pid: number, more: Partial<Session> = {}): Session => ({
  pid,
  isActive: true,
  isUntaken: false,
  runsMs: 40_000,
  ...more,
});

it.each<[string, { pid: number | null; untaken?: boolean }, readonly Session[], boolean]>([
  ['one that PostgreSQL is at work on', { pid: 1 }, [session(1)], false],
  ['one that PostgreSQL is not at work on', { pid: 1 }, [session(1, { isActive: false })], true],
  ['one whose session is gone', { pid: 1 }, [], true],
  ['one whose answer has begun to be written', { pid: 1 }, [session(1, { isUntaken: true })], false],
  ['one whose answer is not taken', { pid: 1, untaken: true }, [session(1, { isUntaken: true })], true],
  ['one that writes on', { pid: 1, untaken: true }, [session(1)], false],
  ['one behind a pooler that may be at work', { pid: 9 }, [session(1)], false],
  ['one behind a pooler while others work', { pid: null }, [session(1, { runsMs: 1000 })], true],
  ['one behind a pooler that is not at work', { pid: 9 }, [session(1, { isActive: false })], true],
])('of connections without an answer: %s', (_what, { pid, untaken = false }, sessions, expected) => {
  expect(leadsNowhere({ pid, waitedMs: 35_000, untaken }, sessions)).toBe(expected);
});
