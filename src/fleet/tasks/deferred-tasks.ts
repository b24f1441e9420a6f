import { sql } from 'kysely';
import type { StateTransaction } from '#storage';
import { messageOf } from '#telemetry';
import type { FleetParts } from '../fleet-parts.ts';

/** Smaller steps are those of a clock that is kept right, and make no task wait for long. */
const minStepMs = 1000;

/**
 * Tasks that wait for their time: a retry, or the agent that they were handed to. The database goes by wall time. Where the
 * clock is set back they would wait for as long again: their times are set back with it. Where it is set forward they
 * come early, which does no harm.
 */
export class DeferredTasks {
  readonly #parts: FleetParts;
  /** Of the wall clock against the monotonic one, when they were last looked at. */
  #offsetMs: number;
  #looking = false;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#offsetMs = this.#offset();
  }

  /** At the start of the server: what is to wait for longer than any task does has waited by a clock that was set back. */
  async start(tx: StateTransaction): Promise<void> {
    const { retryMaxMs, handoffKeptMs } = this.#parts.limits;
    await tx.db
      .updateTable('tasks')
      .set({
        available_at_ms: tx.nowMs,
        deferred_until_ms: null,
        kept_for_agent_id: null,
        kept_until_ms: null,
      })
      .where('state', '=', sql.lit('queued'))
      .where('deferred_until_ms', '>', tx.nowMs + Math.max(retryMaxMs, handoffKeptMs))
      .execute();
  }

  /** To be called every tick. */
  async look(): Promise<void> {
    const offsetMs = this.#offset();
    const stepMs = Math.trunc(offsetMs - this.#offsetMs);
    if (this.#looking) return;
    if (stepMs > -minStepMs) {
      this.#offsetMs = offsetMs;
      return;
    }
    this.#looking = true;
    const { database, logger } = this.#parts;
    try {
      await database.transaction((tx) => setBack(tx, stepMs));
      this.#offsetMs = offsetMs;
      logger.info(
        { step_ms: stepMs },
        'The clock was set back: tasks that wait for their time wait no longer for it.',
      );
    } catch (thrown) {
      logger.error(
        { error: messageOf(thrown) },
        'Tasks that wait for their time could not follow the clock.',
      );
    } finally {
      this.#looking = false;
    }
  }

  #offset(): number {
    const { clock } = this.#parts;
    return clock.wallMs() - clock.monotonicMs();
  }
}

async function setBack(tx: StateTransaction, stepMs: number): Promise<void> {
  await tx.db
    .updateTable('tasks')
    .set((time) => ({
      available_at_ms: time('available_at_ms', '+', stepMs),
      deferred_until_ms: time('deferred_until_ms', '+', stepMs),
      kept_until_ms: time('kept_until_ms', '+', stepMs),
    }))
    .where('state', '=', sql.lit('queued'))
    .where('deferred_until_ms', 'is not', null)
    .execute();
}
