import { randomBytes } from 'node:crypto';
import { resourceAttributes, unitIdOf, UNIT_VARIABLE } from '#fleet';
import { WATCHED_VARIABLE } from './given-identity.ts';

export interface WatchedAgent {
  readonly url: string;
  readonly token: string | null;
  readonly agentId: string;
  readonly agentType: string;
  readonly poolId: string;
  readonly phaseId: string | null;
  readonly nonce: string;
  /** Of an agent that a pool has started as this generation. */
  readonly generation: number | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The command's environment: what the caller has, and what it takes to be seen. What the caller has set for
 * OpenTelemetry stays. A command that uses the SDK is this same agent: it finds its nonce.
 */
export function commandEnvironment(caller: Environment, agent: WatchedAgent): Environment {
  const traceparent = TRACEPARENT.test(caller['TRACEPARENT'] ?? '')
    ? caller['TRACEPARENT']
    : newTraceparent();
  const attributes = resourceAttributes({
    'service.instance.id': agent.agentId,
    'omoi.agent.id': agent.agentId,
    'omoi.pool.id': agent.poolId,
  });
  const said = caller['OTEL_RESOURCE_ATTRIBUTES'];
  // A pool's own say it all; a generation of somebody else's is none of this agent's.
  const given = agent.generation !== null;
  const { OMOI_AGENT_GENERATION: generation, ...rest } = caller;
  return {
    OTEL_SERVICE_NAME: agent.poolId,
    OTEL_EXPORTER_OTLP_ENDPOINT: agent.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    ...(agent.token !== null && {
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(`Bearer ${agent.token}`)}`,
    }),
    [UNIT_VARIABLE]: unitIdOf(agent.nonce),
    ...rest,
    ...(given && { OMOI_AGENT_GENERATION: generation }),
    OTEL_RESOURCE_ATTRIBUTES: said ? (given ? said : `${attributes},${said}`) : attributes,
    TRACEPARENT: traceparent,
    OMOI_URL: agent.url,
    OMOI_AGENT_ID: agent.agentId,
    OMOI_AGENT_TYPE: agent.agentType,
    OMOI_AGENT_NONCE: agent.nonce,
    [WATCHED_VARIABLE]: agent.agentId,
    OMOI_POOL_ID: agent.poolId,
    ...(agent.phaseId !== null && { OMOI_PHASE_ID: agent.phaseId }),
    ...(agent.token !== null && { OMOI_AGENT_TOKEN: agent.token }),
  };
}

function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}
