import type { StateDatabase } from '#storage';
import { explainedMessage, MESSAGE_COLUMNS } from './message-list.ts';
import type { DecisionLog, RecordedDecision } from './decision-log.ts';

/** A message as an explanation tells of it. Times: wall ms. */
export interface ExplainedMessage {
  readonly notificationId: string;
  readonly receiver: string;
  /** `receiver/type/index` */
  readonly integration: string;
  readonly reason: string;
  readonly state: 'pending' | 'delivered' | 'failed' | 'superseded';
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly nextAttemptAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** What the receiver said last. */
  readonly answer: string | null;
  readonly failure: string | null;
}

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
