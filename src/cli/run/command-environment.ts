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

/** What the SDK reads beside what says who the agent is: what the caller has set of it holds for the command. */
const READ_BY_SDK: ReadonlySet<string> = new Set([
  'OMOI_HEARTBEAT_INTERVAL_MS',
  'OMOI_HEARTBEAT_TTL_MS',
  'OMOI_GRACE_MS',
  'OMOI_ORPHAN_TIMEOUT_MS',
  'OMOI_ON_ORPHAN',
  'OMOI_PROVIDER',
  UNIT_VARIABLE,
]);
/** Names, with commas, of what was added to this process's own environment to start it. */
const LAUNCHED_WITH = 'OMOI_LAUNCHED_WITH';

/**
 * The command's environment: what the caller has, and what it takes to be seen. What the caller has set for
 * OpenTelemetry stays. A command that uses the SDK is this same agent: it finds its nonce. What is Omoi's own (a person's
 * token, the server's configuration) is none of the command's.
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
  const { OMOI_AGENT_GENERATION: generation, ...others } = caller;
  const rest = withoutOwn(others, (name) => !given && !READ_BY_SDK.has(name));
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

/** @param isOmois of the variables that are Omoi's, those that are none of the command's */
function withoutOwn(caller: Environment, isOmois: (name: string) => boolean): Environment {
  const added = new Set([LAUNCHED_WITH, ...(caller[LAUNCHED_WITH]?.split(',') ?? [])]);
  const isOwn = (name: string): boolean => added.has(name) || (name.startsWith('OMOI_') && isOmois(name));
  return Object.fromEntries(Object.entries(caller).filter(([name]) => !isOwn(name)));
}

function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}
