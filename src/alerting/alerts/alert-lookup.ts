import type { StateTransaction } from '#storage';
import { OmoiError } from '#telemetry';
import type { AlertRow } from './alert-row.ts';

/** The alert, which stays as it is until the transaction ends. @throws OmoiError `unknown_alert` */
export async function lockAlert(tx: StateTransaction, alertId: string): Promise<AlertRow> {
  const found = tx.db.selectFrom('alerts').selectAll().where('id', '=', alertId);
  const row = await (tx.dialect === 'postgres' ? found.forUpdate() : found).executeTakeFirst();
  if (!row) throw unknownAlert(alertId);
  return row;
}

/** The same of one that fires. @throws OmoiError `unknown_alert`, `alert_resolved` */
export async function lockFiringAlert(tx: StateTransaction, alertId: string): Promise<AlertRow> {
  const row = await lockAlert(tx, alertId);
  if (row.state !== 'firing') throw alreadyResolved(alertId);
  return row;
}

export function unknownAlert(alertId: string): OmoiError {
  return new OmoiError('unknown_alert', `There is no alert ${JSON.stringify(alertId)}`);
}

export function alreadyResolved(alertId: string): OmoiError {
  return new OmoiError('alert_resolved', `Alert ${alertId} has been resolved already`);
}
