import type { Readable } from 'node:stream';
import { OmoiError, type ErrorCode, type SelfMetrics } from '#telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiApp } from './app.ts';
import type { TakeBytes } from './body-reader.ts';

/** Memory that is taken before it is used. */
export interface ByteBudget {
  /** What may be taken at once, by all together. */
  readonly maxBytes: number;
  /** What messages call that limit. */
  readonly limit: string;
  /** @throws OmoiError `ingest_busy` or `server_busy` where there is no room */
  take(bytes: number): void;
  giveBack(bytes: number): void;
}

/** Whose bodies a budget is for, as errors and metrics have it. */
export interface BudgetNames {
  readonly code: ErrorCode;
  readonly limit: string;
  readonly bytes: readonly [metricName: string, help: string];
  readonly refused: readonly [metricName: string, help: string];
}

const OF_INGEST: BudgetNames = {
  code: 'ingest_busy',
  limit: 'maxIngestBodyBytes',
  bytes: ['omoi_ingest_body_bytes', 'Bodies of ingest requests in memory.'],
  refused: [
    'omoi_ingest_bodies_refused_total',
    'Requests refused because the bodies of others filled the memory for them.',
  ],
};

/**
 * The memory for bodies of requests that are coming in, or that wait until their samples are stored: senders are
 * many, bodies large, and one that stalls in the middle keeps what it has sent. Counted is what has arrived, not
 * what a header promises.
 */
export class BodyBudget implements ByteBudget {
  readonly maxBytes: number;
  readonly limit: string;
  readonly #code: ErrorCode;
  readonly #refused;
  #usedBytes = 0;

  /** @param maxBytes of all bodies together */
  constructor(maxBytes: number, selfMetrics: SelfMetrics, names: BudgetNames = OF_INGEST) {
    this.maxBytes = maxBytes;
    this.limit = names.limit;
    this.#code = names.code;
    this.#refused = selfMetrics.counter(...names.refused);
    selfMetrics.gauge(...names.bytes, () => this.#usedBytes);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.maxBytes) throw this.#busy(this.maxBytes, this.limit);
    this.#usedBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  /** A part of the budget that one kind of senders may use up at most, so that it leaves room for the others. */
  part(maxBytes: number, limit = this.limit): ByteBudget {
    let usedBytes = 0;
    return {
      maxBytes,
      limit,
      take: (bytes) => {
        if (usedBytes + bytes > maxBytes) throw this.#busy(maxBytes, limit);
        this.take(bytes);
        usedBytes += bytes;
      },
      giveBack: (bytes) => {
        usedBytes -= bytes;
        this.giveBack(bytes);
      },
    };
  }

  #busy(maxBytes: number, limit: string): OmoiError {
    this.#refused.add(1);
    return new OmoiError(
      this.#code,
      `the bodies of other requests take up the ${maxBytes} bytes for them (${limit})`,
    );
  }
}

/** What one request's body takes: until its connection has ended and its handler too. */
export class BodyLease {
  readonly #budget: ByteBudget;
  #bytes = 0;
  #holders = 1;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** @throws OmoiError `body_too_large` where there is no room for it even if there is no other; `ingest_busy`, `server_busy` */
  take(bytes: number): void {
    const { maxBytes, limit } = this.#budget;
    if (this.#bytes + bytes > maxBytes) {
      throw new OmoiError(
        'body_too_large',
        `the body takes more than ${maxBytes} bytes of memory on its way (${limit})`,
      );
    }
    this.#budget.take(bytes);
    this.#bytes += bytes;
  }

  hold(): void {
    this.#holders++;
  }

  letGo(): void {
    if (--this.#holders > 0) return;
    this.#budget.giveBack(this.#bytes);
    this.#bytes = 0;
  }
}

/** Runs what works with a body, which stays in memory until that is done, though its sender may have gone. */
export type HoldBody = <Result>(
  request: FastifyRequest,
  work: (take: TakeBytes) => Promise<Result>,
) => Promise<Result>;

/** Reads the bodies of all routes of the scope as they come, whatever their type, and has them counted. */
export function takeBodies(scope: ApiApp, budget: ByteBudget): HoldBody {
  const leases = new WeakMap<FastifyRequest, BodyLease>();
  scope.addHook('preParsing', (request, reply: FastifyReply, payload, done) => {
    const lease = new BodyLease(budget);
    leases.set(request, lease);
    reply.raw.once('close', () => lease.letGo());
    done(null, payload);
  });
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (request: FastifyRequest, payload: Readable) =>
    scope.bodyReader.read(request, payload, (bytes) => leases.get(request)?.take(bytes)),
  );
  return async (request, work) => {
    const lease = leases.get(request);
    lease?.hold();
    try {
      return await work((bytes) => lease?.take(bytes));
    } finally {
      lease?.letGo();
    }
  };
}
