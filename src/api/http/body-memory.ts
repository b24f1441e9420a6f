import type { SelfMetrics } from '#telemetry';
import type { FastifyRequest } from 'fastify';
import type { ApiApp } from './app.ts';
import { BodyBudget, BodyLease, type BudgetNames } from './body-budget.ts';
import type { TakeBytes } from './body-reader.ts';

/** Of the bodies that are not telemetry, as they came and as values. */
export interface BodyMemoryBounds {
  /** All of them together. */
  readonly maxRequestBodyBytes: number;
  /** Of which those that are large: heartbeats and claims always find room. */
  readonly maxLargeRequestBodyBytes: number;
}

export const BODY_MEMORY_BOUNDS: BodyMemoryBounds = {
  maxRequestBodyBytes: 96 * 1024 * 1024,
  maxLargeRequestBodyBytes: 64 * 1024 * 1024,
};

/** Larger ones, and those that don't say how long they are, are large. */
const maxSmallBodyBytes = 64 * 1024;

const OF_REQUESTS: BudgetNames = {
  code: 'server_busy',
  limit: 'maxRequestBodyBytes',
  bytes: ['omoi_http_body_bytes', 'Bodies of requests in memory, but for telemetry.'],
  refused: [
    'omoi_http_bodies_refused_total',
    'Requests refused because the bodies of others filled the memory for them, but for telemetry.',
  ],
};

export interface BodyMemory extends BodyMemoryBounds {
  readonly metrics: SelfMetrics;
}

/**
 * Bounds the memory of bodies that no route has a budget of its own for: `app.takeBytes` takes it for a request, and it is
 * given back when the request's connection has ended and its handler too.
 */
export function boundBodyMemory(
  app: ApiApp,
  { maxRequestBodyBytes, maxLargeRequestBodyBytes, metrics }: BodyMemory,
): void {
  const small = new BodyBudget(maxRequestBodyBytes, metrics, OF_REQUESTS);
  const large = small.part(maxLargeRequestBodyBytes, 'maxLargeRequestBodyBytes');
  const leases = new WeakMap<FastifyRequest, BodyLease>();
  const noBody: TakeBytes = () => undefined;
  app.decorate('takeBytes', (request) => {
    const lease = leases.get(request);
    return lease ? (bytes) => lease.take(bytes) : noBody;
  });
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (hasBody(request)) {
      const lease = new BodyLease(isSmall(request) ? small : large);
      leases.set(request, lease);
      reply.raw.once('close', () => lease.letGo());
    }
    done(null, payload);
  });
  app.addHook('onRoute', (route) => {
    const { handler } = route;
    route.handler = function (request, reply) {
      const answer: unknown = handler.call(this, request, reply);
      const lease = leases.get(request);
      if (lease === undefined || !(answer instanceof Promise)) return answer;
      lease.hold();
      return answer.finally(() => lease.letGo());
    };
  });
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isSmall({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length']) <= maxSmallBodyBytes;
}
