import type { AgentRecord, GenerationRow } from '#fleet';
import { toRfc3339, toRfc3339OrNull } from '#telemetry';
import type { z } from 'zod';
import { agentView, type generationView } from './agent-schemas.ts';

/** An agent as the API shows it. */
export function viewAgent({ row, live, pace }: AgentRecord): z.output<typeof agentView> {
  const labels: unknown = JSON.parse(row.labels);
  const capabilities: unknown = JSON.parse(row.capabilities);
  return {
    agent_id: row.agent_id,
    agent_type: row.agent_type,
    pool_id: row.pool_id,
    phase_id: row.phase_id,
    managed: row.managed === 1,
    status: live?.status ?? row.status,
    status_reason: row.status_reason,
    status_since: toRfc3339(row.status_since_ms),
    generation: row.generation,
    labels: agentView.shape.labels.parse(labels),
    capabilities: agentView.shape.capabilities.parse(capabilities),
    heartbeat_interval_ms: pace.intervalMs,
    heartbeat_ttl_ms: pace.ttlMs,
    last_heartbeat_at: toRfc3339OrNull(live?.lastHeartbeatAtMs),
    heartbeat_age_ms: wholeOrNull(live?.heartbeatAgeMs),
    heartbeats_missed: live?.heartbeatsMissed ?? 0,
    tasks_held: live?.tasksHeld ?? 0,
    working_on: live?.workingOn ?? null,
    in_flight: live?.inFlight ?? 0,
    work_seen_at: toRfc3339OrNull(live?.workSeenAtMs),
    desired: live?.desired ?? 'run',
    registered_at: toRfc3339(row.registered_at_ms),
  };
}

/** One generation of an agent as the API shows it. */
export function viewGeneration(row: GenerationRow): z.output<typeof generationView> {
  return {
    generation: row.generation,
    state: row.state,
    reason: row.reason,
    requested_by: row.requested_by,
    opened_at: toRfc3339(row.opened_at_ms),
    registered_at: toRfc3339OrNull(row.registered_at_ms),
    ended_at: toRfc3339OrNull(row.ended_at_ms),
    exit_code: row.exit_code,
    exit_signal: row.exit_signal,
    last_output: row.last_output,
    traceparent: row.traceparent,
  };
}

function wholeOrNull(ms: number | null | undefined): number | null {
  return typeof ms === 'number' ? Math.floor(ms) : null;
}
