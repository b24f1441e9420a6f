import { formatDuration } from './age.ts';
import { count as amount, number } from './count.ts';
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
    /** Of those planned: nothing will be done, since their policy only observes. */
    readonly observed: number;
  };
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
  /** Remediations that wait for their turn, or are held back: by a pause, a storm. */
  readonly planned: number;
  /** What a policy would do that only observes. */
  readonly observed: number;
  /** Agents in each status that a person should know of. */
  readonly ill: Readonly<Record<IllStatus, number>>;
  /** Alerts that fire and that nobody has acknowledged, of the two severities that rank first. */
  readonly critical: number;
  readonly error: number;
}

/** Statuses in which an agent does not do what it should. */
export type IllStatus = 'UNRESPONSIVE' | 'STALLED' | 'FAILED' | 'DEGRADED' | 'QUARANTINED';

export function countFleet({ agents, alerts, remediations }: FleetOverview): FleetCounts {
  const { IDLE = 0, RUNNING = 0, DEGRADED = 0 } = agents.by_status;
  const { UNRESPONSIVE = 0, STALLED = 0, FAILED = 0, QUARANTINED = 0 } = agents.by_status;
  const unseen = (severity: string): number =>
    alerts.by_severity.find((count) => count.severity === severity)?.unacknowledged ?? 0;
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
    planned: remediations.planned - remediations.observed,
    observed: remediations.observed,
    ill: { UNRESPONSIVE, STALLED, FAILED, DEGRADED, QUARANTINED },
    critical: unseen('critical'),
    error: unseen('error'),
  };
}

/** What holds the watchdog as a whole back. */
export type HeldBy = 'paused' | 'storm' | 'self_suspicion';

/** Everything that decides how things stand. */
export interface Situation {
  /** Since when the server does not answer, as people read a time; null while it does. */
  readonly lostSince: string | null;
  readonly counts: FleetCounts;
  readonly heldBy: readonly HeldBy[];
  /** How long ago Omoi kept its last sample of itself, s; null where it has kept none yet. */
  readonly telemetryAgeSeconds: number | null;
  /** Whether tasks wait that no living agent claims. */
  readonly hasUnserved: boolean;
  /** Repairs that were given up while their alerts fire; there may be more than have been counted. */
  readonly escalated: { readonly count: number; readonly isWhole: boolean };
}

/** What a headline says first, from what makes all else untrue to nothing at all. */
export const RANKS = [
  'disconnected',
  'blind',
  'storm',
  'paused',
  'escalated',
  'critical',
  'unresponsive',
  'degraded',
  'approvals',
  'unserved',
  'firing',
  'repairing',
  'empty',
  'well',
] as const;
export type Rank = (typeof RANKS)[number];

export interface Headline {
  readonly rank: Rank;
  readonly text: string;
  readonly tone: Tone;
}

/** Omoi keeps samples of itself every 15 s: twice it may have been busy. */
const MAX_TELEMETRY_AGE_SECONDS = 45;
/** What is true besides is told as far as people read on. */
const MAX_ALSO = 2;
/** The tone of the whole is the worst of its parts. */
const WORST_FIRST: readonly Tone[] = ['bad', 'caution', 'repair', 'busy', 'calm', 'good', 'gone'];

interface Part {
  readonly text: string;
  readonly tone: Tone;
}

