import { formatDuration } from './age.ts';

/** A chart of an agent over time. */
export interface AgentChart {
  readonly title: string;
  /** The PromQL query for an agent, whose values are the most, or the mean, within each step. */
  readonly query: (agentId: string, stepSeconds: number) => string;
  /** A value with its unit. */
  readonly format: (value: number) => string;
}

/** Shorter, a rate would see too few samples. */
const minRateSeconds = 60;
/** Processes are looked at every 15 s. */
const minLookSeconds = 20;

export const AGENT_CHARTS: readonly AgentChart[] = [
  {
    title: 'Tasks done',
    query: (agentId, step) => `60 * sum(rate(tasks_completed_total${of(agentId)}[${rateSeconds(step)}s]))`,
    format: (value) => `${short(value)}/min`,
  },
  {
    title: 'Attempts failed',
    query: (agentId, step) => `60 * sum(rate(tasks_failed_total${of(agentId)}[${rateSeconds(step)}s]))`,
    format: (value) => `${short(value)}/min`,
  },
  {
    title: 'Time for a task',
    query: (agentId, step) => {
      const window = `${of(agentId)}[${rateSeconds(step)}s]`;
      return `sum(rate(agent_task_seconds_total${window})) / (sum(rate(tasks_completed_total${window})) > 0)`;
    },
    format: (value) => formatDuration(value * 1_000),
  },
  {
    title: 'CPU',
    query: (agentId, step) => `100 * sum(rate(agent_cpu_seconds_total${of(agentId)}[${rateSeconds(step)}s]))`,
    format: (value) => `${short(value)} %`,
  },
  {
    title: 'Memory',
    query: (agentId, step) =>
      `max(max_over_time(agent_memory_bytes${of(agentId)}[${Math.max(minLookSeconds, step)}s]))`,
    format: (value) => `${short(value / 1e6)} MB`,
  },
  {
    title: 'Silence',
    query: (agentId, step) => `max_over_time(agent_heartbeat_age_seconds${of(agentId)}[${step}s])`,
    format: (value) => formatDuration(value * 1_000),
  },
];

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
