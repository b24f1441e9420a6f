import { OmoiError } from '#telemetry';
import type { FleetParts } from '../fleet-parts.ts';
import { Reservations } from '../reservations.ts';

/** Keeps what people and programs put into the queue within `maxQueuedTasks` and `maxQueuedPhases`. */
export class QueueRoom {
  readonly #parts: Pick<FleetParts, 'activity' | 'limits'>;
  readonly #reservations = new Reservations();
  /** Phases of tasks that are being committed, and how many commits are about each. */
  readonly #comingPhases = new Map<string, number>();

  constructor(parts: Pick<FleetParts, 'activity' | 'limits'>) {
    this.#parts = parts;
  }

  /**
   * @param phases those of the tasks; a person who queues one again is not asked in which it is
   * @returns as of `Reservations.take`
   * @throws OmoiError `queue_full`
   */
  reserve(tasks: number, phases: ReadonlySet<string> = new Set()): () => void {
    const { activity, limits } = this.#parts;
    if (activity.queued + this.#reservations.count + tasks > limits.maxQueuedTasks) {
      throw new OmoiError('queue_full', `maxQueuedTasks (${limits.maxQueuedTasks}) tasks wait already.`, {
        max_queued_tasks: limits.maxQueuedTasks,
      });
    }
    this.#assertPhases(phases);
    const giveRoomBack = this.#reservations.take(tasks);
    for (const phase of phases) this.#comingPhases.set(phase, (this.#comingPhases.get(phase) ?? 0) + 1);
    let isHeld = true;
    return () => {
      giveRoomBack();
      if (isHeld) for (const phase of phases) this.#came(phase);
      isHeld = false;
    };
  }

  /** What waits in many phases costs every claim that names none, and every look at the queue. */
  #assertPhases(phases: ReadonlySet<string>): void {
    const { activity, limits } = this.#parts;
    if ([...phases].every((phase) => activity.waitsIn(phase) || this.#comingPhases.has(phase))) return;
    const together = new Set([...activity.phases(), ...this.#comingPhases.keys(), ...phases]);
    if (together.size <= limits.maxQueuedPhases) return;
    const message = `Tasks wait in ${limits.maxQueuedPhases} phases (maxQueuedPhases) already: what differs from task to task belongs into its payload.`;
    throw new OmoiError('queue_full', message, { max_queued_phases: limits.maxQueuedPhases });
  }

  #came(phase: string): void {
    const coming = (this.#comingPhases.get(phase) ?? 0) - 1;
    if (coming > 0) this.#comingPhases.set(phase, coming);
    else this.#comingPhases.delete(phase);
  }
}
