import { Transform, pipeline } from 'node:stream';
import { OmoiError, type SelfMetrics } from '#telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiApp } from './app.ts';

/**
 * The memory for bodies of requests that are coming in, or that wait until their samples are stored: senders are
 * many, bodies large, and one that stalls in the middle keeps what it has sent. Counted is what has arrived, not
 * what a header promises.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  readonly #refused;
  #usedBytes = 0;

  /** @param maxBytes of all bodies together */
  constructor(maxBytes: number, selfMetrics: SelfMetrics) {
    this.#maxBytes = maxBytes;
    this.#refused = selfMetrics.counter(
      'omoi_ingest_bodies_refused_total',
      'Requests refused because the bodies of others filled the memory for them.',
    );
    selfMetrics.gauge(
      'omoi_ingest_body_bytes',
      'Bodies of ingest requests in memory.',
      () => this.#usedBytes,
    );
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** @throws OmoiError `ingest_busy` where there is no room */
  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.#maxBytes) {
      this.#refused.add(1);
      throw new OmoiError(
        'ingest_busy',
        `the bodies of other requests take up the ${this.#maxBytes} bytes for them (maxIngestBodyBytes)`,
      );
    }
    this.#usedBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

/** What one request's body takes: until its connection has ended and its handler too. */
class BodyLease {
  readonly #budget: BodyBudget;
  #bytes = 0;
  #holders = 1;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  take(bytes: number): void {
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
export type HoldBody = <Result>(request: FastifyRequest, work: () => Promise<Result>) => Promise<Result>;

/** Has the bodies of all routes of the scope counted. */
export function countBodies(scope: ApiApp, budget: BodyBudget): HoldBody {
  const leases = new WeakMap<FastifyRequest, BodyLease>();
  scope.addHook('preParsing', (request, reply: FastifyReply, payload, done) => {
    const lease = new BodyLease(budget);
    leases.set(request, lease);
    reply.raw.once('close', () => lease.letGo());
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, passed) {
        try {
          lease.take(chunk.length);
          passed(null, chunk);
        } catch (thrown) {
          passed(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      },
    });
    // Whoever reads the body hears of its end, and of its failure.
    pipeline(payload, counted, () => undefined);
    done(null, counted);
  });
  return async (request, work) => {
    const lease = leases.get(request);
    lease?.hold();
    try {
      return await work();
    } finally {
      lease?.letGo();
    }
  };
}
