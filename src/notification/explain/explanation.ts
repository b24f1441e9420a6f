import type { EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import type { SystemEvent } from '#telemetry';
import { explainedMessage, MESSAGE_COLUMNS, type ExplainedMessage } from './explained-message.ts';
import type { DecisionLog, RecordedDecision } from './decision-log.ts';

export interface Explanation {
  readonly decisions: readonly RecordedDecision[];
  /** The messages that tell of the alert, in the order in which they were decided. */
  readonly messages: readonly ExplainedMessage[];
}

/** What was decided about telling of an alert, and what became of the messages. */
export async function explain(
  database: StateDatabase,
  log: DecisionLog,
  alertId: string,
): Promise<Explanation> {
  const decisions = await log.list(alertId);
  const ids = [...new Set(decisions.flatMap(({ notificationId }) => notificationId ?? []))];
  if (ids.length === 0) return { decisions, messages: [] };
  const rows = await database.reader
    .selectFrom('notifications')
    .select(MESSAGE_COLUMNS)
    .where('id', 'in', ids)
    .orderBy('id')
    .execute();
  return { decisions, messages: rows.map(explainedMessage) };
}

/** So many messages of an alert have a place in its timeline, the newest. */
export const maxDeliveriesRead = 100;

/**
 * The events of the newest messages that tell of an alert, in order. They are found by the alert's decisions and read by their
 * messages: each by an index, however long the log of events is.
 */
export async function deliveriesOf(
  { database, bus }: { readonly database: StateDatabase; readonly bus: Pick<EventBus, 'list'> },
  alertId: string,
): Promise<readonly SystemEvent[]> {
  const decided = await database.reader
    .selectFrom('notification_decisions')
    .select('notification_id')
    .where('alert_id', '=', alertId)
    .where('notification_id', 'is not', null)
    .orderBy('id', 'desc')
    .limit(maxDeliveriesRead)
    .execute();
  const ids = [...new Set(decided.flatMap((row) => row.notification_id ?? []))];
  if (ids.length === 0) return [];
  return bus.list({
    entityIds: ids,
    types: ['notification.delivered', 'notification.failed'],
    limit: maxDeliveriesRead,
  });
}
