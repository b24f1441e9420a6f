import type { Boot, Clock } from './clock.ts';
import { DelegatingClock } from './delegating-clock.ts';

/** A clock that knows in which boots the state was worked on. */
export class TakenUpClock extends DelegatingClock {
  readonly boots: readonly Boot[];

  constructor(clock: Clock, boots: readonly Boot[]) {
    super(clock);
    this.boots = boots;
  }
}
