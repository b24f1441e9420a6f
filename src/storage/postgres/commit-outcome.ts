import type { Pool } from 'pg';
import { backoffMs, delay, type BackoffLimits, type Clock, type Logger, type Random } from '#telemetry';
import { isOfFuture, isRefusedStatement } from './postgres-errors.ts';
import { answeredWithin } from './unanswered.ts';

const ASKING_BACKOFF: BackoffLimits = { firstMs: 20, maxMs: 1000 };
/** Looking an id up takes no time: without an answer for so long it is asked again, on another connection. */
const maxAnswerMs = 5_000;
/** How often it is told that PostgreSQL is still being asked. */
const tellEveryMs = 30_000;

export interface CommitOutcomeParts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends the asking. */
  readonly signal: AbortSignal;
}

/** `unknown`: PostgreSQL does not know it any more, or Omoi stopped before it answered. */
export type CommitOutcome = 'committed' | 'aborted' | 'unknown';

/**
 * What became of a transaction whose commit got no answer because its connection broke. PostgreSQL keeps that for each
 * id it has given (https://www.postgresql.org/docs/current/functions-info.html, `txid_status`). Asked on another
 * connection until it says so, however long it is away: meanwhile nothing else can be written either, and what was in
 * the transaction stands still. One that knows the id only as a future one was promoted without the transaction.
 * @param id as `txid_current` told it
 */
export async function commitOutcome(
  { pool, clock, random, logger, signal }: CommitOutcomeParts,
  id: string,
): Promise<CommitOutcome> {
  let tellAtMs = clock.monotonicMs() + tellEveryMs;
  for (let asked = 1; !signal.aborted; asked++) {
    const status = await statusOf({ pool, clock }, id);
    if (status === 'committed' || status === 'aborted' || status === 'unknown') return status;
    if (clock.monotonicMs() >= tellAtMs) {
      tellAtMs += tellEveryMs;
      logger.warn(
        { transaction: id, asked, answer: status },
        'PostgreSQL did not answer a commit and does not say what became of it: asked again until it does. What the transaction changes stands still until then.',
      );
    }
    await delay(clock, backoffMs(asked, ASKING_BACKOFF, random), signal);
  }
  return 'unknown';
}

/** `in progress` while the server has not noticed yet that the connection broke; null where it can't be asked. */
async function statusOf(
  { pool, clock }: Pick<CommitOutcomeParts, 'pool' | 'clock'>,
  id: string,
): Promise<CommitOutcome | 'in progress' | null> {
  try {
    const client = await pool.connect();
    const ask = () =>
      client.query<{ status: 'committed' | 'aborted' | 'in progress' | null }>(
        'select txid_status($1) as status',
        [id],
      );
    let answered = false;
    try {
      const { rows } = await answeredWithin(ask, { client, clock, maxMs: maxAnswerMs });
      answered = true;
      return rows[0]?.status ?? 'unknown';
    } finally {
      client.release(!answered);
    }
  } catch (error) {
    if (isOfFuture(error)) return 'aborted';
    return isRefusedStatement(error) ? 'unknown' : null;
  }
}
