import type { Clock } from '#telemetry';
import type { FleetHealth } from '../ports.ts';
import type { WatchdogStates } from '../watchdog-states.ts';
import { judgeStorm, NO_STORM, type StormLimits, type StormState } from './storm.ts';

export interface StormWatchParts {
  readonly clock: Clock;
  readonly states: WatchdogStates;
  readonly health: () => FleetHealth;
  readonly limits: StormLimits;
}

/** The one owner of the storm: whoever decides asks it, and it alone records what begins and ends. */
export class StormWatch {
  readonly #parts: StormWatchParts;
  #storm: StormState = NO_STORM;

  constructor(parts: StormWatchParts) {
    this.#parts = parts;
  }

  /** Goes on with the storm in which the last process ended. Call when the states have been read. */
  start(): void {
    const recorded = this.#parts.states.get('storm');
    if (recorded) this.#storm = { active: true, reason: recorded.reason, calmSinceMs: null };
  }

  /** The storm as it is at this moment, or null: alerts may come faster than the regular look. */
  judge(): { readonly reason: string } | null {
    const { clock, health, limits } = this.#parts;
    this.#storm = judgeStorm(this.#storm, health(), { ms: clock.monotonicMs(), limits });
    return this.#storm.active ? this.#storm : null;
  }

  /** Records that a storm has begun or ended; true where it has. @throws what the database throws */
  async record(): Promise<boolean> {
    const { states } = this.#parts;
    const storm = this.judge();
    if ((storm !== null) === (states.get('storm') !== null)) return false;
    const reason = storm?.reason ?? 'health is back and has stayed';
    await states.set('storm', { active: storm !== null, reason, by: 'watchdog' });
    return true;
  }
}
