import type { StateTransaction } from '#storage';
import { rowOfClimb, type Climb } from './climb.ts';

/** Databases take a bounded number of parameters: a group may begin with thousands of alerts. */
const maxRowsPerInsert = 500;

/** Where an alert stands on a ladder from now on. */
export type ClimbPlace = Pick<Climb, 'step' | 'round' | 'dueAtMs'>;

export async function insertClimbs(tx: StateTransaction, climbs: readonly Climb[]): Promise<void> {
  for (let at = 0; at < climbs.length; at += maxRowsPerInsert) {
    await tx.db
      .insertInto('notification_escalations')
      .values(climbs.slice(at, at + maxRowsPerInsert).map(rowOfClimb))
      .onConflict((conflict) => conflict.columns(['alert_id', 'escalation']).doNothing())
      .execute();
  }
}

export async function moveClimb(
  tx: StateTransaction,
  { alertId, escalation }: Climb,
  { step, round, dueAtMs, beganAtMs }: ClimbPlace & Partial<Pick<Climb, 'beganAtMs'>>,
): Promise<void> {
  await tx.db
    .updateTable('notification_escalations')
    .set({ step, round, due_at_ms: dueAtMs, ...(beganAtMs !== undefined && { began_at_ms: beganAtMs }) })
    .where('alert_id', '=', alertId)
    .where('escalation', '=', escalation)
    .execute();
}

/** No further step is taken for an alert. */
export async function haltClimbs(tx: StateTransaction, alertId: string): Promise<void> {
  await tx.db
    .updateTable('notification_escalations')
    .set({ due_at_ms: null })
    .where('alert_id', '=', alertId)
    .execute();
}

export async function deleteClimb(tx: StateTransaction, { alertId, escalation }: Climb): Promise<void> {
  await tx.db
    .deleteFrom('notification_escalations')
    .where('alert_id', '=', alertId)
    .where('escalation', '=', escalation)
    .execute();
}
