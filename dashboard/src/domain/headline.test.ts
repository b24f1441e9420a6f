import { describe, expect, it } from 'vitest';
import {
  countFleet,
  describeFleet,
  describeNoRepairs,
  describeRepairs,
  type FleetOverview,
  type HeldBy,
} from './headline.ts';

type BySeverity = FleetOverview['alerts']['by_severity'];

interface Row {
  readonly agents?: FleetOverview['agents']['by_status'];
  readonly alerts?: BySeverity;
  readonly remediations?: Partial<FleetOverview['remediations']>;
  readonly heldBy?: readonly HeldBy[];
  readonly text: string;
  readonly tone: string;
}

const alerts = (severity: string, firing: number, unacknowledged = firing) => ({
  severity,
  firing,
  unacknowledged,
});

const ROWS: readonly Row[] = [
  { text: 'No agents yet.', tone: 'gone' },
  { agents: { IDLE: 1, RUNNING: 1, TERMINATED: 1 }, text: 'All is well with 2 agents.', tone: 'good' },
  { agents: { IDLE: 1, FAILED: 1, SPAWNING: 1 }, text: '2 agents of 3 not working.', tone: 'caution' },
  {
    agents: { UNRESPONSIVE: 1200, IDLE: 800 },
    text: '1,200 agents of 2,000 not working.',
    tone: 'caution',
  },
  { agents: { IDLE: 1 }, remediations: { executing: 1 }, text: '1 repair under way.', tone: 'repair' },
  {
    agents: { IDLE: 1 },
    remediations: { awaiting_approval: 2 },
    text: '2 repairs awaiting approval.',
    tone: 'repair',
  },
  {
    alerts: [alerts('warning', 1), alerts('critical', 1)],
    remediations: { verifying: 1, awaiting_approval: 1 },
    text: '2 alerts firing, 1 repair under way, 1 awaiting approval.',
    tone: 'bad',
  },
  // What is only observed is no repair: nobody is to believe that Omoi acts.
  {
    alerts: [alerts('error', 5000)],
    remediations: { planned: 5000 },
    text: '5,000 alerts firing.',
    tone: 'bad',
  },
  { alerts: [alerts('critical', 1, 0)], text: '1 alert firing.', tone: 'caution' },
  { alerts: [alerts('info', 1), alerts('critical', 1, 0)], text: '2 alerts firing.', tone: 'busy' },
  // A calm in which nothing would be repaired is none.
  {
    agents: { IDLE: 6 },
    heldBy: ['paused'],
    text: 'All is well with 6 agents; the watchdog is paused.',
    tone: 'caution',
  },
  {
    alerts: [alerts('critical', 503)],
    heldBy: ['self_suspicion', 'storm', 'paused'],
    text: '503 alerts firing; the watchdog is paused.',
    tone: 'bad',
  },
  {
    agents: { UNRESPONSIVE: 3 },
    heldBy: ['storm'],
    text: '3 agents of 3 not working; a storm holds repairs back.',
    tone: 'caution',
  },
];

describe('describeFleet', () => {
  it.each(ROWS)(
    '$text',
    ({ agents = {}, alerts: bySeverity = [], remediations = {}, heldBy = [], text, tone }) => {
      const sum = (key: 'firing' | 'unacknowledged') =>
        bySeverity.reduce((total, count) => total + count[key], 0);
      const counts = countFleet({
        agents: { by_status: agents },
        alerts: {
          firing: sum('firing'),
          unacknowledged: sum('unacknowledged'),
          by_severity: bySeverity,
        },
        remediations: { planned: 0, awaiting_approval: 0, executing: 0, verifying: 0, ...remediations },
      });
      expect(describeFleet(counts, heldBy)).toEqual({ text, tone });
    },
  );
});

describe('describeRepairs', () => {
  it.each([
    [{ repairing: 0, awaiting: 0, planned: 0 }, null],
    [{ repairing: 0, awaiting: 0, planned: 1985 }, '1,985 repairs planned'],
    [{ repairing: 1, awaiting: 2, planned: 3 }, '1 repair under way, 2 awaiting approval, 3 planned'],
  ])('%j: %s', (counts, text) => {
    expect(describeRepairs(counts)).toBe(text);
  });
});

describe('describeNoRepairs', () => {
  it('does not say that nothing was repaired while the counts know better', () => {
    const none = { repairing: 0, awaiting: 0, planned: 0 };
    expect(describeNoRepairs(none)).toMatch(/^Nothing has needed a repair/);
    expect(describeNoRepairs(null)).toMatch(/^Nothing has needed a repair/);
    expect(describeNoRepairs({ ...none, repairing: 1 })).toBe('They are being read.');
  });
});
