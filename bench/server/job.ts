/** What the generator does over and over, for each of its agents. */
export type Work =
  | { readonly kind: 'heartbeat' }
  /** The agents of one host in one request. */
  | { readonly kind: 'heartbeats'; readonly agentsOfHost: number }
  /** `one_by_one`: a request for each result, `together`: one for all that were claimed at once. */
  | {
      readonly kind: 'claim_and_complete';
      readonly upTo: number;
      readonly completed: 'one_by_one' | 'together';
    }
  /** An instant query of one series. */
  | { readonly kind: 'query'; readonly path: string };

/**
 * `closed`: each agent goes on when it has its answer; what the server bears at most. `open`: so many a second are due,
 * whatever the server does, and latency counts from then.
 */
export type Pace = { readonly kind: 'closed' } | { readonly kind: 'open'; readonly perSecond: number };

export interface Job {
  readonly url: string;
  readonly token: string | null;
  readonly agents: number;
  readonly work: Work;
  readonly pace: Pace;
  readonly forMs: number;
}

export interface JobResult {
  /** Heartbeats, tasks or queries that were answered. */
  readonly done: number;
  readonly per_second: number;
  /** Of a request; of a claim and its completions together where there are several. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  readonly claim_p99_ms?: number;
  readonly unanswered: number;
  readonly failed: number;
  readonly generator_cpu_seconds: number;
}

/** What the agents' token may speak for. */
export const BENCH_POOL = 'bench';
