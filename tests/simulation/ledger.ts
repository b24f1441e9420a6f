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

interface Generation {
  readonly agentId: string;
  readonly generation: number;
}

export interface Forced extends Generation {
  readonly poolId: string | null;
  readonly atMs: number;
  /** null: it was not asked before. */
  readonly askedAtMs: number | null;
}

/** `done`: exit code 0; `fails`: exit code 1; `interrupted`: its person pressed Ctrl-C. */
export type OneShotEnd = 'done' | 'fails' | 'interrupted';

/** After an outage the server tries again what it could not write, and evaluates its rules. */
const RECOVERS_WITHIN_MS = 2500;

/** What the world outside the server knows: what it was told, and what it has done itself. */
export class Ledger {
  /** How often each fault was injected. */
  readonly faults: Record<string, number> = {};
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
  /** When servers took renewals of a lease from an agent's generation, monotonic ms; by `agent/generation`. */
  readonly #renewals = new Map<string, number[]>();
  /** `agent/generation` of processes that ended by themselves, or with the machine. */
  readonly #endedByItself = new Set<string>();
  readonly #endedByReboot = new Set<string>();
  /** When Omoi first asked a process to leave, monotonic ms; by `agent/generation`. */
  readonly #asked = new Map<string, number>();
  /** Processes that Omoi ended by force. */
  readonly forced: Forced[] = [];
  /** Pids of processes that are not Omoi's, and that it ended. */
  readonly strangersKilled: number[] = [];
  /** How one-shots ended that were run beside the pools; by agent. */
  readonly oneShots = new Map<string, OneShotEnd>();
  /** Until when the server could not do all that it should, as far as is known, monotonic ms. */
  hinderedUntilMs = 0;
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
  /** When a person last said that all is well, which ends storms, monotonic ms. */
  resumedAtMs = Number.NEGATIVE_INFINITY;
  /** When the wall clock was set, monotonic ms, and by how much. */
  readonly #wallSteps: { readonly atMs: number; readonly byMs: number }[] = [];
  /** When the machine was started anew, monotonic ms. */
  readonly #reboots: number[] = [];

  injected(fault: string): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }

  wallClockWasSet(atMs: number, byMs: number): void {
    this.#wallSteps.push({ atMs, byMs });
  }

  rebooted(atMs: number): void {
    this.#reboots.push(atMs);
  }

  /**
   * How long ago something was, as far as anybody can know who writes down both clocks: of what began before a reboot the first
   * server after it asks the wall clock, once, and the boot clock counts from then on.
   */
  elapsedMs(fromMs: number, untilMs: number): number {
    return this.#elapsedMs(fromMs, untilMs, (sinceMs, atMs) => this.#steppedMs(sinceMs, atMs));
  }

  /**
   * The longest that it may have been: a server that died while it started may have asked the wall clock first, before that was set
   * again.
   */
  mostElapsedMs(fromMs: number, untilMs: number): number {
    return this.#elapsedMs(fromMs, untilMs, (sinceMs, atMs) => this.#mostSteppedMs(sinceMs, atMs));
  }

  #elapsedMs(
    fromMs: number,
    untilMs: number,
    steppedMs: (fromMs: number, untilMs: number) => number,
  ): number {
    const reboots = this.#reboots.filter((atMs) => atMs >= fromMs && atMs <= untilMs);
    const takenUp = reboots.map((atMs) =>
      Math.min(this.starts.find((startMs) => startMs >= atMs) ?? untilMs, untilMs),
    );
    let sinceMs = fromMs;
    let passedMs = 0;
    for (const atMs of new Set(takenUp)) {
      passedMs += Math.max(0, atMs - sinceMs + steppedMs(sinceMs, atMs));
      sinceMs = atMs;
    }
    return passedMs + untilMs - sinceMs;
  }

  /** By how much the wall clock was set at most, as servers saw it that began within a stretch or at its end. */
  #mostSteppedMs(fromMs: number, untilMs: number): number {
    const firstMs = this.launches.find((launchMs) => launchMs > fromMs) ?? untilMs;
    const steps = this.#wallSteps.map(({ atMs }) => atMs);
    const looks = [firstMs, ...steps].filter((atMs) => atMs >= firstMs && atMs <= untilMs);
    return Math.max(this.#steppedMs(fromMs, untilMs), ...looks.map((atMs) => this.#steppedMs(fromMs, atMs)));
  }

  /** By how much the wall clock was set within a stretch. */
  #steppedMs(fromMs: number, untilMs: number): number {
    const within = this.#wallSteps.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
    return within.reduce((sum, { byMs }) => sum + byMs, 0);
  }

  /** When a server began that knew what had begun before the last reboot by then; null where there was no reboot. */
  takenUpMs(fromMs: number, untilMs: number): number | null {
    const rebootMs = this.#reboots.findLast((atMs) => atMs >= fromMs && atMs <= untilMs);
    return rebootMs === undefined ? null : (this.starts.find((atMs) => atMs >= rebootMs) ?? untilMs);
  }

  /**
   * Since when the server could write nothing down, or did nothing at all, where that has just ended or goes on, monotonic
   * ms: what happened meanwhile it tells late. The time itself where it could.
   */
  muteSinceMs(atMs: number): number {
    const newestFirst = this.blindness
      .filter(({ fromMs }) => fromMs <= atMs)
      .toSorted((one, other) => other.untilMs - one.untilMs);
    let sinceMs = atMs;
    for (const { fromMs, untilMs } of newestFirst)
      if (untilMs >= sinceMs - RECOVERS_WITHIN_MS) sinceMs = Math.min(sinceMs, fromMs);
    return sinceMs;
  }

  /** A process that has died is not stalled any more; the next one never was. */
  died(atMs: number): void {
    for (const blind of this.blindness)
      if (blind.what === 'stall') blind.untilMs = Math.min(blind.untilMs, atMs);
  }

  hindered(untilMs: number): void {
    this.hinderedUntilMs = Math.max(this.hinderedUntilMs, untilMs);
  }

  renewed(agentId: string, generation: number, atMs: number): void {
    const key = `${agentId}/${generation}`;
    const known = this.#renewals.get(key);
    if (known) known.push(atMs);
    else this.#renewals.set(key, [atMs]);
  }

  /** The last renewal of a generation that was taken by then; null before the first. */
  lastRenewal(agentId: string, generation: number, atMs: number): number | null {
    return this.#renewals.get(`${agentId}/${generation}`)?.findLast((renewedMs) => renewedMs <= atMs) ?? null;
  }

  endedByItself({ agentId, generation }: Generation): void {
    this.#endedByItself.add(`${agentId}/${generation}`);
  }

  endedByReboot({ agentId, generation }: Generation): void {
    this.#endedByReboot.add(`${agentId}/${generation}`);
  }

  hasEndedByItself({ agentId, generation }: Generation): boolean {
    return this.#endedByItself.has(`${agentId}/${generation}`);
  }

  hasEndedByReboot({ agentId, generation }: Generation): boolean {
    return this.#endedByReboot.has(`${agentId}/${generation}`);
  }

  askedToLeave({ agentId, generation }: Generation, atMs: number): void {
    const key = `${agentId}/${generation}`;
    if (!this.#asked.has(key)) this.#asked.set(key, atMs);
  }

  endedByForce({ agentId, generation, poolId }: Generation & Pick<Forced, 'poolId'>, atMs: number): void {
    const askedAtMs = this.#asked.get(`${agentId}/${generation}`) ?? null;
    this.forced.push({ agentId, generation, poolId, atMs, askedAtMs });
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
