import { describe, expect, it } from 'vitest';
import {
  countFleet,
  describeNoDecision,
  describeNoRepairs,
  describeRepairs,
  describeSituation,
  RANKS,
  type FleetOverview,
  type Rank,
  type Situation,
} from './headline.ts';

interface Row extends Partial<Omit<Situation, 'counts'>> {
  readonly agents?: FleetOverview['agents']['by_status'];
  readonly alerts?: FleetOverview['alerts']['by_severity'];
  readonly remediations?: Partial<FleetOverview['remediations']>;
  readonly rank: Rank;
  readonly text: string;
  readonly tone: string;
}

const alerts = (severity: string, firing: number, unacknowledged = firing) => ({
  severity,
  firing,
  unacknowledged,
});
const givenUp = (count: number, isWhole = true) => ({ count, isWhole });

/** Each rank by itself, worst first. */
const ALONE: readonly Row[] = [
  { lostSince: '10:32:05', rank: 'disconnected', text: 'Disconnected since 10:32:05.', tone: 'gone' },
  { telemetryAgeSeconds: 130, rank: 'blind', text: 'Telemetry is 2m10s late.', tone: 'bad' },
  {
    heldBy: ['self_suspicion'],
    rank: 'blind',
    text: 'The watchdog distrusts what it sees.',
    tone: 'bad',
  },
  { heldBy: ['storm'], rank: 'storm', text: 'A storm holds repairs back.', tone: 'caution' },
  { heldBy: ['paused'], rank: 'paused', text: 'The watchdog is paused.', tone: 'caution' },
  { escalated: givenUp(1), rank: 'escalated', text: '1 repair given up.', tone: 'bad' },
  { escalated: givenUp(5, false), rank: 'escalated', text: 'More than 5 repairs given up.', tone: 'bad' },
  { alerts: [alerts('critical', 1)], rank: 'critical', text: '1 critical alert.', tone: 'bad' },
  { alerts: [alerts('error', 5000)], rank: 'critical', text: '5,000 alerts of severity error.', tone: 'bad' },
  {
    agents: { UNRESPONSIVE: 1200, IDLE: 800 },
    rank: 'unresponsive',
    text: '1,200 unresponsive of 2,000 agents.',
    tone: 'bad',
  },
  {
    agents: { STALLED: 1, FAILED: 2, TERMINATED: 9 },
    rank: 'unresponsive',
    text: '1 stalled, 2 failed of 3 agents.',
    tone: 'bad',
  },
  { agents: { DEGRADED: 1, IDLE: 1 }, rank: 'degraded', text: '1 degraded of 2 agents.', tone: 'caution' },
  { agents: { QUARANTINED: 1 }, rank: 'degraded', text: '1 quarantined of 1 agent.', tone: 'caution' },
  {
    remediations: { awaiting_approval: 2 },
    rank: 'approvals',
    text: '2 repairs awaiting approval.',
    tone: 'caution',
  },
  { hasUnserved: true, rank: 'unserved', text: 'Tasks wait that no agent claims.', tone: 'caution' },
  { alerts: [alerts('warning', 1)], rank: 'firing', text: '1 alert firing.', tone: 'caution' },
  { alerts: [alerts('info', 1)], rank: 'firing', text: '1 alert firing.', tone: 'busy' },
  {
    remediations: { executing: 1, verifying: 1 },
    rank: 'repairing',
    text: '2 repairs under way.',
    tone: 'repair',
  },
  { agents: { TERMINATED: 3 }, rank: 'empty', text: 'No agents yet.', tone: 'gone' },
  {
    agents: { IDLE: 1, RUNNING: 1, TERMINATED: 1 },
    rank: 'well',
    text: 'All is well with 2 agents.',
    tone: 'good',
  },
  {
    agents: { IDLE: 1, SPAWNING: 2 },
    rank: 'well',
    text: 'All is well with 1 agent, 2 starting.',
    tone: 'good',
  },
];

