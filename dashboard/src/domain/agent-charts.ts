import type { Agent } from '../api/wire.ts';
import { formatDuration, formatMoment } from './age.ts';

/** A chart of an agent over time. */
export interface AgentChart {
  readonly title: string;
  /** The PromQL query for an agent, whose values are the most, or the mean, within each step. */
  readonly query: (agentId: string, stepSeconds: number) => string;
  /** A value with its unit. */
  readonly format: (value: number) => string;
  /** Why there is nothing to draw of an agent that runs. */
  readonly whyNone: string;
  /** What ends with the process, so that nothing is known of it now once that has ended. */
  readonly ofProcess?: boolean;
}

/** An agent as far as its charts depend on it. */
export type ChartedAgent = Pick<Agent, 'agent_id' | 'status' | 'last_heartbeat_at'>;

/** Shorter, a rate would see too few samples. */
const minRateSeconds = 60;
/** Processes are looked at every 15 s, twice a minute where that takes long: a shorter window would see none now and then. */
const minLookSeconds = 35;

const SILENCE = 'Silence';

export const AGENT_CHARTS: readonly AgentChart[] = [
  {
    title: 'Tasks done',
    query: (agentId, step) => `60 * sum(rate(tasks_completed_total${of(agentId)}[${rateSeconds(step)}s]))`,
    format: (value) => `${short(value)}/min`,
    whyNone: 'It has done no task in this time.',
  },
  {
    title: 'Attempts failed',
    query: (agentId, step) => `60 * sum(rate(tasks_failed_total${of(agentId)}[${rateSeconds(step)}s]))`,
    format: (value) => `${short(value)}/min`,
    whyNone: 'No attempt of it has failed in this time.',
  },
  {
    title: 'Time for a task',
    query: (agentId, step) => {
      const window = `${of(agentId)}[${rateSeconds(step)}s]`;
      return `sum(rate(agent_task_seconds_total${window})) / (sum(rate(tasks_completed_total${window})) > 0)`;
    },
    format: (value) => formatDuration(value * 1_000),
    whyNone: 'It has done no task in this time.',
  },
  {
    title: 'CPU',
    query: (agentId, step) => `100 * sum(rate(agent_cpu_seconds_total${of(agentId)}[${rateSeconds(step)}s]))`,
    format: (value) => `${short(value)} %`,
    whyNone:
      'Its processes are looked at every 15 s, where Omoi sees them; CPU shows from the second look on.',
    ofProcess: true,
  },
  {
    title: 'Memory',
    query: (agentId, step) =>
      `max(max_over_time(agent_memory_bytes${of(agentId)}[${Math.max(minLookSeconds, step)}s]))`,
    format: (value) => `${short(value / 1e6)} MB`,
    whyNone: 'Its processes are looked at every 15 s, where Omoi sees them.',
    ofProcess: true,
  },
  {
    title: SILENCE,
    query: (agentId, step) => `max_over_time(agent_heartbeat_age_seconds${of(agentId)}[${step}s])`,
    format: (value) => formatDuration(value * 1_000),
    whyNone: 'It has sent no heartbeat yet.',
  },
];

const ENDED: readonly string[] = ['FAILED', 'TERMINATED'];

/** What stands above a chart. */
export interface ChartCaption {
  readonly now: string;
  /** Null where nothing was known at any time. */
  readonly peak: string | null;
  /** Why nothing is known now; null where something is. */
  readonly why: string | null;
}

/** How a value stands now and stood at most. What is not known is no zero: it is said why. */
export function captionOf(
  { title, format, whyNone, ofProcess = false }: AgentChart,
  agent: ChartedAgent,
  { now, peak, nowMs }: { readonly now: number | null; readonly peak: number | null; readonly nowMs: number },
): ChartCaption {
  const most = peak === null ? null : format(peak);
  const heard = title === SILENCE ? lastHeardOf(agent, nowMs) : null;
  if (heard !== null) return { now: heard, peak: most, why: null };
  const hasEnded = ENDED.includes(agent.status);
  if (now !== null && !(hasEnded && ofProcess)) return { now: format(now), peak: most, why: null };
  return { now: 'no data', peak: most, why: hasEnded ? 'It does not run.' : whyNone };
}

/** When one was heard last that is not heard any more; null for one that is, and where it is not known. */
export function lastHeardOf(
  { status, last_heartbeat_at: at }: Pick<Agent, 'status' | 'last_heartbeat_at'>,
  nowMs: number,
): string | null {
  if (at === null || !(ENDED.includes(status) || status === 'UNRESPONSIVE')) return null;
  return `last heard ${formatMoment(Date.parse(at), nowMs)}`;
}

/** A number in three digits, as short as it can be read. */
export function short(value: number): string {
  return SHORT.format(value);
}

const SHORT = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

function rateSeconds(step: number): number {
  return Math.max(minRateSeconds, step);
}

function of(agentId: string): string {
  return `{agent_id=${JSON.stringify(agentId)}}`;
}
