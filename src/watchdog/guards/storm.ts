/** A storm that is on. */
export interface Storm {
  /** `pool:demo`, `host:web-1` …, or `the fleet`. */
  readonly domain: string;
  readonly reason: string;
  /** Wall ms since epoch. */
  readonly sinceMs: number;
}

export interface StormLimits {
  /** Share of a domain that has fallen silent within `withinMs` from which on a storm is assumed. */
  readonly enterShare: number;
  /** The same where at least `manySilent` have. */
  readonly enterShareOfMany: number;
  readonly manySilent: number;
  /** Fewer than this are no storm, whatever their share. */
  readonly minSilent: number;
  readonly withinMs: number;
  /** Share of silent ones below which it may end. */
  readonly leaveShare: number;
  /** How long the share must have stayed low before the storm is over. */
  readonly calmMs: number;
  /** Where nobody more has fallen silent for so long it is over, too: what is silent still, is so for a cause of its own. */
  readonly settledMs: number;
}

export const DEFAULT_STORM_LIMITS: StormLimits = {
  enterShare: 0.5,
  enterShareOfMany: 0.2,
  manySilent: 10,
  minSilent: 3,
  withinMs: 30_000,
  leaveShare: 0.2,
  calmMs: 30_000,
  settledMs: 120_000,
};

/** What is known of a failure domain, or of several, at a moment. */
export interface Silence {
  readonly agents: number;
  readonly silent: number;
  /** How many of them have fallen silent within `withinMs`. */
  readonly fell: number;
  /** How many others that stand there have, who are in none of these numbers. */
  readonly fellBeside?: number;
}

export interface StormState {
  readonly active: boolean;
  /** How it began; once that has changed, how it stands. */
  readonly reason: string;
  /** Since when the share has been low; null while it is not. Monotonic ms, as all times here. */
  readonly calmSinceMs: number | null;
  /** Since when nobody more has fallen silent. */
  readonly settledSinceMs: number;
  /** How many were silent at the last look, of how many. */
  readonly silent: number;
  readonly agents: number;
}

export const NO_STORM: StormState = {
  active: false,
  reason: '',
  calmSinceMs: null,
  settledSinceMs: 0,
  silent: 0,
  agents: 0,
};

/**
 * When many agents of one failure domain fall silent at once, the cause is rarely in the agents: a storm stops repairs of
 * what is silent. It ends when health has been back for a while, or when it has settled: it may not depend on the
 * repairs that it forbids.
 */
export function judgeStorm(
  state: StormState,
  { agents, silent, fell, fellBeside = 0 }: Silence,
  { ms, limits }: { readonly ms: number; readonly limits: StormLimits },
): StormState {
  if (!state.active) {
    const enterShare = fell >= limits.manySilent ? limits.enterShareOfMany : limits.enterShare;
    const isAlone = fell === 0 || fell + fellBeside < limits.minSilent;
    if (isAlone || fell / agents < enterShare) return NO_STORM;
    const reason = `${fell} of ${agents} agents fell silent at once`;
    return { active: true, reason, calmSinceMs: null, settledSinceMs: ms, silent, agents };
  }
  const settledSinceMs = silent > state.silent ? ms : state.settledSinceMs;
  const share = agents === 0 ? 0 : silent / agents;
  const calmSinceMs = silent > 0 && share >= limits.leaveShare ? null : (state.calmSinceMs ?? ms);
  const isCalm = calmSinceMs !== null && ms - calmSinceMs >= limits.calmMs;
  if (isCalm || ms - settledSinceMs >= limits.settledMs) return NO_STORM;
  const isAsBefore = silent === state.silent && agents === state.agents;
  const reason = isAsBefore ? state.reason : `${silent} of ${agents} agents are silent`;
  return { active: true, reason, calmSinceMs, settledSinceMs, silent, agents };
}

/** Of each name, how many are silent more than at the best moment of a short past. Nothing is kept of whom nobody is silent. */
export class Falls {
  readonly #withinMs: number;
  readonly #windows = new Map<string, SilenceWindow>();

  constructor(withinMs: number) {
    this.#withinMs = withinMs;
  }

  /**
   * How many have fallen silent. Of a name that was not there before, or of whom nobody was silent, all who are: they have
   * come, too, since the last look.
   */
  of(name: string, silent: number, atMs: number): number {
    if (silent === 0) {
      this.#windows.delete(name);
      return 0;
    }
    const window = this.#windows.get(name) ?? this.#begin(name, 0, atMs);
    return window.fell(silent, atMs);
  }

  /** Whoever is silent now has not fallen silent. */
  settle(name: string, silent: number, atMs: number): void {
    if (silent === 0) this.#windows.delete(name);
    else this.#begin(name, silent, atMs);
  }

  /** Forgets the names that are gone. */
  keep(present: { has(name: string): boolean }): void {
    for (const name of this.#windows.keys()) if (!present.has(name)) this.#windows.delete(name);
  }

  #begin(name: string, silent: number, atMs: number): SilenceWindow {
    const window = new SilenceWindow(this.#withinMs);
    window.fell(silent, atMs);
    this.#windows.set(name, window);
    return window;
  }
}

/** How many are silent more than at the best moment of a short past. */
export class SilenceWindow {
  readonly #withinMs: number;
  /** A second apart, oldest first; of each second the least. */
  #looks: { readonly atMs: number; silent: number }[] = [];

  constructor(withinMs: number) {
    this.#withinMs = withinMs;
  }

  /** How many have fallen silent since then. @param silent how many are, at this moment */
  fell(silent: number, atMs: number): number {
    const last = this.#looks.at(-1);
    if (last && atMs - last.atMs < LOOK_EVERY_MS) last.silent = Math.min(last.silent, silent);
    else this.#looks.push({ atMs, silent });
    this.#looks = this.#looks.filter((look) => look.atMs >= atMs - this.#withinMs);
    return silent - this.#looks.reduce((least, look) => Math.min(least, look.silent), silent);
  }
}

const LOOK_EVERY_MS = 1000;
