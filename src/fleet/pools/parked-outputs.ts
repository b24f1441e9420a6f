import { sql } from 'kysely';
import type { EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import {
  messageOf,
  SerialQueue,
  toStorable,
  type Logger,
  type Subscription,
  type SystemEvent,
} from '#telemetry';
import type { Holder } from '../leases/lease-registry.ts';

interface ParkedOutputParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly logger: Logger;
  /** The end of what a generation put out; empty where nothing is known of it. */
  readonly lastOutput: (holder: Holder) => Promise<string>;
}

/** So many are looked at after a start, the last ones first, of those that were parked when the last process ended. */
const maxTakenUp = 100;

/**
 * Writes down what the last holder of a parked task put out, as soon as the task is parked: its successors write on, and
 * old output makes room for new. Where it put out nothing, that is written down too: an empty text, so that nobody looks again.
 */
export class ParkedOutputs {
  readonly #parts: ParkedOutputParts;
  readonly #writes = new SerialQueue();
  #subscription: Subscription | null = null;
  #stopped = false;

  constructor(parts: ParkedOutputParts) {
    this.#parts = parts;
  }

  /** Takes up what the last process parked and did not come to write down. */
  async start(): Promise<void> {
    this.#subscription = this.#parts.bus.listen((event) => this.#onEvent(event));
    const missing = await this.#parts.database.reader
      .selectFrom('tasks')
      .select(['task_id', 'agent_id', 'generation'])
      .where('state', '=', sql.lit('parked'))
      .where('last_output', 'is', null)
      .orderBy('parked_at_ms', 'desc')
      .limit(maxTakenUp)
      .execute();
    for (const { task_id: taskId, agent_id: agentId, generation } of missing) {
      if (agentId !== null && generation !== null) this.#note(taskId, { agentId, generation });
    }
  }

  /** Resolves when nothing is being written any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#subscription?.stop();
    await this.#writes.settled();
  }

  #onEvent(event: SystemEvent): void {
    if (event.event_type !== 'fleet.task.parked') return;
    const { task_id: taskId, agent_id: agentId, generation } = event.payload;
    this.#note(taskId, { agentId, generation });
  }

  #note(taskId: string, holder: Holder): void {
    const { logger } = this.#parts;
    this.#writes
      .run(async () => {
        if (!this.#stopped) await this.#write(taskId, holder);
      })
      .catch((thrown: unknown) => {
        const about = { task_id: taskId, agent_id: holder.agentId, error: messageOf(thrown) };
        logger.warn(about, 'Last output of a parked task not kept; tried again at the next start');
      });
  }

  async #write(taskId: string, holder: Holder): Promise<void> {
    const { database, lastOutput } = this.#parts;
    const output = toStorable((await lastOutput(holder)).trimEnd());
    await database.transaction((tx) =>
      tx.db
        .updateTable('tasks')
        .set({ last_output: output })
        .where('task_id', '=', taskId)
        // Somebody may have queued it again meanwhile.
        .where('state', '=', sql.lit('parked'))
        .where('agent_id', '=', holder.agentId)
        .where('generation', '=', holder.generation)
        .execute(),
    );
  }
}
