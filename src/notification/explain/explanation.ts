import type { StateDatabase } from '#storage';
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
