import type { StateDatabase } from '#storage';
import type { KeptBackAlerts } from './groups/kept-back-alerts.ts';
import { forgetAlerts, rememberAlerts, type KeptBesideAlerts } from './groups/remembered-alerts.ts';
import { trackedAlert, type TrackedAlert } from './groups/tracked-alert.ts';
import type { StoredAlert } from './notified-alert.ts';
import type { AlertReader } from './ports.ts';

const maxAlertsPerRead = 500;

export interface TakingUp {
  readonly database: StateDatabase;
  readonly alerts: AlertReader;
  readonly keptBack: KeptBackAlerts;
  readonly holds: KeptBesideAlerts;
  /** Of notification in the event log. */
  readonly consumer: string;
  /** What fires may inhibit others. */
  readonly mayInhibit: (alert: TrackedAlert) => void;
  /** Somebody is to be told of it, or of its end. */
  readonly take: (alert: TrackedAlert) => void;
}

/** Takes up the alerts with which an earlier run was not done: those that fire, and those that were over before that was told. */
export async function takeUpAlerts(taking: TakingUp): Promise<void> {
  const { alerts, database, keptBack, holds, mayInhibit, take } = taking;
  await keptBack.read(database);
  const rows = await database.reader.selectFrom('notification_alerts').select('alert_id').execute();
  const open = new Set(rows.map((row) => row.alert_id));
  const isTold = await hasCursor(taking);
  const takeUp = (alert: StoredAlert): void => {
    const tracked = trackedAlert(alert);
    if (tracked.endsAtMs === null) mayInhibit(tracked);
    take(tracked);
  };
  for await (const page of alerts.firing()) {
    const unknown = new Set(
      page.filter(({ alertId }) => !open.delete(alertId)).map(({ alertId }) => alertId),
    );
    if (unknown.size > 0 && !isTold) {
      await database.transaction((tx) => rememberAlerts(tx, [...unknown]));
    }
    for (const alert of page) {
      // The event log will tell of it, and with it whether it is held back; what it inhibits is known at once.
      if (isTold && unknown.has(alert.alertId)) mayInhibit(trackedAlert(alert));
      else takeUp(alert);
    }
  }
  const ended = [...open];
  for (let at = 0; at < ended.length; at += maxAlertsPerRead) {
    const ids = ended.slice(at, at + maxAlertsPerRead);
    const found = await alerts.read(ids);
    for (const alert of found) takeUp(alert);
    const kept = new Set(found.map(({ alertId }) => alertId));
    const forgotten = ids.filter((alertId) => !kept.has(alertId));
    if (forgotten.length === 0) continue;
    await database.transaction((tx) => forgetAlerts(tx, forgotten, [holds, keptBack]));
  }
}

/** Whether the event log tells of all that has begun since the last run. */
async function hasCursor({ database, consumer }: Pick<TakingUp, 'database' | 'consumer'>): Promise<boolean> {
  const row = await database.reader
    .selectFrom('event_cursors')
    .select('consumer')
    .where('consumer', '=', consumer)
    .executeTakeFirst();
  return row !== undefined;
}
