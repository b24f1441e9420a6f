import type { StateDatabase, StateTransaction } from '#storage';
import type { AggregationGroup } from './aggregation-group.ts';
import type { KeptBesideAlerts } from './remembered-alerts.ts';

/** So many rows are written with one statement. */
const maxRowsPerStatement = 500;

/** An alert that a pass has kept back while it fired. */
export interface KeptBack {
  readonly alertId: string;
  readonly groupId: string;
}

/** Which alerts groups have kept back while they fired: that these came and went is no news, over a restart and a reload too. */
export class KeptBackAlerts implements KeptBesideAlerts {
  /** By group, of an earlier run or configuration: what its group begins with. */
  readonly #earlier = new Map<string, Set<string>>();

  /** What an earlier run has kept back. */
  async read(database: StateDatabase): Promise<void> {
    const rows = await database.reader
      .selectFrom('notification_kept_back')
      .select(['alert_id', 'group_id'])
      .execute();
    for (const { alert_id: alertId, group_id: groupId } of rows) {
      const alertIds = this.#earlier.get(groupId);
      if (alertIds) alertIds.add(alertId);
      else this.#earlier.set(groupId, new Set([alertId]));
    }
  }

  /** Groups are made anew. */
  keep(groups: Iterable<AggregationGroup>): void {
    for (const { id, keptBack } of groups) if (keptBack.size > 0) this.#earlier.set(id, keptBack);
  }

  of(groupId: string): ReadonlySet<string> | null {
    return this.#earlier.get(groupId) ?? null;
  }

  /** All groups of before are there again, but those that may come back. */
  forgetEarlier(mayComeBack: (groupId: string) => boolean): void {
    for (const groupId of this.#earlier.keys()) if (!mayComeBack(groupId)) this.#earlier.delete(groupId);
  }

  async write(tx: StateTransaction, keptBack: readonly KeptBack[]): Promise<void> {
    for (let at = 0; at < keptBack.length; at += maxRowsPerStatement) {
      const some = keptBack.slice(at, at + maxRowsPerStatement);
      await tx.db
        .insertInto('notification_kept_back')
        .values(some.map(({ alertId, groupId }) => ({ alert_id: alertId, group_id: groupId })))
        .onConflict((conflict) => conflict.columns(['alert_id', 'group_id']).doNothing())
        .execute();
    }
  }

  async remove(tx: StateTransaction, alertIds: readonly string[]): Promise<void> {
    await tx.db.deleteFrom('notification_kept_back').where('alert_id', 'in', alertIds).execute();
  }
}
