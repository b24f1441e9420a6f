import type { Asked, PoolChange, PoolDefinition, Pools, PoolView } from '#fleet';
import { toRfc3339, toRfc3339OrNull } from '#telemetry';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import {
  agentParams,
  claimAnswer,
  claimBody,
  claimParams,
  newPool,
  nothing,
  poolChange,
  poolParams,
  poolsAnswer,
  poolView,
  restartAnswer,
  restartBody,
  scaleBody,
  stopBody,
} from './pool-schemas.ts';
import { ADMINS, OPERATORS, READERS } from '../access/roles.ts';

export interface PoolRouteParts {
  readonly pools: Pick<
    Pools,
    'list' | 'get' | 'create' | 'update' | 'remove' | 'claimScale' | 'releaseScale' | 'restart' | 'stop'
  >;
}

/** `/api/v1/fleet/pools`, and the orders to start and stop their agents. */
export function registerPoolRoutes(app: ApiApp, parts: PoolRouteParts): void {
  registerReading(app, parts);
  registerDefining(app, parts);
  registerScaling(app, parts);
  registerAgentOrders(app, parts);
}

function registerReading(app: ApiApp, { pools }: PoolRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/pools',
    config: { access: READERS },
    schema: { tags: ['fleet'], summary: 'All pools with their places', response: { 200: poolsAnswer } },
    handler: async () => ({ pools: (await pools.list()).map(viewOf) }),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/pools/:pool_id',
    config: { access: READERS },
    schema: { tags: ['fleet'], summary: 'One pool', params: poolParams, response: { 200: poolView } },
    handler: async ({ params }) => viewOf(await pools.get(params.pool_id)),
  });
}

function registerDefining(app: ApiApp, { pools }: PoolRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/pools',
    config: { access: ADMINS },
    schema: { tags: ['fleet'], summary: 'Create a pool', body: newPool, response: { 201: poolView } },
    handler: async (request, reply) => {
      const { pool_id: id, ...rest } = request.body;
      const pool: PoolDefinition = { id, ...readDefinition(rest) };
      return reply.status(201).send(viewOf(await pools.create(pool, askedBy(request, 'created'))));
    },
  });
  app.route({
    method: 'PATCH',
    url: '/api/v1/fleet/pools/:pool_id',
    config: { access: ADMINS },
    schema: {
      tags: ['fleet'],
      summary: 'Change a pool; a new command holds for generations started from then on',
      params: poolParams,
      body: poolChange,
      response: { 200: poolView },
    },
    handler: async (request) =>
      viewOf(
        await pools.update(request.params.pool_id, readChange(request.body), askedBy(request, 'changed')),
      ),
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/fleet/pools/:pool_id',
    config: { access: ADMINS },
    schema: {
      tags: ['fleet'],
      summary: 'Stop every agent of a pool; it is gone when the last has ended',
      params: poolParams,
      response: { 202: nothing },
    },
    handler: async (request, reply) => {
      await pools.remove(request.params.pool_id, askedBy(request, 'removed'));
      return reply.status(202).send({});
    },
  });
}

function registerScaling(app: ApiApp, { pools }: PoolRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/pools/:pool_id/scale',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Set how many agents a pool should have',
      params: poolParams,
      body: scaleBody,
      response: { 200: poolView },
    },
    handler: async (request) => {
      const { desired, reason } = request.body;
      return viewOf(await pools.update(request.params.pool_id, { desired }, askedBy(request, reason)));
    },
  });
  app.route({
    method: 'PUT',
    url: '/api/v1/fleet/pools/:pool_id/claims/:claim_id',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Add agents to a pool until the claim expires; repeating it moves the expiry',
      params: claimParams,
      body: claimBody,
      response: { 200: claimAnswer },
    },
    handler: async (request) => {
      const { add, ttl_ms: ttlMs, reason } = request.body;
      const { pool_id: poolId, claim_id: claimId } = request.params;
      const claimed = await pools.claimScale({ poolId, claimId, add, ttlMs, ...askedBy(request, reason) });
      return { effective: claimed.effective, expires_at: toRfc3339(claimed.expiresAtMs) };
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/fleet/pools/:pool_id/claims/:claim_id',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Take a claim back; its agents finish their work and leave',
      params: claimParams,
      response: { 200: poolView },
    },
    handler: async (request) => {
      await pools.releaseScale(request.params.claim_id, askedBy(request, 'claim taken back'));
      return viewOf(await pools.get(request.params.pool_id));
    },
  });
}

