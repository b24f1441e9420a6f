import type { AgentRecord, Fleet, GenerationRow } from '#fleet';
import { toRfc3339, type Clock } from '#telemetry';
import type { z } from 'zod';
import { assertMaySpeakFor } from '../access/agent-scope.ts';
import type { ApiApp, Principal } from '../http/app.ts';
import {
  agentDetails,
  agentParams,
  agentsAnswer,
  agentsQuery,
  agentView,
  deregisterBody,
  heartbeatAnswer,
  heartbeatBody,
  orderBody,
  nothing,
  registerAnswer,
  registerBody,
  type generationView,
} from './agent-schemas.ts';
import { FLEET_BOUNDS } from '../tasks/fleet-bounds.ts';
import { AGENTS, OPERATORS, READERS_AND_AGENTS } from '../access/roles.ts';

export interface AgentRouteParts {
  readonly fleet: Pick<Fleet, 'agents' | 'directory' | 'limits'>;
  readonly clock: Clock;
}

const generationsShown = 20;

/** `/api/v1/fleet/agents`: who is in the fleet, and how agents report. */
export function registerAgentRoutes(app: ApiApp, parts: AgentRouteParts): void {
  registerReading(app, parts);
  registerReporting(app, parts);
  registerOrders(app, parts);
}

function registerReading(app: ApiApp, { fleet }: AgentRouteParts): void {
  const { directory, limits } = fleet;
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/agents',
    config: { access: READERS_AND_AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Agents by id, also those that ended',
      querystring: agentsQuery,
      response: { 200: agentsAnswer },
    },
    handler: async ({ query }) => {
      const records = await directory.list({
        poolId: query.pool_id ?? null,
        status: query.status ?? null,
        afterAgentId: query.after ?? null,
        limit: query.limit,
      });
      const agents = records.map((record) => viewOf(record, limits));
      return { agents: query.status ? agents.filter(({ status }) => status === query.status) : agents };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/agents/:agent_id',
    config: { access: READERS_AND_AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'One agent and its generations',
      params: agentParams,
      response: { 200: agentDetails },
    },
    handler: async ({ params }) => {
      const record = await directory.get(params.agent_id);
      const generations = await directory.generations(params.agent_id, generationsShown);
      return { ...viewOf(record, limits), generations: generations.map(viewGeneration) };
    },
  });
}

function registerReporting(app: ApiApp, { fleet, clock }: AgentRouteParts): void {
  const { agents, limits } = fleet;
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/agents',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Register a process as an agent; the same process may repeat it',
      body: registerBody,
      response: { 200: registerAnswer },
    },
    handler: async ({ body, principal, traceparent }) => {
      const poolId = body.pool_id ?? null;
      assertMaySpeakFor(principal, { agentId: body.agent_id, poolId });
      assertMaySpeak(fleet, principal, body.agent_id, poolId);
      const { agent, fresh } = await agents.register({
        agentId: body.agent_id,
        agentType: body.agent_type,
        poolId,
        phaseId: body.phase_id ?? null,
        generation: body.generation ?? null,
        nonce: body.nonce,
        newGeneration: body.new_generation,
        labels: body.labels,
        capabilities: body.capabilities,
        heartbeatIntervalMs: body.heartbeat_interval_ms ?? null,
        heartbeatTtlMs: body.heartbeat_ttl_ms ?? null,
        traceparent,
      });
      return {
        agent_id: agent.agentId,
        generation: agent.generation,
        status: agent.status,
        fresh,
        heartbeat_interval_ms: agent.pace.intervalMs,
        heartbeat_ttl_ms: agent.pace.ttlMs,
        default_lease_ms: limits.defaultLeaseMs,
        max_wait_ms: FLEET_BOUNDS.maxWaitMs,
        server_time: toRfc3339(clock.wallMs()),
      };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/agents/:agent_id/heartbeat',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'An agent says that it is alive',
      params: agentParams,
      body: heartbeatBody,
      response: { 200: heartbeatAnswer },
    },
    handler: async ({ params, body, principal }) => {
      assertMaySpeak(fleet, principal, params.agent_id, null);
      const ack = agents.heartbeat({
        agentId: params.agent_id,
        generation: body.generation,
        sequence: body.sequence,
        degraded: body.health === 'degraded',
        reason: body.reason ?? null,
        inFlight: body.in_flight,
        nonce: body.nonce ?? null,
      });
      const intervalMs = agents.get(params.agent_id)?.pace.intervalMs ?? limits.heartbeats.worker.intervalMs;
      return { ...ack, heartbeat_interval_ms: intervalMs };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/agents/:agent_id/deregister',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'An agent leaves; what it held is free',
      params: agentParams,
      body: deregisterBody,
      response: { 200: nothing },
    },
    handler: async ({ params, body, principal, traceparent }) => {
      assertMaySpeak(fleet, principal, params.agent_id, null);
      const ended = typeof body.exit_code === 'number' || typeof body.signal === 'string';
      await agents.deregister({
        agentId: params.agent_id,
        generation: body.generation,
        reason: body.reason,
        exit: ended ? { exitCode: body.exit_code ?? null, signal: body.signal ?? null } : null,
        traceparent,
      });
      return {};
    },
  });
}

