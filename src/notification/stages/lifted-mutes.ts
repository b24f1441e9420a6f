import { messageOf, Stretch, type Clock, type Logger, type Timer } from '#telemetry';
import type { Dispatcher } from '../groups/dispatcher.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import { coversLabels, type Silence } from '../silences/silence.ts';

export interface LiftedMutesParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dispatcher: Pick<Dispatcher, 'groups' | 'look'>;
  readonly isInhibited: (alert: TrackedAlert) => boolean;
}

/**
 * Silences and inhibitions that end are heard at once: the groups of what they kept back are decided then, and not at their next interval.
 * All alerts are looked through once for all that has ended meanwhile, in slices.
 */
export class LiftedMutes {
  readonly #parts: LiftedMutesParts;
  #silences: Silence[] = [];
  #inhibitionsEnded = false;
  #looking: Promise<void> | null = null;
  readonly #timers = new Set<Timer>();
  #isStopped = false;

  constructor(parts: LiftedMutesParts) {
    this.#parts = parts;
  }

  /** What they were for is told now, also that it is over. */
  silencesChanged(changed: readonly Silence[]): void {
    this.#silences.push(...changed.filter(({ end }) => end !== null));
    this.#start();
  }

  /** What has inhibited others is over. They are told once their `group_wait` is over, too: what a cause brings about mostly ends with it. */
  inhibitionEnded(): void {
    this.#inhibitionsEnded = true;
    this.#start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    await this.#looking;
  }

  #start(): void {
    if (this.#looking !== null || !this.#hasWork) return;
    this.#looking = this.#lookThrough().finally(() => {
      this.#looking = null;
      this.#start();
    });
  }

  get #hasWork(): boolean {
    return !this.#isStopped && (this.#silences.length > 0 || this.#inhibitionsEnded);
  }

  async #lookThrough(): Promise<void> {
    const { clock, logger, dispatcher } = this.#parts;
    // What ends together is looked for together.
    await Promise.resolve();
    const silences = this.#silences.splice(0);
    const lookForInhibited = this.#inhibitionsEnded;
    this.#inhibitionsEnded = false;
    const stretch = new Stretch(clock);
    const released = new Map<number, string[]>();
    try {
      for (const { members, route } of dispatcher.groups()) {
        for (const alert of members.values()) {
          if (stretch.isOver) await stretch.pause();
          if (this.#isStopped) return;
          if (silences.some((silence) => coversLabels(silence, alert.labels))) dispatcher.look(alert.alertId);
          if (!lookForInhibited || !this.#isReleased(alert)) continue;
          const together = released.get(route.groupWaitMs);
          if (together) together.push(alert.alertId);
          else released.set(route.groupWaitMs, [alert.alertId]);
        }
      }
    } catch (thrown) {
      logger.error(
        { error: messageOf(thrown) },
        'What silences kept back is told at the next group_interval',
      );
    }
    for (const [waitMs, alertIds] of released) this.#lookLater(alertIds, waitMs);
  }

  /** It was inhibited as it was looked at last, fires on, and nothing inhibits it any more. */
  #isReleased(alert: TrackedAlert): boolean {
    return alert.isInhibited && alert.endsAtMs === null && !this.#parts.isInhibited(alert);
  }

  #lookLater(alertIds: readonly string[], waitMs: number): void {
    const { clock, dispatcher } = this.#parts;
    const timer = clock.after(waitMs, () => {
      this.#timers.delete(timer);
      for (const alertId of alertIds) dispatcher.look(alertId);
    });
    this.#timers.add(timer);
  }
}
