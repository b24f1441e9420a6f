import type { Asked, Pools, PoolView } from '#fleet';
import { newPoolBody, poolChangeBody, toRfc3339 } from '#telemetry';
import type { FastifyRequest } from 'fastify';
import type { ApiApp } from '../http/app.ts';
import { rowsBehind, sendPagedList } from '../http/paged-list.ts';
import {
  agentParams,
  nothing,
  poolParams,
  poolsAnswer,
  poolsQuery,
  poolView,
  restartAnswer,
  restartBody,
  scaleBody,
  scaleOverrideAnswer,
  scaleOverrideBody,
  scaleOverrideParams,
  stopBody,
} from './pool-schemas.ts';
import { viewPool } from './pool-view.ts';
import { ADMINS, OPERATORS, READERS } from '../access/roles.ts';

export interface PoolRouteParts {
  readonly pools: Pick<
    Pools,
    | 'list'
    | 'get'
    | 'create'
    | 'update'
    | 'remove'
    | 'setScaleOverride'
    | 'removeScaleOverride'
    | 'restart'
    | 'stop'
  >;
}

/** `/api/v1/fleet/pools`, and the orders to start and stop their agents. */
export function registerPoolRoutes(app: ApiApp, parts: PoolRouteParts): void {
  registerReading(app, parts);
  registerDefining(app, parts);
  registerScaling(app, parts);
  registerAgentOrders(app, parts);
}

/** What is shown of a pool says little of its size: it has up to a thousand replicas, and its environment is not shown. */
const POOLS_AT_ONCE = 5;

const idOf = ({ definition }: PoolView): string => definition.id;

function registerReading(app: ApiApp, { pools }: PoolRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/pools',
    config: { access: READERS },
    schema: {
      tags: ['fleet'],
      summary: 'Pools by id, with their replicas',
      querystring: poolsQuery,
      response: { 200: poolsAnswer },
    },
    handler: async ({ query: { after = null, limit } }, reply) => {
      const read = async (afterPoolId: string | null, asked: number) => {
        const atOnce = Math.min(asked, POOLS_AT_ONCE);
        return rowsBehind(await pools.list({ afterPoolId, limit: atOnce }), atOnce, idOf);
      };
      return sendPagedList(reply, { name: 'pools', after, limit, read, view: viewPool });
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/pools/:pool_id',
    config: { access: READERS },
    schema: { tags: ['fleet'], summary: 'One pool', params: poolParams, response: { 200: poolView } },
    handler: async ({ params }) => viewPool(await pools.get(params.pool_id)),
  });
}

function registerDefining(app: ApiApp, { pools }: PoolRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/pools',
    config: { access: ADMINS },
    schema: { tags: ['fleet'], summary: 'Create a pool', body: newPoolBody, response: { 201: poolView } },
    handler: async (request, reply) => {
      const created = await pools.create(request.body, askedBy(request, 'created'));
      return reply.status(201).send(viewPool(created));
    },
  });
  app.route({
    method: 'PATCH',
    url: '/api/v1/fleet/pools/:pool_id',
    config: { access: ADMINS },
    schema: {
      tags: ['fleet'],
      summary: 'Change a pool; its replicas are brought to a new command or environment in turn',
      params: poolParams,
      body: poolChangeBody,
      response: { 200: poolView },
    },
    handler: async (request) =>
      viewPool(await pools.update(request.params.pool_id, request.body, askedBy(request, 'changed'))),
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
      return viewPool(await pools.update(request.params.pool_id, { desired }, askedBy(request, reason)));
    },
  });
  app.route({
    method: 'PUT',
    url: '/api/v1/fleet/pools/:pool_id/scale-overrides/:override_id',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Add agents to a pool until the override expires; repeating it moves the expiry',
      params: scaleOverrideParams,
      body: scaleOverrideBody,
      response: { 200: scaleOverrideAnswer },
    },
    handler: async (request) => {
      const { add, ttl_ms: ttlMs, reason } = request.body;
      const { pool_id: poolId, override_id: overrideId } = request.params;
      const asked = askedBy(request, reason);
      const scaled = await pools.setScaleOverride({ poolId, overrideId, add, ttlMs, ...asked });
      return { effective: scaled.effective, expires_at: toRfc3339(scaled.expiresAtMs) };
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/fleet/pools/:pool_id/scale-overrides/:override_id',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Take a scale override back; its agents finish their work and leave',
      params: scaleOverrideParams,
      response: { 200: poolView },
    },
    handler: async (request) => {
      const { pool_id: ofPool, override_id: overrideId } = request.params;
      await pools.removeScaleOverride({ overrideId, ofPool }, askedBy(request, 'scale override taken back'));
      return viewPool(await pools.get(ofPool));
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
      summary: 'Restart an agent: one at work finishes first, one that hangs is ended at once',
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