function registerAgentOrders(app: ApiApp, { pools }: PoolRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/agents/:agent_id/restart',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Start the next generation of an agent at once, and stop the present one',
      params: agentParams,
      body: restartBody,
      response: { 200: restartAnswer },
    },
    handler: async (request) => {
      const { agent_id: agentId } = request.params;
      const { expected_generation: expectedGeneration, reason } = request.body;
      const restarted = await pools.restart({
        agentId,
        ...askedBy(request, reason),
        ...(expectedGeneration !== undefined && { expectedGeneration }),
      });
      return { agent_id: agentId, ...restarted };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/agents/:agent_id/stop',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Stop an agent that Omoi started, until somebody restarts it',
      params: agentParams,
      body: stopBody,
      response: { 200: nothing },
    },
    handler: async (request) => {
      await pools.stop({ agentId: request.params.agent_id, ...askedBy(request, request.body.reason) });
      return {};
    },
  });
}

function askedBy({ principal, traceparent }: FastifyRequest, reason: string): Asked {
  return { reason, by: principal.name, traceparent };
}

type Wire = Omit<z.output<typeof newPool>, 'pool_id'>;

function readDefinition(wire: Wire): Omit<PoolDefinition, 'id'> {
  return {
    agentType: wire.agent_type,
    phaseId: wire.phase_id,
    runtime: wire.runtime,
    command: wire.command,
    cwd: wire.cwd,
    env: wire.env,
    desired: wire.desired,
    min: wire.min,
    max: wire.max,
    graceMs: wire.grace_ms,
    orphanTimeoutMs: wire.orphan_timeout_ms,
    onOrphan: wire.on_orphan,
    heartbeatIntervalMs: wire.heartbeat_interval_ms,
    heartbeatTtlMs: wire.heartbeat_ttl_ms,
  };
}

/** Only what the change names. */
function readChange(wire: z.output<typeof poolChange>): PoolChange {
  const all = readDefinition(wire as Wire);
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function viewOf(pool: PoolView): z.output<typeof poolView> {
  const { definition } = pool;
  return {
    pool_id: definition.id,
    state: pool.state,
    agent_type: definition.agentType,
    phase_id: definition.phaseId,
    runtime: definition.runtime,
    command: [...definition.command],
    cwd: definition.cwd,
    env_names: Object.keys(definition.env).sort(),
    desired: definition.desired,
    min: definition.min,
    max: definition.max,
    effective: pool.effective,
    grace_ms: definition.graceMs,
    orphan_timeout_ms: definition.orphanTimeoutMs,
    on_orphan: definition.onOrphan,
    heartbeat_interval_ms: definition.heartbeatIntervalMs,
    heartbeat_ttl_ms: definition.heartbeatTtlMs,
    spawn_failures: pool.spawnFailures,
    last_error: pool.lastError,
    next_attempt_at: toRfc3339OrNull(pool.nextAttemptAtMs),
    claims: pool.claims.map((claim) => ({
      claim_id: claim.claimId,
      add: claim.add,
      holder: claim.holder,
      reason: claim.reason,
      expires_at: toRfc3339(claim.expiresAtMs),
    })),
    slots: pool.slots.map((slot) => ({
      slot: slot.slot,
      agent_id: slot.agentId,
      generation: slot.generation,
      process: slot.process,
      wish: slot.wish,
      pid: slot.pid,
      started_at: toRfc3339OrNull(slot.startedAtMs),
      kill_at: toRfc3339OrNull(slot.killAtMs),
    })),
  };
}
