import { poolVariables, type PoolDefinition } from '#telemetry';
import type { Confinement } from '../runtimes/confinement.ts';
import type { WorkerConnection } from './pool-parts.ts';

export interface WorkerIdentity {
  readonly agentId: string;
  readonly generation: number;
  readonly nonce: string;
  readonly token: string;
  readonly traceparent: string;
}

/** What a worker finds in its environment. The pool's own variables can't replace who the worker is. */
export function workerEnvironment(
  pool: PoolDefinition,
  worker: WorkerIdentity,
  connection: WorkerConnection,
): Readonly<Record<string, string>> {
  const { agentId, generation } = worker;
  return {
    ...inheritedBy(pool, connection.inheritedEnv),
    OTEL_SERVICE_NAME: pool.id,
    ...pool.env,
    ...poolVariables(pool),
    OMOI_URL: connection.url,
    OMOI_AGENT_ID: agentId,
    OMOI_AGENT_GENERATION: String(generation),
    OMOI_AGENT_NONCE: worker.nonce,
    OMOI_AGENT_TOKEN: worker.token,
    OMOI_POOL_ID: pool.id,
    TRACEPARENT: worker.traceparent,
    OTEL_RESOURCE_ATTRIBUTES: resourceAttributes({
      'service.instance.id': agentId,
      'omoi.agent.id': agentId,
      'omoi.agent.generation': String(generation),
      'omoi.pool.id': pool.id,
      ...(pool.phaseId !== null && { 'omoi.phase.id': pool.phaseId }),
    }),
    ...(connection.otlpUrl !== null && {
      OTEL_EXPORTER_OTLP_ENDPOINT: connection.otlpUrl,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(`Bearer ${worker.token}`)}`,
    }),
  };
}

/** Who runs as another user has that user's home and name. */
function inheritedBy(
  { user }: PoolDefinition,
  inherited: WorkerConnection['inheritedEnv'],
): WorkerConnection['inheritedEnv'] {
  if (user === null) return inherited;
  const { HOME: _home, USER: _user, TMPDIR: _temporary, ...rest } = inherited;
  return rest;
}

/** As whom a pool's agents run, and within which limits. */
export function confinementOf(pool: PoolDefinition): Confinement {
  const { user, group, noNewPrivileges, maxMemoryBytes, maxProcesses, maxOpenFiles } = pool;
  return { user, group, noNewPrivileges, maxMemoryBytes, maxProcesses, maxOpenFiles };
}

/** `key=value,key=value`, values percent-encoded (OpenTelemetry resource SDK specification). */
export function resourceAttributes(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join(',');
}