function registerOrders(app: ApiApp, { fleet }: AgentRouteParts): void {
  const { agents, directory, limits } = fleet;
  app.route({
    method: 'DELETE',
    url: '/api/v1/fleet/agents/:agent_id',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Strike an external agent off, whatever its process does',
      params: agentParams,
      response: { 200: agentView },
    },
    handler: async ({ params, principal, traceparent }) => {
      const { row } = await directory.get(params.agent_id);
      await agents.strikeOff({
        agentId: row.agent_id,
        generation: row.generation,
        reason: `struck off by ${principal.name}`,
        exit: null,
        traceparent,
      });
      return viewOf(await directory.get(params.agent_id), limits);
    },
  });
  for (const operation of ['quarantine', 'release'] as const) {
    app.route({
      method: 'POST',
      url: `/api/v1/fleet/agents/:agent_id/${operation}`,
      config: { access: OPERATORS },
      schema: {
        tags: ['fleet'],
        summary:
          operation === 'quarantine'
            ? 'Give an agent no more work'
            : 'End a quarantine: give the agent work again',
        params: agentParams,
        body: orderBody,
        response: { 200: agentView },
      },
      handler: async ({ params, body, traceparent }) => {
        const agent = await agents[operation]({ agentId: params.agent_id, reason: body.reason, traceparent });
        return viewOf({ row: agent.row, live: agent }, limits);
      },
    });
  }
}

/** Checks the token against the agent as it is known; `poolId` counts for one that is not known yet. */
export function assertMaySpeak(
  fleet: Pick<Fleet, 'agents'>,
  principal: Principal,
  agentId: string,
  poolId: string | null,
): void {
  const known = fleet.agents.get(agentId);
  assertMaySpeakFor(principal, { agentId, poolId: known ? known.poolId : poolId });
}

function viewOf({ row, live }: AgentRecord, limits: Fleet['limits']): z.output<typeof agentView> {
  const usual = limits.heartbeats[row.agent_type];
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
    heartbeat_interval_ms: row.heartbeat_interval_ms ?? usual.intervalMs,
    heartbeat_ttl_ms: row.heartbeat_ttl_ms ?? usual.ttlMs,
    last_heartbeat_at: timeOf(live?.lastHeartbeatAtMs),
    heartbeat_age_ms: live?.heartbeatAgeMs ?? null,
    heartbeats_missed: live?.heartbeatsMissed ?? 0,
    tasks_held: live?.tasksHeld ?? 0,
    in_flight: live?.inFlight ?? 0,
    work_seen_at: timeOf(live?.workSeenAtMs),
    desired: live?.desired ?? 'run',
    registered_at: toRfc3339(row.registered_at_ms),
  };
}

function viewGeneration(row: GenerationRow): z.output<typeof generationView> {
  return {
    generation: row.generation,
    state: row.state,
    reason: row.reason,
    requested_by: row.requested_by,
    opened_at: toRfc3339(row.opened_at_ms),
    registered_at: timeOf(row.registered_at_ms),
    ended_at: timeOf(row.ended_at_ms),
    exit_code: row.exit_code,
    exit_signal: row.exit_signal,
    traceparent: row.traceparent,
  };
}

/** RFC 3339, or null where there is no time. */
export function timeOf(epochMs: number | null | undefined): string | null {
  return epochMs === null || epochMs === undefined ? null : toRfc3339(epochMs);
}
