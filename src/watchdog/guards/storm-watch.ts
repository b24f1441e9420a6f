import type { Clock } from '#telemetry';
import type { FleetActuator } from '../ports.ts';
import type { WatchdogStates } from '../watchdog-states.ts';
import {
  judgeStorm,
  NO_STORM,
  SilenceWindow,
  type Silence,
  type StormLimits,
  type StormState,
} from './storm.ts';

export interface StormWatchParts {
  readonly clock: Clock;
  readonly states: WatchdogStates;
  readonly fleet: Pick<FleetActuator, 'health' | 'domains'>;
  readonly limits: StormLimits;
}

interface Domain {
  readonly window: SilenceWindow;
  storm: StormState;
}

const NO_SILENCE: Silence = { agents: 0, silent: 0, fell: 0 };

/**
 * The one owner of storms: of each failure domain, and of the others together where many small ones fall silent at once.
 * Whoever decides asks it, and it alone records what begins and ends. One storm is told, whatever domains it comes to.
 */
export class StormWatch {
  readonly #parts: StormWatchParts;
  readonly #domains = new Map<string, Domain>();
  /** Of the domains that are in none of their own. */
  #fleet: StormState = NO_STORM;
  /** The storms at the last `record`: domains, and null for the fleet. */
  #recorded: ReadonlySet<string | null> = new Set();

  constructor(parts: StormWatchParts) {
    this.#parts = parts;
  }

  /** Goes on with the storm in which the last process ended. Call when the states have been read. */
  start(): void {
    const { clock, states } = this.#parts;
    const recorded = states.get('storm');
    if (recorded) {
      const { reason } = recorded;
      this.#fleet = {
        ...NO_STORM,
        active: true,
        reason,
        settledSinceMs: clock.monotonicMs(),
        silent: Infinity,
      };
    }
    // Who is silent already falls silent no more.
    this.#lookAtAll();
  }

  /** The storm that agents of this domain are in, or null. It is looked at: alerts may come faster than the regular look. */
  judge(domain: string): { readonly reason: string } | null {
    this.#look(domain);
    const own = this.#domains.get(domain)?.storm;
    if (own?.active) return { reason: `${domain}: ${own.reason}` };
    return this.#fleet.active ? { reason: `the fleet: ${this.#fleet.reason}` } : null;
  }

  /** A person has looked: the storms are over. Those who are silent now are no new one. @returns whether there was one */
  async end(by: string): Promise<boolean> {
    const { states } = this.#parts;
    this.#domains.clear();
    this.#fleet = NO_STORM;
    if (states.get('storm') === null) return false;
    await states.set('storm', { active: false, reason: 'ended by a person', by });
    return true;
  }

  /**
   * Records that a storm has begun where there was none, or that the last one has ended.
   * @returns whether any storm has ended: who was held back by it may go on, while others still are
   * @throws what the database throws
   */
  async record(): Promise<boolean> {
    const { states } = this.#parts;
    this.#lookAtAll();
    const storm = this.#storm();
    if ((storm !== null) !== (states.get('storm') !== null)) {
      const reason = storm?.reason ?? 'health is back and has stayed, or nobody more fell silent';
      await states.set('storm', { active: storm !== null, reason, by: 'watchdog' });
    }
    const before = this.#recorded;
    this.#recorded = this.#active();
    return [...before].some((ended) => !this.#recorded.has(ended));
  }

  #active(): ReadonlySet<string | null> {
    const active = new Set<string | null>(this.#fleet.active ? [null] : []);
    for (const [domain, { storm }] of this.#domains) if (storm.active) active.add(domain);
    return active;
  }

  /** The first storm of all. */
  #storm(): { readonly reason: string } | null {
    if (this.#fleet.active) return { reason: `the fleet: ${this.#fleet.reason}` };
    for (const [domain, { storm }] of this.#domains) {
      if (storm.active) return { reason: `${domain}: ${storm.reason}` };
    }
    return null;
  }

  #lookAtAll(): void {
    const { clock, fleet, limits } = this.#parts;
    const present = new Set(fleet.domains());
    for (const domain of this.#domains.keys()) if (!present.has(domain)) this.#domains.delete(domain);
    let others = NO_SILENCE;
    for (const domain of present) {
      const { agents, silent, fell } = this.#look(domain) ?? NO_SILENCE;
      others = { agents: others.agents + agents, silent: others.silent + silent, fell: others.fell + fell };
    }
    this.#fleet = judgeStorm(this.#fleet, others, { ms: clock.monotonicMs(), limits });
  }

  /** @returns its silence, where that is not a storm of its own */
  #look(name: string): Silence | null {
    const { clock, fleet, limits } = this.#parts;
    const ms = clock.monotonicMs();
    const domain = this.#domains.get(name) ?? { window: new SilenceWindow(limits.withinMs), storm: NO_STORM };
    this.#domains.set(name, domain);
    const { agents, silent } = fleet.health(name);
    const silence = { agents, silent, fell: domain.window.fell(silent, ms) };
    const wasActive = domain.storm.active;
    domain.storm = judgeStorm(domain.storm, silence, { ms, limits });
    // What is silent still when a storm is over is so for a cause of its own.
    if (wasActive && !domain.storm.active) domain.window.restart();
    return domain.storm.active ? null : { ...silence, fell: wasActive ? 0 : silence.fell };
  }
}
