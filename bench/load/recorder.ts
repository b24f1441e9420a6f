import { percentile, round } from '../tsdb/numbers.ts';

export interface Latencies {
  readonly count: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  /** Had no answer when the window ended; each counts with the time that it has waited by then. */
  readonly unanswered: number;
  /** How long the oldest of these has waited by then; 0 where there is none. */
  readonly unanswered_max_ms: number;
  readonly failed: number;
}

/** Latencies from when something was due (not from when there was time to send it) to its answer. */
export class Recorder {
  #waiting = new Set<{ readonly dueMs: number }>();
  #answered: { readonly dueMs: number; readonly tookMs: number }[] = [];
  #failedAt: number[] = [];

  /** Something is due; the returned function tells that it was answered, or failed. */
  due(dueMs: number): (outcome: 'answered' | 'failed') => void {
    const one = { dueMs };
    this.#waiting.add(one);
    return (outcome) => {
      if (!this.#waiting.delete(one)) return;
      if (outcome === 'answered') this.#answered.push({ dueMs, tookMs: performance.now() - dueMs });
      else this.#failedAt.push(performance.now());
    };
  }

  /** Of what was due since `fromMs`; forgets what is older. */
  since(fromMs: number): Latencies {
    const nowMs = performance.now();
    this.#answered = this.#answered.filter(({ dueMs }) => dueMs >= fromMs);
    this.#failedAt = this.#failedAt.filter((atMs) => atMs >= fromMs);
    const unanswered = [...this.#waiting].filter(({ dueMs }) => dueMs < nowMs);
    const waitedMs = unanswered.map(({ dueMs }) => nowMs - Math.max(dueMs, fromMs));
    const tookMs = [...this.#answered.map((one) => one.tookMs), ...waitedMs];
    return {
      count: this.#answered.length,
      p50_ms: round(percentile(tookMs, 0.5), 1),
      p99_ms: round(percentile(tookMs, 0.99), 1),
      max_ms: round(longest(tookMs), 1),
      unanswered: unanswered.length,
      unanswered_max_ms: round(longest(waitedMs), 1),
      failed: this.#failedAt.length,
    };
  }

  /** The time of the newest answer, and how long it took; null where there is none. */
  get newest(): { readonly tookMs: number; readonly dueMs: number } | null {
    return this.#answered.at(-1) ?? null;
  }
}

function longest(times: readonly number[]): number {
  return times.reduce((most, one) => Math.max(most, one), 0);
}