/** What each rank says; null where it does not hold. */
const PARTS: Readonly<Record<Rank, (situation: Situation) => Part | null>> = {
  disconnected: ({ lostSince }) =>
    lostSince === null ? null : { text: `disconnected since ${lostSince}`, tone: 'gone' },
  blind: ({ heldBy, telemetryAgeSeconds: age }) => {
    if (age !== null && age > MAX_TELEMETRY_AGE_SECONDS) {
      return { text: `telemetry is ${formatDuration(age * 1_000)} late`, tone: 'bad' };
    }
    return heldBy.includes('self_suspicion')
      ? { text: 'the watchdog distrusts what it sees', tone: 'bad' }
      : null;
  },
  storm: ({ heldBy }) =>
    heldBy.includes('storm') ? { text: 'a storm holds repairs back', tone: 'caution' } : null,
  paused: ({ heldBy }) =>
    heldBy.includes('paused') ? { text: 'the watchdog is paused', tone: 'caution' } : null,
  escalated: ({ escalated: { count, isWhole } }) =>
    count === 0
      ? null
      : { text: `${isWhole ? '' : 'more than '}${amount(count, 'repair')} given up`, tone: 'bad' },
  critical: ({ counts: { critical, error } }) => {
    if (critical > 0) return { text: amount(critical, 'critical alert'), tone: 'bad' };
    return error > 0 ? { text: `${amount(error, 'alert')} of severity error`, tone: 'bad' } : null;
  },
  unresponsive: ({ counts }) => describeIll(counts, ['UNRESPONSIVE', 'STALLED', 'FAILED'], 'bad'),
  degraded: ({ counts }) => describeIll(counts, ['DEGRADED', 'QUARANTINED'], 'caution'),
  approvals: ({ counts: { awaiting } }) =>
    awaiting === 0 ? null : { text: `${amount(awaiting, 'repair')} awaiting approval`, tone: 'caution' },
  unserved: ({ hasUnserved }) =>
    hasUnserved ? { text: 'tasks wait that no agent claims', tone: 'caution' } : null,
  firing: ({ counts: { firing, critical, error, worst } }) => {
    const named = critical > 0 ? critical : error;
    const rest = firing - named;
    if (rest === 0) return null;
    const what = named > 0 ? 'other alert' : 'alert';
    return { text: `${amount(rest, what)} firing`, tone: worst ?? 'caution' };
  },
  repairing: ({ counts: { repairing } }) =>
    repairing === 0 ? null : { text: `${amount(repairing, 'repair')} under way`, tone: 'repair' },
  empty: ({ counts: { present } }) => (present === 0 ? { text: 'no agents yet', tone: 'gone' } : null),
  well: ({ counts: { present, alive } }) => {
    const starting = present - alive;
    const others = starting === 0 ? '' : `, ${number(starting)} starting`;
    return { text: `all is well with ${amount(alive, 'agent')}${others}`, tone: 'good' };
  },
};

/** Ranks that say how calm it is: where anything else holds they do not. */
const CALM: ReadonlySet<Rank> = new Set(['empty', 'well']);

/** How things stand, in one sentence: the first rank that holds, then what is true besides. */
export function describeSituation(situation: Situation): Headline {
  const [first, ...others] = RANKS.flatMap((rank) => {
    const part = PARTS[rank](situation);
    return part === null ? [] : [{ rank, ...part }];
  });
  // The last rank always holds.
  if (first === undefined) throw new Error('no rank of the headline holds');
  // Of a server that does not answer nothing else is known.
  const also = first.rank === 'disconnected' ? [] : others.filter(({ rank }) => !CALM.has(rank));
  const told = [first, ...also.slice(0, MAX_ALSO)];
  const tones = [first, ...also].map(({ tone }) => tone);
  return {
    rank: first.rank,
    text: `${capitalized(told.map(({ text }) => text).join('; '))}.`,
    tone: WORST_FIRST.find((tone) => tones.includes(tone)) ?? first.tone,
  };
}

/** `2 unresponsive, 1 failed of 6 agents` */
function describeIll({ ill, present }: FleetCounts, statuses: readonly IllStatus[], tone: Tone): Part | null {
  const parts = statuses
    .filter((status) => ill[status] > 0)
    .map((status) => `${number(ill[status])} ${status.toLowerCase()}`);
  return parts.length === 0 ? null : { text: `${parts.join(', ')} of ${amount(present, 'agent')}`, tone };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Whether a remediation has not ended: it does, watches or waits for something. */
export function isOpen(remediation: { readonly ended_at: string | null }): boolean {
  return remediation.ended_at === null;
}

type RepairCounts = Pick<FleetCounts, 'repairing' | 'awaiting' | 'planned' | 'observed'>;

/** `3 repairs under way, 2 awaiting approval, 40 planned, 7 only observed`; null where none is open. What is only observed is no repair. */
export function describeRepairs({ repairing, awaiting, planned, observed }: RepairCounts): string | null {
  const parts = [
    [repairing, 'under way'],
    [awaiting, 'awaiting approval'],
    [planned, 'planned'],
  ] as const;
  const told = parts
    .filter(([count]) => count > 0)
    .map(([count, what], at) => `${at === 0 ? amount(count, 'repair') : number(count)} ${what}`);
  const beside = observed === 0 ? [] : [`${number(observed)} only observed`];
  return told.length + beside.length === 0 ? null : [...told, ...beside].join(', ');
}

/** What an empty list of repairs means: it is read a moment after or before their counts. */
export function describeNoRepairs(counts: RepairCounts | null): string {
  if (counts !== null && describeRepairs(counts) !== null) return 'They are being read.';
  return 'Nothing has needed a repair. What a policy may do is its mode: observe, approve or act.';
}

/** What it means that nothing waits for a decision: alerts that nobody has seen wait for somebody all the same. */
export function describeNoDecision(unacknowledged: number | null): string | undefined {
  if (unacknowledged === null) return undefined;
  if (unacknowledged === 0) return 'Nothing waits for a person.';
  const alerts = amount(unacknowledged, 'alert');
  return `${alerts} ${unacknowledged === 1 ? 'fires' : 'fire'} that nobody has acknowledged; no decision is waiting.`;
}
