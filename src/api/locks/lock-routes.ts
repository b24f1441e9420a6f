import type { Fleet, LockRow } from '#fleet';
import { OmoiError, toRfc3339 } from '#telemetry';
import type { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import { rowsBehind, sendPagedList } from '../http/paged-list.ts';
import { nothing } from '../agents/agent-schemas.ts';
import {
  acquireBody,
  lockHolderBody,
  lockParams,
  locksAnswer,
  locksQuery,
  lockView,
  renewedAnswer,
} from './lock-schemas.ts';
import { assertMaySpeak, mayRead, reachIn } from '../agents/may-speak.ts';
import { AGENTS, OPERATORS, READERS_AND_AGENTS } from '../access/roles.ts';

export interface LockRouteParts {
  readonly fleet: Pick<Fleet, 'agents' | 'locks' | 'limits'>;
}

/** `/api/v1/fleet/locks`: named resources that agents hold shared or alone for a while. */
export function registerLockRoutes(app: ApiApp, parts: LockRouteParts): void {
  registerReading(app, parts);
  registerHolding(app, parts);
  const { fleet } = parts;
  app.route({
    method: 'DELETE',
    url: '/api/v1/fleet/locks/:lock_id',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Take a lock away from whoever holds it',
      params: lockParams,
      response: { 200: nothing },
    },
    handler: async ({ params, traceparent }) => {
      await fleet.locks.break(params.lock_id, traceparent);
      return {};
    },
  });
}

function registerReading(app: ApiApp, { fleet }: LockRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/locks',
    config: { access: READERS_AND_AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Locks that are held, in the order in which they were acquired',
      querystring: locksQuery,
      response: { 200: locksAnswer },
    },
    handler: async ({ query, principal }, reply) => {
      const within = reachIn(fleet, principal);
      const read = async (afterLockId: string | null, limit: number) => {
        const locks = await fleet.locks.list({
          resourceType: query.resource_type ?? null,
          agentId: query.agent_id ?? null,
          within,
          afterLockId,
          limit,
        });
        return rowsBehind(locks, limit, ({ lock_id: lockId }) => lockId);
      };
      const { after = null, limit } = query;
      return sendPagedList(reply, { name: 'locks', after, limit, read, view: viewOf });
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/locks/:lock_id',
    config: { access: READERS_AND_AGENTS },
    schema: { tags: ['fleet'], summary: 'One lock', params: lockParams, response: { 200: lockView } },
    handler: async ({ params, principal }) => {
      const lock = await fleet.locks.get(params.lock_id);
      const poolId = fleet.agents.get(lock.agent_id)?.poolId ?? null;
      if (mayRead(reachIn(fleet, principal), lock.agent_id, poolId)) return viewOf(lock);
      throw new OmoiError('unknown_lock', `There is no lock ${lock.lock_id}.`, { lock_id: lock.lock_id });
    },
  });
}

function registerHolding(app: ApiApp, { fleet }: LockRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/locks',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Lock a resource; a lock that the agent holds in this mode already is renewed',
      body: acquireBody,
      response: { 200: lockView },
    },
    handler: async (request, reply) => {
      const { body, principal, traceparent } = request;
      assertMaySpeak(fleet, principal, body.agent_id, null);
      const wanted = {
        agentId: body.agent_id,
        generation: body.generation,
        resourceType: body.resource_type,
        resourceName: body.resource_name,
        mode: body.lock_mode,
        ttlMs: body.ttl_ms ?? fleet.limits.defaultLockTtlMs,
        waitMs: body.wait_ms,
        traceparent,
      };
      const lock = await app.waitingRequests.during({ request, reply }, (signal) =>
        fleet.locks.acquire({ ...wanted, signal }),
      );
      return viewOf(lock);
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/locks/:lock_id/renew',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Give a lock its whole time again',
      params: lockParams,
      body: lockHolderBody,
      response: { 200: renewedAnswer },
    },
    handler: async ({ params, body, principal }) => {
      assertMaySpeak(fleet, principal, body.agent_id, null);
      const holder = { agentId: body.agent_id, generation: body.generation };
      const lease = fleet.locks.renew(params.lock_id, holder);
      return { ttl_ms: lease.lengthMs, expires_at: toRfc3339(lease.untilMs) };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/locks/:lock_id/release',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Give a lock back',
      params: lockParams,
      body: lockHolderBody,
      response: { 200: nothing },
    },
    handler: async ({ params, body, principal, traceparent }) => {
      assertMaySpeak(fleet, principal, body.agent_id, null);
      const { agent_id: agentId, generation } = body;
      await fleet.locks.release(params.lock_id, { agentId, generation, traceparent });
      return {};
    },
  });
}

function viewOf(lock: LockRow): z.output<typeof lockView> {
  return {
    lock_id: lock.lock_id,
    resource_type: lock.resource_type,
    resource_name: lock.resource_name,
    lock_mode: lock.lock_mode,
    agent_id: lock.agent_id,
    generation: lock.generation,
    fencing_token: lock.fencing_token,
    ttl_ms: lock.ttl_ms,
    acquired_at: toRfc3339(lock.acquired_at_ms),
    expires_at: toRfc3339(lock.expires_at_ms),
    traceparent: lock.traceparent,
  };
}
