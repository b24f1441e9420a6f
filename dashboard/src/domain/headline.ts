import { severityRank, severityTone, type Tone } from './tone.ts';

/** The numbers that decide how things stand. */
export interface FleetOverview {
  readonly agents: readonly { readonly status: string }[];
  readonly alerts: readonly {
    readonly state: string;
    readonly severity: string;
    readonly acknowledged_by: string | null;
  }[];
  readonly remediations: readonly { readonly ended_at: string | null }[];
}

export interface Headline {
  readonly text: string;
  readonly tone: Tone;
}

export interface FleetCounts {
  /** Agents that do or could do work: IDLE, RUNNING or DEGRADED. */
  readonly alive: number;
  /** Agents that have not ended. */
  readonly present: number;
  readonly firing: number;
  readonly unacknowledged: number;
  /** The tone of the worst alert that nobody has acknowledged; null: there is none. */
  readonly worst: Tone | null;
  readonly repairing: number;
}

const ALIVE: readonly string[] = ['IDLE', 'RUNNING', 'DEGRADED'];

export function countFleet({ agents, alerts, remediations }: FleetOverview): FleetCounts {
  const firing = alerts.filter((alert) => alert.state === 'firing');
  const unseen = firing
    .filter((alert) => alert.acknowledged_by === null)
    .toSorted((left, right) => severityRank(left.severity) - severityRank(right.severity));
  return {
    alive: agents.filter(({ status }) => ALIVE.includes(status)).length,
    present: agents.filter(({ status }) => status !== 'TERMINATED').length,
    firing: firing.length,
    unacknowledged: unseen.length,
    worst: unseen[0] ? severityTone(unseen[0].severity) : null,
    repairing: remediations.filter(isRunning).length,
  };
}

/** Whether a remediation still does or waits for something. */
export function isRunning(remediation: { readonly ended_at: string | null }): boolean {
  return remediation.ended_at === null;
}

/** How things stand, in one sentence; the worst comes first. */
export function describeFleet(counts: FleetCounts): Headline {
  const { alive, present, firing, worst, repairing } = counts;
  const down = present - alive;
  if (firing > 0) {
    const repairs = repairing > 0 ? `, ${amount(repairing, 'repair')} under way` : '';
    return { text: `${amount(firing, 'alert')} firing${repairs}.`, tone: worst ?? 'caution' };
  }
  if (repairing > 0) return { text: `${amount(repairing, 'repair')} under way.`, tone: 'repair' };
  if (present === 0) return { text: 'No agents yet.', tone: 'gone' };
  if (down > 0) return { text: `${amount(down, 'agent')} of ${present} not working.`, tone: 'caution' };
  return { text: `All is well with ${amount(present, 'agent')}.`, tone: 'good' };
}

function amount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
