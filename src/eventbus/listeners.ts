import { messageOf, type Logger, type SelfMetrics, type Subscription, type SystemEvent } from '#telemetry';

/** Events that were committed and not yet told; far more than one shared commit holds. */
const maxBufferedEvents = 10_000;

/**
 * Tells live listeners of committed events, in order, outside the commit itself: a slow listener holds up no
 * transaction that shared the commit.
 */
export class Listeners {
  readonly #listeners = new Set<(event: SystemEvent) => void>();
  readonly #logger: Logger;
  readonly #dropped: ReturnType<SelfMetrics['counter']>;
  #buffer: SystemEvent[] = [];

  constructor(logger: Logger, metrics: SelfMetrics) {
    this.#logger = logger;
    this.#dropped = metrics.counter(
      'omoi_event_listener_dropped_total',
      'Committed events that live listeners were not told of.',
    );
  }

  add(listener: (event: SystemEvent) => void): Subscription {
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  publish(event: SystemEvent): void {
    if (this.#listeners.size === 0) return;
    if (this.#buffer.length >= maxBufferedEvents) {
      this.#dropped.add(1);
      return;
    }
    this.#buffer.push(event);
    if (this.#buffer.length === 1) queueMicrotask(() => this.#tell());
  }

  clear(): void {
    this.#listeners.clear();
  }

  #tell(): void {
    const events = this.#buffer;
    this.#buffer = [];
    for (const event of events) {
      for (const listener of this.#listeners) {
        try {
          listener(event);
        } catch (error) {
          this.#logger.error(
            { error: messageOf(error), event_id: event.id },
            'Event not told to a listener that failed; others were told',
          );
        }
      }
    }
  }
}
