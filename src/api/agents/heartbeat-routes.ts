import type { Fleet } from '#fleet';
import { OmoiError } from '#telemetry';
import type { z } from 'zod';
import { AGENTS } from '../access/roles.ts';
import type { ApiApp, Principal } from '../http/app.ts';
import { agentParams } from './agent-schemas.ts';
import {
  heartbeatAnswer,
  heartbeatBody,
  heartbeatsAnswer,
  heartbeatsBody,
  type BeatOrRefusal,
} from './heartbeat-schemas.ts';
import { assertMaySpeak } from './may-speak.ts';

export interface HeartbeatRouteParts {
  readonly fleet: Pick<Fleet, 'agents' | 'heartbeats' | 'limits'>;
}

/** How agents say that they are alive: each for itself, or all of a host in one request. */
export function registerHeartbeatRoutes(app: ApiApp, parts: HeartbeatRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/agents/:agent_id/heartbeat',
    config: { access: AGENTS, reportsOnly: true },
    schema: {
      tags: ['fleet'],
      summary: 'An agent says that it is alive',
      params: agentParams,
      body: heartbeatBody,
      response: { 200: heartbeatAnswer },
    },
    handler: async ({ params, body, principal }) => take(parts, principal, { ...body, ...params }),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/agents/heartbeats',
    config: { access: AGENTS, reportsOnly: true },
    schema: {
      tags: ['fleet'],
      summary: 'Many agents, those of one host, say that they are alive; each is answered by itself',
      body: heartbeatsBody,
      response: { 200: heartbeatsAnswer },
    },
    handler: async ({ body, principal }, reply) => {
      const heartbeats = body.heartbeats.map((one) => takeOrRefuse(parts, principal, one));
      // Made here from numbers and known texts: to check each answer would cost more than the beat.
      return reply.serializer(JSON.stringify).send({ heartbeats });
    },
  });
}

type Beat = z.output<typeof heartbeatBody> & { readonly agent_id: string };
type BatchAnswer = z.output<typeof heartbeatsAnswer>['heartbeats'][number];

/** @throws OmoiError as `HeartbeatIntake.take`; `token_scope` */
function take(
  { fleet }: HeartbeatRouteParts,
  principal: Principal,
  beat: Beat,
): z.output<typeof heartbeatAnswer> {
  const { agents, heartbeats, limits } = fleet;
  assertMaySpeak(fleet, principal, beat.agent_id, null);
  const ack = heartbeats.take({
    agentId: beat.agent_id,
    generation: beat.generation,
    sequence: beat.sequence,
    degraded: beat.health === 'degraded',
    reason: beat.reason ?? null,
    inFlight: beat.in_flight,
    nonce: beat.nonce ?? null,
    ...processesOf(beat.process_activity ?? null),
  });
  const intervalMs = agents.get(beat.agent_id)?.pace.intervalMs ?? limits.heartbeats.worker.intervalMs;
  return { ...ack, heartbeat_interval_ms: intervalMs };
}

/** What it says of the processes that it stands for. */
function processesOf(said: NonNullable<Beat['process_activity']> | null) {
  if (said === null || typeof said === 'string') return { activity: said };
  const usage = { cpuSeconds: said.cpu_ms / 1000, memoryBytes: said.memory_bytes };
  return { activity: said.activity, usage };
}

/** What one beat of many is refused with is its own answer: the others count. */
function takeOrRefuse(parts: HeartbeatRouteParts, principal: Principal, one: BeatOrRefusal): BatchAnswer {
  if ('refused' in one) return refusal(one.agentId, one.refused);
  const { beat } = one;
  try {
    return { agent_id: beat.agent_id, ...take(parts, principal, beat) };
  } catch (thrown) {
    if (!(thrown instanceof OmoiError)) throw thrown;
    return refusal(beat.agent_id, thrown);
  }
}

function refusal(agentId: string, { code, message }: OmoiError): BatchAnswer {
  return { agent_id: agentId, error: code, message };
}
