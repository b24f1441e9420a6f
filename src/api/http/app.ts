import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { PUBLIC, Role } from '../access/roles.ts';
import type { WaitingRequests } from '../access/waiting-requests.ts';
import type { BodyReader, TakeBytes } from './body-reader.ts';

/** Fastify whose routes are typed by their zod schemas. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What an agent token may speak for: the named agents, or all agents of a pool (then `agentIds` is empty). */
export interface AgentScope {
  readonly agentIds: readonly string[];
  readonly poolId: string | null;
  /** The pool that the named agents are in, or may join; it lets them speak for no other of it. */
  readonly memberOf?: string | null;
  /** Pools of others that it may put tasks into; `*` for all. */
  readonly enqueueFor?: readonly string[];
  /** How many agents it may have registered at a time; absent: as many as the configuration says. */
  readonly maxAgents?: number | null;
  /** The generation that a token of Omoi's own was made for; null for a person's, and for those of earlier versions. */
  readonly generation?: number | null;
}

/** Who a request speaks for. */
export interface Principal {
  /** `local` is whoever may open the server's Unix socket: the owner of the data directory. */
  readonly kind: 'token' | 'session' | 'local' | 'anonymous';
  /** The token's id (a session's is that of the token it stands for), 'local' or 'anonymous'. */
  readonly id: string;
  readonly name: string;
  readonly role: Role | 'none';
  /** What an agent token may speak for; null for other roles. */
  readonly scope: AgentScope | null;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The roles that may call the route, or 'public'. Every route states it; no role implies another. */
    access?: typeof PUBLIC | readonly Role[];
    /** True where loopback may come in without a token when `access.open_ingest_on_loopback` is on. */
    openOnLoopback?: boolean;
    /** The content types of the body, where it is not JSON; the routes' parsers read them. */
    takes?: readonly string[];
    /** True where the body is a list as long as it likes, up to `http.max_body_bytes`: it is read in pieces. */
    takesList?: boolean;
    /** True where a POST changes nothing, as a query too long for a URL: it is not audited and needs no CSRF token. */
    readsOnly?: boolean;
    /** True where a POST only tells what is: a heartbeat, telemetry. That is no change: it is not audited, whoever says it. */
    reportsOnly?: boolean;
  }
  interface FastifyInstance {
    /** Aborted when the server begins to stop: what waits inside a request answers then. */
    closing: AbortSignal;
    /** What waits inside a request for long goes through here: it ends with the caller's token. */
    waitingRequests: WaitingRequests;
    /** What reads the bodies of all routes. */
    bodyReader: BodyReader;
    /** Takes memory for a request's body and what it becomes, where its route has no budget of its own. */
    takeBytes: (request: FastifyRequest) => TakeBytes;
  }
  interface FastifyRequest {
    principal: Principal;
    /** W3C traceparent of the request: the caller's when it sent a valid one, else null. */
    traceparent: string | null;
  }
}
