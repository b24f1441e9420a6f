import { expect, it } from 'vitest';
import { linesOf } from './status.ts';

const calm = {
  agents: { by_status: { IDLE: 2 } },
  alerts: { firing: 0, unacknowledged: 0, by_severity: [] },
  remediations: {},
  warnings: [],
  watchdog: { states: [], storms: [], more_storms: 0 },
};

it('says how far the host is behind, where it is', () => {
  const delay = { seconds: 1.24, usual_heartbeat_ttl_seconds: 3.5, heartbeat_ttl_seconds: 4.74 };
  const said = (lines: readonly string[]) => lines.filter((line) => line.startsWith('host'));
  expect(said(linesOf('http://here', { ...calm, host_delay: delay }))).toEqual([
    'host      1.2 s behind: agents are given 4.7 s instead of 3.5 s',
  ]);
  expect(said(linesOf('http://here', { ...calm, host_delay: null }))).toEqual([]);
  // A server of an earlier version does not know it.
  expect(said(linesOf('http://here', calm))).toEqual([]);
});

it.each([
  [{ planned: 3, verifying: 1, observed: 2 }, 'repairs   1 planned, 1 verifying, 2 only observed'],
  [{ planned: 2, verifying: 0, observed: 2 }, 'repairs   2 only observed'],
  // A server of an earlier version does not tell them apart.
  [{ planned: 2 }, 'repairs   2 planned'],
  [{}, 'repairs   none is open'],
])('says of %j what will be done', (remediations, line) => {
  expect(linesOf('http://here', { ...calm, remediations })).toContain(line);
});

const watchdogSays = (watchdog: object): readonly string[] =>
  linesOf('http://here', { ...calm, watchdog: { ...calm.watchdog, ...watchdog } })
    .filter((line) => line.startsWith('watchdog'))
    .map((line) => line.slice('watchdog  '.length));

it.each([
  [{ act: 1, approve: 0, observe: 3 }, /^at work: nothing holds repairs back$/],
  [{ act: 0, approve: 0, observe: 4 }, /^observes: none of 4 policies acts/],
  [{ act: 0, approve: 1, observe: 3 }, /^asks: none of 4 policies acts by itself, 1 ask a person/],
  [{ act: 0, approve: 0, observe: 0 }, /^without policies: nothing is repaired$/],
])('says whether policies %j repair anything', (policies, said) => {
  expect(watchdogSays({ policies })).toEqual([expect.stringMatching(said)]);
});

it('says what is under maintenance', () => {
  expect(watchdogSays({ maintenances: 2, policies: { act: 4, approve: 0, observe: 0 } })).toEqual([
    '2 under maintenance, which nothing is done about: omoi maintenance list',
  ]);
});

it('says what is hardly meant so, with the key that it is about', () => {
  const warnings = [
    { key: 'tasks', message: '3 tasks of type "fetsh" wait: no living agent claims it' },
    { key: '', message: '0 policies' },
  ];
  expect(linesOf('http://here', { ...calm, warnings }).slice(-2)).toEqual([
    'warning   tasks: 3 tasks of type "fetsh" wait: no living agent claims it',
    'warning   0 policies',
  ]);
});

it.each([
  [{ IDLE: 2, TERMINATED: 0 }, 'agents    2 IDLE'],
  [{ IDLE: 2, FAILED: 1, TERMINATED: 4 }, 'agents    2 IDLE, 1 FAILED; 4 ended'],
  [{ TERMINATED: 4 }, 'agents    none; 4 ended'],
  [{}, 'agents    none'],
])('counts of %j those that are there', (byStatus, line) => {
  expect(linesOf('http://here', { ...calm, agents: { by_status: byStatus } })).toContain(line);
});
