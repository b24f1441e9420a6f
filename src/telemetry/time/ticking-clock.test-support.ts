import { VirtualClock } from './virtual-clock.ts';

/** A clock on which a look at the time takes a millisecond, so that all work is long. */
export class TickingClock extends VirtualClock {
  #looks = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.#looks++;
  }
}
