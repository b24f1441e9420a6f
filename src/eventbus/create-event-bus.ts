import type { StateDatabase } from '#storage';
import type { Clock, Logger, Random, SelfMetrics } from '#telemetry';
import { CommitOrder } from './commit-order.ts';
import { ConsumerLoop } from './consumer-loop.ts';
import type { EventBus } from './event-bus.ts';
import { listEvents, writeEvents } from './event-log.ts';
import { Listeners } from './listeners.ts';

export interface EventBusParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  /** For the jitter of retries. */
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

/** The event bus on a state database. */
export function createEventBus(parts: EventBusParts): EventBus {
  const { database, logger, metrics } = parts;
  const listeners = new Listeners(logger, metrics);
  const loops = new Map<string, ConsumerLoop>();
  const ending = new Set<Promise<void>>();
  const failures = metrics.counter(
    'omoi_event_handler_failures_total',
    'Attempts of durable event handlers that failed.',
  );
  const onFailure = (consumer: string): void => failures.add(1, { consumer });

  const order = new CommitOrder((event) => {
    for (const loop of loops.values()) loop.published(event);
    listeners.publish(event);
  });

  function end(name: string, loop: ConsumerLoop): void {
    if (loops.get(name) === loop) loops.delete(name);
    loop.stop();
    ending.add(loop.ended);
    void loop.ended.finally(() => ending.delete(loop.ended));
  }

  return {
    async append(tx, ...events) {
      if (events.length === 0) return;
      tx.afterRollback(() => {
        for (const loop of loops.values()) loop.appendFailed();
      });
      writeEvents(tx, events, (written) => {
        const { committed, rolledBack } = order.add(written);
        tx.afterRollback(rolledBack);
        tx.afterCommit(committed);
      });
    },
    consume(consumer) {
      if (consumer.types.length === 0) throw new Error(`the event consumer ${consumer.name} names no types`);
      if (loops.has(consumer.name)) throw new Error(`the event consumer ${consumer.name} runs already`);
      const loop = new ConsumerLoop(consumer, { ...parts, onFailure });
      loops.set(consumer.name, loop);
      return { stop: () => end(consumer.name, loop) };
    },
    listen: (listener) => listeners.add(listener),
    list: (query) => listEvents(database, query),
    async stop() {
      listeners.clear();
      for (const [name, loop] of loops) end(name, loop);
      await Promise.all(ending);
    },
  };
}
