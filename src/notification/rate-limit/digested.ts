import type { StateTransaction } from '#storage';
import type { Outstanding, Tried } from '../outbox/delivery-queue.ts';
import type { PendingNotification } from '../outbox/outbox-rows.ts';

/** So many rows are changed with one statement. */
const maxRowsPerStatement = 500;

/** The messages that are told with one: those that a digest stands for and that nothing has replaced meanwhile, or itself. */
export function toldBy(outstanding: Outstanding): readonly Outstanding[] {
  return outstanding.digestOf?.filter(({ state }) => state === 'sending') ?? [outstanding];
}

/** What became of a digest became of the messages that it stands for. In its transaction. */
export async function endDigested(
  tx: StateTransaction,
  { outstanding, tried: { delivery } }: { readonly outstanding: Outstanding; readonly tried: Tried },
  nowMs: number,
): Promise<void> {
  if (!outstanding.digestOf) return;
  const ids = toldBy(outstanding).map(({ notification }) => notification.id);
  const changes = {
    state: delivery.outcome === 'delivered' ? ('delivered' as const) : ('failed' as const),
    attempts: outstanding.attempts,
    finished_at_ms: nowMs,
    answer: `in the digest ${outstanding.notification.id}`,
    failure: delivery.outcome === 'delivered' ? null : delivery.failure,
  };
  for (let at = 0; at < ids.length; at += maxRowsPerStatement) {
    await tx.db
      .updateTable('notifications')
      .set(changes)
      .where('id', 'in', ids.slice(at, at + maxRowsPerStatement))
      .where('state', '=', 'pending')
      .execute();
  }
}

/**
 * What an earlier run left, as it stood: messages that a digest stands for are on their way as long as it is. With a pause offered
 * after each message.
 */
export function* outstandingOf(
  pending: readonly PendingNotification[],
): Generator<void, readonly Outstanding[]> {
  const waiting = new Set(pending.map(({ notification }) => notification.id));
  const digested = new Map<string, Outstanding[]>();
  const others: PendingNotification[] = [];
  /** First those that a digest stands for. */
  const taken: Outstanding[] = [];
  for (const one of pending) {
    yield;
    if (one.digestId === null || !waiting.has(one.digestId)) others.push(one);
    else {
      const part = outstandingFrom(one, 'sending');
      taken.push(part);
      const together = digested.get(one.digestId);
      if (together) together.push(part);
      else digested.set(one.digestId, [part]);
    }
  }
  for (const one of others) {
    const digestOf = digested.get(one.notification.id);
    const outstanding = outstandingFrom(one, 'waiting');
    taken.push(digestOf ? { ...outstanding, digestOf } : outstanding);
    yield;
  }
  return taken;
}

function outstandingFrom(
  { notification, attempts, nextAttemptAtMs, heldUntilMs, takenBy }: PendingNotification,
  state: Outstanding['state'],
): Outstanding {
  return {
    notification,
    attempts,
    nextAttemptAtMs,
    state,
    takenBy,
    ...(heldUntilMs !== null && { heldUntilMs }),
  };
}
