import { sql } from 'kysely';
import type { StateDatabase, StateTables } from '#storage';
import type { Stage } from '../stages/mute-stage.ts';
import type { RecordedDecision } from './decision.ts';

/** How many decisions about an alert are read, the newest. */
export const maxDecisionsRead = 500;
/** Of those before them, so many that were the first of their stage, decision and receiver, and of messages of their integration and reason. */
export const maxFirstDecisions = 100;
/** So many are looked at to find these, the oldest. */
export const maxDecisionsLookedAt = 10_000;

/** What is not told of, between the first and the newest. */
export interface LeftOut {
  readonly decisions: number;
  readonly messages: number;
  /** Whether there are more than that: no more were looked at. */
  readonly isMore: boolean;
}

export interface DecisionsRead {
  /** In order: the first of each kind, then the newest. */
  readonly decisions: readonly RecordedDecision[];
  readonly leftOut: LeftOut;
}

type Reader = Pick<StateDatabase, 'reader'>['reader'];

/** Of stages whose reasons name the integration and are no others each time. */
const STAGES_OF_INTEGRATIONS: readonly Stage[] = ['delivery', 'dedup'];

/** Decisions about an alert, by an index, in bounded reads however many there are. */
export async function readDecisions(reader: Reader, alertId: string): Promise<DecisionsRead> {
  const all = reader.selectFrom('notification_decisions').where('alert_id', '=', alertId);
  const newest = await all.selectAll().orderBy('id', 'desc').limit(maxDecisionsRead).execute();
  newest.reverse();
  const [oldest] = newest;
  if (oldest === undefined || newest.length < maxDecisionsRead) {
    return { decisions: newest.map(recorded), leftOut: { decisions: 0, messages: 0, isMore: false } };
  }
  const before = all
    .select(['id', 'stage', 'decision', 'receiver', 'reason', 'notification_id'])
    .where('id', '<', oldest.id)
    .orderBy('id')
    .limit(maxDecisionsLookedAt + 1);
  const firstIds = await reader
    .selectFrom(before.as('before'))
    .select(({ fn }) => fn.min<number>('id').as('id'))
    .groupBy([
      'stage',
      'decision',
      'receiver',
      sql`case when stage in (${sql.join(STAGES_OF_INTEGRATIONS)}) then reason else '' end`,
    ])
    .orderBy('id')
    .limit(maxFirstDecisions)
    .execute();
  const ids = firstIds.map(({ id }) => id);
  const first = ids.length === 0 ? [] : await all.selectAll().where('id', 'in', ids).orderBy('id').execute();
  const decisions = [...first, ...newest];
  const counted = await reader
    .selectFrom(before.as('before'))
    .select(({ fn }) => fn.countAll<number>().as('decisions'))
    .executeTakeFirstOrThrow();
  const read = new Set(decisions.flatMap((row) => row.notification_id ?? []));
  let messages = reader
    .selectFrom(before.as('before'))
    .select(({ fn }) => fn.count<number>('notification_id').distinct().as('messages'));
  if (read.size > 0) messages = messages.where('notification_id', 'not in', [...read]);
  const told = await messages.executeTakeFirstOrThrow();
  const count = counted.decisions;
  return {
    decisions: decisions.map(recorded),
    leftOut: {
      decisions: count - first.length,
      messages: told.messages,
      isMore: count > maxDecisionsLookedAt,
    },
  };
}

function recorded(row: Omit<StateTables['notification_decisions'], 'id'>): RecordedDecision {
  return {
    alertId: row.alert_id,
    // Written by the log of decisions alone.
    stage: row.stage as Stage,
    decision: row.decision,
    receiver: row.receiver,
    notificationId: row.notification_id,
    reason: row.reason,
    atMs: row.at_ms,
  };
}

/** What a decision is the first of. */
export function kindOfDecision({ stage, decision, receiver, reason }: RecordedDecision): string {
  return [stage, decision, receiver ?? '', STAGES_OF_INTEGRATIONS.includes(stage) ? reason : ''].join('\n');
}
