export interface MetricDefinition {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly unit: string;
  readonly labels: readonly string[];
  readonly help: string;
}

const gauge = (unit: string, labels: readonly string[], help: string): MetricDefinition => ({
  type: 'gauge',
  unit,
  labels,
  help,
});
const counter = (unit: string, labels: readonly string[], help: string): MetricDefinition => ({
  type: 'counter',
  unit,
  labels,
  help,
});
const histogram = (unit: string, labels: readonly string[], help: string): MetricDefinition => ({
  type: 'histogram',
  unit,
  labels,
  help,
});

/** The metrics every Omoi fleet has, in Prometheus names. docs/monitoring/metrics.md is held against it. */
export const STANDARD_METRICS = {
  tasks_queued_total: gauge('tasks', ['phase_id', 'priority'], 'Tasks that wait to be claimed. A gauge.'),
  tasks_parked: gauge(
    'tasks',
    ['phase_id', 'task_type'],
    'Tasks that used up their attempts by ending their holders, and wait for a person.',
  ),
  tasks_unserved: gauge(
    'tasks',
    ['phase_id', 'task_type'],
    'Tasks that wait and that no living agent claims, looked at each second.',
  ),
  task_running_age_seconds: gauge(
    'seconds',
    ['phase_id', 'task_type'],
    'How long the claim that runs longest has run, looked at each second; 0 where none runs.',
  ),
  tasks_completed_total: counter('tasks', ['phase_id', 'agent_id'], 'Tasks completed.'),
  tasks_failed_total: counter('tasks', ['phase_id', 'agent_id'], 'Task attempts that failed.'),
  agent_task_seconds_total: counter(
    'seconds',
    ['phase_id', 'agent_id'],
    'Time from claim to completion of the tasks that tasks_completed_total counts.',
  ),
  task_duration_seconds: histogram('seconds', ['phase_id', 'task_type'], 'Time from claim to completion.'),
  task_wait_seconds: histogram(
    'seconds',
    ['phase_id', 'task_type'],
    'Time from enqueueing to the first claim.',
  ),
  agents_active: gauge(
    'agents',
    ['agent_type', 'phase_id'],
    'Agents that are alive: IDLE, RUNNING or DEGRADED.',
  ),
  pool_agents_desired: gauge(
    'agents',
    ['pool_id'],
    'Agents that a pool is to have: its count, with what scaling adds for a while.',
  ),
  pool_agents_missing: gauge(
    'agents',
    ['pool_id'],
    'Of these, those that are not alive: not there, not started, silent, failed or quarantined.',
  ),
  agent_missing: gauge(
    'boolean',
    ['agent_id'],
    '1 while an agent of `fleet.expected` is not there: it has never come, or has left.',
  ),
  agents_by_status: gauge('agents', ['agent_type', 'status'], 'Agents in each status.'),
  agent_status: gauge(
    'boolean',
    ['agent_id', 'status'],
    '1 while an agent is DEGRADED, STALLED, UNRESPONSIVE, QUARANTINED or FAILED, 0 once it was and no longer is.',
  ),
  agent_clings_to_lost_task: gauge(
    'boolean',
    ['agent_id'],
    '1 while an agent is DEGRADED because it goes on with a task that was taken from it, 0 once it has let go.',
  ),
  agent_heartbeat_age_seconds: gauge('seconds', ['agent_id'], 'Time since the last heartbeat arrived.'),
  agent_heartbeats_missed: gauge(
    'heartbeats',
    ['agent_id'],
    'Heartbeats missed in a row; none of an agent that has ended or is quarantined.',
  ),
  agent_cpu_seconds_total: counter(
    'seconds',
    ['agent_id', 'pool_id'],
    'CPU time of the processes of an agent, where somebody looks at them; kept every 15 s.',
  ),
  agent_memory_bytes: gauge(
    'bytes',
    ['agent_id', 'pool_id'],
    'Resident memory of the processes of an agent, where somebody looks at them; kept every 15 s.',
  ),
  agent_restarts_total: counter(
    'restarts',
    ['agent_id', 'reason'],
    "Generations started after the first; the reason is Omoi's own, `watchdog`, or `asked` by a person.",
  ),
  agent_anomaly_score: gauge('score', ['agent_id'], 'How unlike its pool an agent behaves, 0 to 1.'),
  anomaly_score: gauge(
    'robust z-score',
    ['metric_name'],
    'How far a series is from its own recent past; carries the labels of the series.',
  ),
  resource_locks_active: gauge('locks', ['resource_type', 'lock_mode'], 'Locks held.'),
  lock_wait_time_seconds: histogram('seconds', ['resource_type', 'lock_mode'], 'Time a lock was waited for.'),
  handoffs_requested_total: counter(
    'handoffs',
    ['from_agent_id', 'to_agent_id'],
    'Tasks handed from agent to agent.',
  ),
} as const satisfies Record<string, MetricDefinition>;

export type StandardMetric = keyof typeof STANDARD_METRICS;

/** Upper bounds in seconds of the duration histograms. */
export const DURATION_BUCKETS_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
] as const;
