import { severityRank, severityTone, type Tone } from './tone.ts';
import { countPresent, type AgentCounts, type SeverityCount } from './urgent-first.ts';

/** The numbers that decide how things stand, as the server counts them: of all, not of what a page shows. */
export interface FleetOverview {
  readonly agents: { readonly by_status: AgentCounts };
  readonly alerts: {
    readonly firing: number;
    readonly unacknowledged: number;
    readonly by_severity: readonly SeverityCount[];
  };
  readonly remediations: {
    readonly planned: number;
    readonly awaiting_approval: number;
    readonly executing: number;
    readonly verifying: number;
  };
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
  /** Remediations that do something, or watch what it brings. */
  readonly repairing: number;
  /** Remediations that a person has to decide about. */
  readonly awaiting: number;
  /** Remediations that wait for their turn, or are held back: by their mode, a pause, a storm. */
  readonly planned: number;
}

export function countFleet({ agents, alerts, remediations }: FleetOverview): FleetCounts {
  const { IDLE = 0, RUNNING = 0, DEGRADED = 0 } = agents.by_status;
  const [worst] = alerts.by_severity
    .filter(({ unacknowledged }) => unacknowledged > 0)
    .toSorted((left, right) => severityRank(left.severity) - severityRank(right.severity));
  return {
    alive: IDLE + RUNNING + DEGRADED,
    present: countPresent(agents.by_status),
    firing: alerts.firing,
    unacknowledged: alerts.unacknowledged,
    worst: worst ? severityTone(worst.severity) : null,
    repairing: remediations.executing + remediations.verifying,
    awaiting: remediations.awaiting_approval,
    planned: remediations.planned,
  };
}

/** Whether a remediation has not ended: it does, watches or waits for something. */
export function isOpen(remediation: { readonly ended_at: string | null }): boolean {
  return remediation.ended_at === null;
}

/** What holds the watchdog as a whole back. */
export type HeldBy = 'paused' | 'storm' | 'self_suspicion';

/** How each of them is told of, the one that only a person ends first. */
const HELD: readonly (readonly [HeldBy, string])[] = [
  ['paused', 'the watchdog is paused'],
  ['storm', 'a storm holds repairs back'],
  ['self_suspicion', 'the watchdog distrusts itself'],
];

/**
 * How things stand, in one sentence; the worst comes first. What holds the watchdog back is always told: nobody is to
 * wait for a repair that does not come.
 */
export function describeFleet(counts: FleetCounts, heldBy: readonly HeldBy[]): Headline {
  const { text, tone } = describeCounts(counts);
  const held = HELD.find(([state]) => heldBy.includes(state));
  if (held === undefined) return { text: `${text}.`, tone };
  return { text: `${text}; ${held[1]}.`, tone: tone === 'good' || tone === 'gone' ? 'caution' : tone };
}

function describeCounts(counts: FleetCounts): Headline {
  const { alive, present, firing, worst } = counts;
  const down = present - alive;
  const repairs = describeRepairs({ ...counts, planned: 0 });
  if (firing > 0) {
    const also = repairs === null ? '' : `, ${repairs}`;
    return { text: `${amount(firing, 'alert')} firing${also}`, tone: worst ?? 'caution' };
  }
  if (repairs !== null) return { text: repairs, tone: 'repair' };
  if (present === 0) return { text: 'No agents yet', tone: 'gone' };
  if (down > 0)
    return { text: `${amount(down, 'agent')} of ${number(present)} not working`, tone: 'caution' };
  return { text: `All is well with ${amount(present, 'agent')}`, tone: 'good' };
}

/** `3 repairs under way, 2 awaiting approval, 40 planned`; null where none is open. */
export function describeRepairs({
  repairing,
  awaiting,
  planned,
}: Pick<FleetCounts, 'repairing' | 'awaiting' | 'planned'>): string | null {
  const parts = [
    [repairing, 'under way'],
    [awaiting, 'awaiting approval'],
    [planned, 'planned'],
  ] as const;
  const [first, ...others] = parts.filter(([count]) => count > 0);
  if (!first) return null;
  const [count, what] = first;
  return [`${amount(count, 'repair')} ${what}`, ...others.map(([n, how]) => `${number(n)} ${how}`)].join(
    ', ',
  );
}

/** What an empty list of repairs means: it is read a moment after or before their counts. */
export function describeNoRepairs(
  counts: Pick<FleetCounts, 'repairing' | 'awaiting' | 'planned'> | null,
): string {
  if (counts !== null && describeRepairs(counts) !== null) return 'They are being read.';
  return 'Nothing has needed a repair. What a policy may do is its mode: observe, approve or act.';
}

/** `5,000`: as the rest of the page is, in English. */
export function number(count: number): string {
  return NUMBER.format(count);
}

const NUMBER = new Intl.NumberFormat('en');

function amount(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? '' : 's'}`;
}
