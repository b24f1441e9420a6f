import cookie from '@fastify/cookie';
import fastify, { type FastifyRequest } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { createId, type OmoiError, type Clock, type Logger, type Random, type SelfMetrics } from '#telemetry';
import type { Access } from './access/access.ts';
import { auditChanges } from './access/audit-hook.ts';
import { admit } from './access/guard.ts';
import { WaitingRequests } from './access/waiting-requests.ts';
import type { ApiApp } from './http/app.ts';
import { BODY_MEMORY_BOUNDS, boundBodyMemory, type BodyMemoryBounds } from './http/body-memory.ts';
import { BodyReader } from './http/body-reader.ts';
import { serveDashboard } from './dashboard/dashboard-files.ts';
import { EventStreams, type EventSource } from './streams/event-streams.ts';
import type { MetricFamily } from './metrics/exposition.ts';
import { acceptJsonBodies } from './http/json-body.ts';
import { CONNECTION_BOUNDS, type ConnectionBounds } from './http/connection-limits.ts';
import { createHttpServer, createListeners, type AddressesOf, type Listeners } from './http/listeners.ts';
import { serveOpenApi } from './http/openapi.ts';
import { createProcessMetrics } from './metrics/process-metrics.ts';
import { answerUnknownPaths, createFailureAnswer, refuseConnection } from './http/failures.ts';
import { checkRequests } from './http/request-checks.ts';
import { countRequests } from './http/request-metrics.ts';
import { rememberRoutePaths } from './http/route-paths.ts';
import { refuseUnknownKeys } from './http/unknown-keys.ts';
import { compileValidator } from './http/validate-requests.ts';
import { registerAuditRoute } from './access/audit-route.ts';
import { registerEventStreamRoute } from './streams/event-stream-route.ts';
import { registerDocsPages } from './docs/docs-pages.ts';
import { registerHealthRoutes } from './health/health-routes.ts';
import { registerMetricsPage } from './metrics/metrics-page.ts';
import { registerSessionRoutes } from './access/session-routes.ts';
import { registerTokenRoutes } from './access/token-routes.ts';

export interface ApiLimits {
  /** Of a request's body, unless its route names another. */
  readonly maxBodyBytes: number;
}

export interface ApiOptions {
  readonly version: string;
  /** Host names that the server goes by, besides loopback and the address it listens on. */
  readonly allowedHosts: readonly string[];
  /** The built dashboard; null where there is none. */
  readonly dashboardDirectory: string | null;
  /** The documentation of this installation; null where there is none. */
  readonly docsDirectory: string | null;
}

export interface ApiParts {
  readonly access: Access;
  readonly events: EventSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  /** The standard metrics of the fleet for `/metrics`. */
  standardMetrics(): Iterable<MetricFamily>;
  /** The names of the parts that are not ready to serve. */
  notReady(): readonly string[];
  /** What of others its changes wait for, though it is ready; null: nothing. */
  waitsFor(): string | null;
  /** Why the server can't say that it is the one in charge of the state; null while it can. */
  doubt(): OmoiError | null;
  /** Adds the routes of the parts. */
  register(app: ApiApp): void;
  readonly limits: ApiLimits;
  /** What connections may take; `CONNECTION_BOUNDS` where it is left out. */
  readonly connections?: ConnectionBounds;
  /** What bodies may take of memory; `BODY_MEMORY_BOUNDS` where it is left out. */
  readonly bodyMemory?: BodyMemoryBounds;
  /** How `localhost` is looked up; by the system where it is left out. */
  readonly addressesOf?: AddressesOf;
  readonly options: ApiOptions;
}

/** The HTTP server: built, but not listening yet. */
export interface Api extends Listeners {
  readonly app: ApiApp;
  /** What waits inside a request is answered, live streams end, and what still hangs after a grace is cut off. */
  close(): Promise<void>;
}

const maxParamCharacters = 500;
/** How long requests may go on once the server stops. */
const closeGraceMs = 5_000;