/** What holds at once: the worst rank comes first, the worst tone wins, and what is known already is not told twice. */
const TOGETHER: readonly Row[] = [
  {
    lostSince: '10:32:05',
    heldBy: ['paused'],
    alerts: [alerts('critical', 3)],
    rank: 'disconnected',
    text: 'Disconnected since 10:32:05.',
    tone: 'gone',
  },
  {
    telemetryAgeSeconds: 60,
    heldBy: ['self_suspicion', 'storm'],
    agents: { UNRESPONSIVE: 3 },
    rank: 'blind',
    text: 'Telemetry is 1m late; a storm holds repairs back; 3 unresponsive of 3 agents.',
    tone: 'bad',
  },
  {
    heldBy: ['paused', 'storm'],
    alerts: [alerts('critical', 503)],
    rank: 'storm',
    text: 'A storm holds repairs back; the watchdog is paused; 503 critical alerts.',
    tone: 'bad',
  },
  // A calm in which nothing would be repaired is none.
  {
    agents: { IDLE: 6 },
    heldBy: ['paused'],
    rank: 'paused',
    text: 'The watchdog is paused.',
    tone: 'caution',
  },
  {
    agents: { IDLE: 1, DEGRADED: 1 },
    escalated: givenUp(1),
    alerts: [alerts('error', 1), alerts('warning', 2)],
    rank: 'escalated',
    text: '1 repair given up; 1 alert of severity error; 1 degraded of 2 agents.',
    tone: 'bad',
  },
  // Of the two severities that rank alike the worse is counted, and the rest are others.
  {
    alerts: [alerts('error', 2), alerts('critical', 1)],
    rank: 'critical',
    text: '1 critical alert; 2 other alerts firing.',
    tone: 'bad',
  },
  // Somebody has them.
  { alerts: [alerts('critical', 1, 0)], rank: 'firing', text: '1 alert firing.', tone: 'caution' },
  {
    alerts: [alerts('info', 1), alerts('critical', 1, 0)],
    rank: 'firing',
    text: '2 alerts firing.',
    tone: 'busy',
  },
  {
    agents: { UNRESPONSIVE: 1, DEGRADED: 1 },
    rank: 'unresponsive',
    text: '1 unresponsive of 2 agents; 1 degraded of 2 agents.',
    tone: 'bad',
  },
  {
    agents: { IDLE: 1 },
    alerts: [alerts('warning', 1)],
    remediations: { executing: 1, awaiting_approval: 1 },
    rank: 'approvals',
    text: '1 repair awaiting approval; 1 alert firing; 1 repair under way.',
    tone: 'caution',
  },
  // What is only observed is no repair: nobody is to believe that Omoi acts.
  {
    alerts: [alerts('warning', 1)],
    remediations: { planned: 5000 },
    rank: 'firing',
    text: '1 alert firing.',
    tone: 'caution',
  },
  // Nor is a calm one in which work stands still.
  {
    agents: { IDLE: 7 },
    hasUnserved: true,
    rank: 'unserved',
    text: 'Tasks wait that no agent claims.',
    tone: 'caution',
  },
  {
    agents: { IDLE: 1 },
    telemetryAgeSeconds: 30,
    rank: 'well',
    text: 'All is well with 1 agent.',
    tone: 'good',
  },
];

function situationOf({ agents = {}, alerts: bySeverity = [], remediations = {}, ...given }: Row): Situation {
  const sum = (key: 'firing' | 'unacknowledged') =>
    bySeverity.reduce((total, count) => total + count[key], 0);
  const counts = countFleet({
    agents: { by_status: agents },
    alerts: { firing: sum('firing'), unacknowledged: sum('unacknowledged'), by_severity: bySeverity },
    remediations: {
      planned: 0,
      awaiting_approval: 0,
      executing: 0,
      verifying: 0,
      observed: 0,
      ...remediations,
    },
  });
  const calm = {
    lostSince: null,
    heldBy: [],
    telemetryAgeSeconds: 3,
    hasUnserved: false,
    escalated: givenUp(0),
  };
  return { ...calm, ...given, counts };
}

describe('describeSituation', () => {
  it.each([...ALONE, ...TOGETHER])('$rank: $text', (row) => {
    const { rank, text, tone } = row;
    expect(describeSituation(situationOf(row))).toEqual({ rank, text, tone });
  });

  it('has a row for each rank, and ranks them in the order of the rows', () => {
    expect([...new Set(ALONE.map(({ rank }) => rank))]).toEqual(RANKS);
  });
});

describe('describeRepairs', () => {
  it.each([
    [{}, null],
    [{ planned: 1985 }, '1,985 repairs planned'],
    [{ repairing: 1, awaiting: 2, planned: 3 }, '1 repair under way, 2 awaiting approval, 3 planned'],
    [{ observed: 1 }, '1 only observed'],
    [{ planned: 2, observed: 1985 }, '2 repairs planned, 1,985 only observed'],
  ])('%j: %s', (counts, text) => {
    expect(describeRepairs({ repairing: 0, awaiting: 0, planned: 0, observed: 0, ...counts })).toBe(text);
  });
});

it.each([
  [null, undefined],
  [0, 'Nothing waits for a person.'],
  [1, '1 alert fires that nobody has acknowledged; no decision is waiting.'],
  [1200, '1,200 alerts fire that nobody has acknowledged; no decision is waiting.'],
])('says of %s unacknowledged alerts beside no decision: %s', (unacknowledged, text) => {
  expect(describeNoDecision(unacknowledged)).toBe(text);
});

describe('describeNoRepairs', () => {
  it('does not say that nothing was repaired while the counts know better', () => {
    const none = { repairing: 0, awaiting: 0, planned: 0, observed: 0 };
    expect(describeNoRepairs(none)).toMatch(/^Nothing has needed a repair/);
    expect(describeNoRepairs(null)).toMatch(/^Nothing has needed a repair/);
    expect(describeNoRepairs({ ...none, repairing: 1 })).toBe('They are being read.');
  });
});
