import type { Pool } from 'pg';
import { backoffMs, delay, type BackoffLimits, type Clock, type Random } from '#telemetry';
import { isOfFuture } from './postgres-errors.ts';

/** A server that was restarted, or another that took its place, answers again within some ten seconds. */
const maxAskingMs = 30_000;
const ASKING_BACKOFF: BackoffLimits = { firstMs: 20, maxMs: 1000 };

export interface CommitOutcomeParts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly random: Random;
  /** Ends the asking. */
  readonly signal: AbortSignal;
}

/**
 * What became of a transaction whose commit got no answer because its connection broke. PostgreSQL keeps that for each
 * id it has given (https://www.postgresql.org/docs/current/functions-info.html, `txid_status`). Asked on another
 * connection until it says so; one that knows the id only as a future one was promoted without the transaction.
 * @param id as `txid_current` told it
 * @returns null where nobody could say within 30 s
 */
export async function commitOutcome(
  { pool, clock, random, signal }: CommitOutcomeParts,
  id: string,
): Promise<'committed' | 'aborted' | null> {
  const untilMs = clock.monotonicMs() + maxAskingMs;
  for (let asked = 1; !signal.aborted; asked++) {
    const status = await statusOf(pool, id);
    if (status === 'committed' || status === 'aborted') return status;
    if (clock.monotonicMs() >= untilMs) break;
    await delay(clock, backoffMs(asked, ASKING_BACKOFF, random), signal);
  }
  return null;
}

/** `in progress` while the server has not noticed yet that the connection broke; null where it can't be asked. */
async function statusOf(pool: Pool, id: string): Promise<string | null> {
  try {
    const { rows } = await pool.query<{ status: string | null }>('select txid_status($1) as status', [id]);
    return rows[0]?.status ?? null;
  } catch (error) {
    return isOfFuture(error) ? 'aborted' : null;
  }
}
