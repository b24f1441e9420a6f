import { VirtualClock } from '#telemetry';

/** Shows the time that programs beside it see; its timers stand still. */
export class WallClock extends VirtualClock {
  override wallMs(): number {
    return Date.now();
  }
}
