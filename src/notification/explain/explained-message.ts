import type { StateTables } from '#storage';
import { maxNotificationAgeMs } from '../outbox/outbox.ts';

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
  /** When it is given up if nobody takes it; null where it does not wait. */
  readonly givenUpAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** What the receiver said last. */
  readonly answer: string | null;
  readonly failure: string | null;
  /** Until when its receiver's rate limit held it; null where it went at once. */
  readonly heldUntilMs: number | null;
  /** The digest that tells of it in its place; null where it is told of by itself. */
  readonly digestId: string | null;
}

/** What is read of a message: without what only its delivery needs, which is long. */
export const MESSAGE_COLUMNS = [
  'id',
  'receiver',
  'integration',
  'reason',
  'state',
  'attempts',
  'created_at_ms',
  'next_attempt_at_ms',
  'finished_at_ms',
  'answer',
  'failure',
  'held_until_ms',
  'digest_id',
] as const;

type MessageRow = Pick<StateTables['notifications'], (typeof MESSAGE_COLUMNS)[number]>;

export function explainedMessage(row: MessageRow): ExplainedMessage {
  return {
    notificationId: row.id,
    receiver: row.receiver,
    integration: row.integration,
    reason: row.reason,
    state: row.state,
    attempts: row.attempts,
    createdAtMs: row.created_at_ms,
    nextAttemptAtMs: row.state === 'pending' ? row.next_attempt_at_ms : null,
    givenUpAtMs: row.state === 'pending' ? row.created_at_ms + maxNotificationAgeMs : null,
    finishedAtMs: row.finished_at_ms,
    answer: row.answer,
    failure: row.failure,
    heldUntilMs: row.held_until_ms,
    digestId: row.digest_id,
  };
}
