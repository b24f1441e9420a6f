import type { StateTransaction } from '#storage';

/** So many rows are deleted with one statement. */
const maxAlertsPerStatement = 500;

/** Alerts with which notification is not done, until they are told of. */
export async function rememberAlerts(tx: StateTransaction, alertIds: readonly string[]): Promise<void> {
  await tx.db
    .insertInto('notification_alerts')
    .values(alertIds.map((alertId) => ({ alert_id: alertId })))
    .onConflict((conflict) => conflict.column('alert_id').doNothing())
    .execute();
}

/** What else is kept of alerts with which notification is not done. */
export interface KeptBesideAlerts {
  /** @param alertIds at most 500 */
  remove(tx: StateTransaction, alertIds: readonly string[]): Promise<void>;
}

/** Notification is done with alerts. */
export async function forgetAlerts(
  tx: StateTransaction,
  alertIds: readonly string[],
  beside: readonly KeptBesideAlerts[],
): Promise<void> {
  for (let at = 0; at < alertIds.length; at += maxAlertsPerStatement) {
    const some = alertIds.slice(at, at + maxAlertsPerStatement);
    await tx.db.deleteFrom('notification_alerts').where('alert_id', 'in', some).execute();
    for (const kept of beside) await kept.remove(tx, some);
  }
}