/**
 * Builds the HTTP server: who may call what, what is wrong with a request, and how it is told are decided here,
 * so that the routes of the parts only do their work.
 * @throws Error when a route states no access, or would drop what a request says: a programmer's mistake
 */
export async function createApi(parts: ApiParts): Promise<Api> {
  const { access, clock, logger, options, connections = CONNECTION_BOUNDS } = parts;
  const closing = new AbortController();
  const fail = createFailureAnswer(logger);
  const app: ApiApp = fastify({
    serverFactory: (route) => createHttpServer(connections, route),
    bodyLimit: parts.limits.maxBodyBytes,
    requestTimeout: connections.requestTimeoutMs,
    keepAliveTimeout: connections.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: maxParamCharacters },
    // Requests that arrive while the server stops get an error of the catalogue instead of Fastify's own.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void fail(error, request, reply),
    clientErrorHandler: refuseConnection,
    schemaController: { compilersFactory: { buildValidator: notUsed, buildSerializer: notUsed } },
    genReqId: () => createId('req', clock.wallMs(), parts.random),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(serializerCompiler);
  app.decorate('closing', closing.signal);
  app.decorate('bodyReader', new BodyReader());

  const listeners = createListeners(app, { ...parts, bounds: connections });
  const guard = { access, isLocalOwner: (request: FastifyRequest) => listeners.isLocalOwner(request) };
  const mayContinue = (request: FastifyRequest) => isStillAdmitted(request, guard);
  app.decorate('waitingRequests', new WaitingRequests(mayContinue));
  const paths = rememberRoutePaths(app);
  // Before the first route: one that is complete by then would keep Fastify's own answers to failures.
  app.setErrorHandler(fail);
  requireAccess(app);
  refuseUnknownKeys(app);
  boundBodyMemory(app, { ...(parts.bodyMemory ?? BODY_MEMORY_BOUNDS), metrics: parts.metrics });
  acceptJsonBodies(app);
  await app.register(cookie);
  countRequests(app, parts);
  checkRequests(app, {
    allowedHosts: new Set(options.allowedHosts),
    closing: closing.signal,
    guard,
    doubt: () => parts.doubt(),
  });
  auditChanges(app, access.audit, logger);
  await serveOpenApi(app, options.version);

  const streams = new EventStreams(parts);
  access.onEnded((tokenId) => {
    streams.checkPermissions();
    app.waitingRequests.checkPermissions(tokenId);
  });
  registerHealthRoutes(app, parts);
  registerDocsPages(app, options.docsDirectory);
  registerMetricsPage(app, { ...parts, processMetrics: createProcessMetrics(clock, options.version) });
  registerSessionRoutes(app, access);
  registerTokenRoutes(app, parts);
  registerAuditRoute(app, access.audit);
  registerEventStreamRoute(app, { streams, mayContinue });
  const page = await serveDashboard(app, { directory: options.dashboardDirectory, access });
  answerUnknownPaths(app, { fail, paths, page });
  parts.register(app);
  await app.ready();

  return {
    app,
    listen: (address) => listeners.listen(address),
    listenForIngest: (address) => listeners.listenForIngest(address),
    listenLocally: (socketPath) => listeners.listenLocally(socketPath),
    async close() {
      closing.abort();
      streams.stop();
      const cutOff = clock.after(closeGraceMs, () => listeners.cutOff());
      await listeners.close();
      cutOff.cancel();
    },
  };
}

/** In the place of Fastify's own compilers, which take memory and would be loaded before ours are set. */
function notUsed(): never {
  throw new Error('schemas are compiled by zod alone');
}

function requireAccess(app: ApiApp): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access === undefined) {
      throw new Error(`${[method].flat().join('|')} ${url} does not state who may call it (config.access)`);
    }
  });
}

async function isStillAdmitted(
  request: FastifyRequest,
  guard: Parameters<typeof admit>[1],
): Promise<boolean> {
  try {
    await admit(request, guard);
    return true;
  } catch {
    return false;
  }
}
