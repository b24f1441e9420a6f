import type { ErrorCode } from '#telemetry';

export interface Completion {
  readonly taskId: string;
  readonly agentId: string;
  readonly generation: number;
}

export interface Refusal {
  readonly call: string;
  readonly code: ErrorCode;
}

/** What the world outside the server knows: what it was told, and what it has done itself. */
export class Ledger {
  /** Tasks whose enqueuing was acknowledged. */
  readonly enqueued = new Set<string>();
  /** Completions that were acknowledged. */
  readonly completed: Completion[] = [];
  /** Answers to agents whose work had been given to somebody else. */
  readonly lateRefusals: Refusal[] = [];
  /** When servers took heartbeats of an agent's generation, monotonic ms; by `agent/generation`. */
  readonly #beats = new Map<string, number[]>();
  /** When processes of an agent's generation were stopped, monotonic ms; by `agent/generation`. */
  readonly #standstills = new Map<string, { readonly fromMs: number; untilMs: number }[]>();
  /** What no caller may ever see: errors outside the catalogue. */
  readonly surprises: string[] = [];
  /** When a stall or an outage of the server ended last, monotonic ms, and what it was. */
  readonly blindness: { readonly what: 'stall' | 'outage'; readonly fromMs: number; untilMs: number }[] = [];
  /** Broken files that were taken, or that changed something. */
  readonly brokenFilesTaken: string[] = [];
  /** When each server process was launched, monotonic ms; it may act before it has started in full. */
  readonly launches: number[] = [];
  /** When each server process had started, monotonic ms. */
  readonly starts: number[] = [];
  wallSteps = 0;

  /** A process that has died is not stalled any more; the next one never was. */
  died(atMs: number): void {
    for (const blind of this.blindness)
      if (blind.what === 'stall') blind.untilMs = Math.min(blind.untilMs, atMs);
  }

  heard(agentId: string, generation: number, atMs: number): void {
    const key = `${agentId}/${generation}`;
    const known = this.#beats.get(key);
    if (known) known.push(atMs);
    else this.#beats.set(key, [atMs]);
  }

  stopped(agentId: string, generation: number, atMs: number): void {
    const key = `${agentId}/${generation}`;
    const standstill = { fromMs: atMs, untilMs: Number.POSITIVE_INFINITY };
    this.#standstills.set(key, [...(this.#standstills.get(key) ?? []), standstill]);
  }

  continued(agentId: string, generation: number, atMs: number): void {
    const last = this.#standstills.get(`${agentId}/${generation}`)?.at(-1);
    if (last) last.untilMs = Math.min(last.untilMs, atMs);
  }

  /** Whether a process of the generation was stopped at some time of a stretch. */
  stoodStill(agentId: string, generation: number, stretch: { fromMs: number; untilMs: number }): boolean {
    const standstills = this.#standstills.get(`${agentId}/${generation}`) ?? [];
    return standstills.some(({ fromMs, untilMs }) => fromMs <= stretch.untilMs && untilMs >= stretch.fromMs);
  }

  /** The last beat of a generation that was taken by then; null before the first. */
  lastBeat(agentId: string, generation: number, atMs: number): number | null {
    return this.#beats.get(`${agentId}/${generation}`)?.findLast((beatMs) => beatMs <= atMs) ?? null;
  }
}
