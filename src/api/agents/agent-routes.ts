import type { Fleet } from '#fleet';
import { OmoiError, toRfc3339, type Clock } from '#telemetry';
import { assertMaySpeakFor } from '../access/agent-scope.ts';
import type { ApiApp } from '../http/app.ts';
import { rowsBehind, sendPagedList } from '../http/paged-list.ts';
import {
  agentDetails,
  agentParams,
  agentsAnswer,
  agentsQuery,
  agentView,
  deregisterBody,
  drainBody,
  orderBody,
  nothing,
  registerAnswer,
  registerBody,
} from './agent-schemas.ts';
import { viewAgent, viewGeneration } from './agent-view.ts';
import { assertMayJoin, assertMaySpeak, mayRead, reachIn, registrantOf, speakerOf } from './may-speak.ts';
import { registerHeartbeatRoutes } from './heartbeat-routes.ts';
import { FLEET_BOUNDS } from '../tasks/fleet-bounds.ts';
import { AGENTS, OPERATORS, READERS_AND_AGENTS } from '../access/roles.ts';

export interface AgentRouteParts {
  readonly fleet: Pick<Fleet, 'agents' | 'heartbeats' | 'directory' | 'limits'>;
  readonly clock: Clock;
}

const generationsShown = 20;

/** `/api/v1/fleet/agents`: who is in the fleet, and how agents report. */
export function registerAgentRoutes(app: ApiApp, parts: AgentRouteParts): void {
  registerReading(app, parts);
  registerReporting(app, parts);
  registerHeartbeatRoutes(app, parts);
  registerOrders(app, parts);
}

function registerReading(app: ApiApp, { fleet }: AgentRouteParts): void {
  const { directory } = fleet;
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
    handler: async ({ query, principal }, reply) => {
      const within = reachIn(fleet, principal);
      const read = async (afterAgentId: string | null, limit: number) => {
        const records = await directory.list({
          poolId: query.pool_id ?? null,
          status: query.status ?? null,
          presentOnly: query.present !== undefined,
          within,
          afterAgentId,
          limit,
        });
        return rowsBehind(records, limit, ({ row }) => row.agent_id);
      };
      const { after = null, limit } = query;
      return sendPagedList(reply, { name: 'agents', after, limit, read, view: viewAgent });
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
    handler: async ({ params, principal }) => {
      const record = await directory.get(params.agent_id);
      if (!mayRead(reachIn(fleet, principal), record.row.agent_id, record.row.pool_id)) {
        throw unknownAgent(params.agent_id);
      }
      const generations = await directory.generations(params.agent_id, generationsShown);
      const mayReadOutput = speakerOf(fleet, principal)(params.agent_id);
      return {
        ...viewAgent(record),
        generations: generations.map((row) =>
          viewGeneration(mayReadOutput ? row : { ...row, last_output: null }),
        ),
      };
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
      await assertMayJoin(fleet, principal, { agentId: body.agent_id, poolId });
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
        registeredBy: registrantOf(principal),
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
        exit: ended
          ? {
              exitCode: body.exit_code ?? null,
              signal: body.signal ?? null,
              asked: body.asked ? body.reason : null,
              expect: body.expect,
              lastOutput: body.last_output ?? null,
            }
          : null,
        traceparent,
      });
      return {};
    },
  });
}

function registerOrders(app: ApiApp, { fleet }: AgentRouteParts): void {
  const { agents, directory } = fleet;
  app.route({
    method: 'DELETE',
    url: '/api/v1/fleet/agents/:agent_id',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Forget an external agent: it leaves the fleet, whatever its process does',
      params: agentParams,
      response: { 200: agentView },
    },
    handler: async ({ params, principal, traceparent }) => {
      const { row } = await directory.get(params.agent_id);
      await agents.deregisterExternal({
        agentId: row.agent_id,
        generation: row.generation,
        reason: `removed by ${principal.name}`,
        exit: null,
        traceparent,
      });
      return viewAgent(await directory.get(params.agent_id));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/agents/:agent_id/drain',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Ask an external agent, by its next heartbeat, to finish its work, take no more and end',
      params: agentParams,
      body: drainBody,
      response: { 200: agentView },
    },
    handler: async ({ params, body, principal, traceparent }) => {
      const agent = await agents.drainExternal({
        agentId: params.agent_id,
        reason: body?.reason ?? DRAINED_BY_HAND,
        requestedBy: principal.name,
        traceparent,
      });
      return viewAgent({ row: agent.row, live: agent, pace: agent.pace });
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
        return viewAgent({ row: agent.row, live: agent, pace: agent.pace });
      },
    });
  }
}

/** Where nobody says why. */
const DRAINED_BY_HAND = 'drained by hand';

/** As for an agent that does not exist: who may not see it learns nothing. */
function unknownAgent(agentId: string): OmoiError {
  return new OmoiError('unknown_agent', `Agent ${agentId} is unknown.`, { agent_id: agentId });
}
