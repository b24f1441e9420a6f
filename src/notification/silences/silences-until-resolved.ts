import { type Clock, type Logger, messageOf, SharedStretch } from '#telemetry';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import type { Silences } from './silences.ts';
import { coversLabels, type Silence } from './silence.ts';

interface Parts {
  readonly silences: Pick<Silences, 'alertResolved'>;
  readonly firing: () => Iterable<Pick<TrackedAlert, 'labels'>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Ends silences with the last alert that they silence. All alerts that fire are looked at for each, in pieces. */
export class SilencesUntilResolved {
  readonly #parts: Parts;
  readonly #looking: SharedStretch;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#looking = new SharedStretch(parts.clock);
  }

  /** Each silence is looked at once, however many of its alerts end together. */
  resolved(alerts: readonly TrackedAlert[]): void {
    const { silences, logger } = this.#parts;
    const known = new Map<Silence, Promise<boolean>>();
    const silencesMore = (silence: Silence): Promise<boolean> => {
      const more = known.get(silence) ?? this.#looking.run(this.#silencesMore(silence));
      if (isTogether) known.set(silence, more);
      return more;
    };
    let isTogether = true;
    for (const alert of alerts) {
      silences.alertResolved(alert.labels, silencesMore).catch((thrown: unknown) => {
        logger.warn(
          { error: messageOf(thrown), alert: alert.alertId },
          'Silences that end with this alert not ended: they end at their time',
        );
      });
    }
    // What is asked later is asked anew: other alerts may fire by then.
    isTogether = false;
    known.clear();
  }

  *#silencesMore(silence: Silence): Generator<void, boolean> {
    // What begins to fire meanwhile comes last, and is looked at, too.
    for (const { labels } of this.#parts.firing()) {
      if (coversLabels(silence, labels)) return true;
      yield;
    }
    return false;
  }
}
