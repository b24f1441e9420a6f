import { OmoiError } from '#telemetry';
import type { FleetParts } from '../fleet-parts.ts';
import { Reservations } from '../reservations.ts';

/** Keeps what people and programs put into the queue within `maxQueuedTasks`. */
export class QueueRoom {
  readonly #parts: Pick<FleetParts, 'activity' | 'limits'>;
  readonly #reservations = new Reservations();

  constructor(parts: Pick<FleetParts, 'activity' | 'limits'>) {
    this.#parts = parts;
  }

  /** @returns as of `Reservations.take` @throws OmoiError `queue_full` */
  reserve(tasks: number): () => void {
    const { activity, limits } = this.#parts;
    if (activity.queued + this.#reservations.count + tasks > limits.maxQueuedTasks) {
      throw new OmoiError('queue_full', `maxQueuedTasks (${limits.maxQueuedTasks}) tasks wait already.`, {
        max_queued_tasks: limits.maxQueuedTasks,
      });
    }
    return this.#reservations.take(tasks);
  }
}
