import type { StateTransaction } from '#storage';
import type { AggregationGroup } from './aggregation-group.ts';
import type { DispatcherParts, Written } from './dispatcher-parts.ts';
import { forgetAlerts } from './remembered-alerts.ts';

export interface Writing extends Pick<
  DispatcherParts,
  'log' | 'outbox' | 'beside' | 'keptBack' | 'keepsGroup' | 'onTold'
> {
  readonly hasGroup: (groupId: string) => boolean;
  /** The groups that hold an alert; null where it is not known. */
  readonly groupsOf: (alertId: string) => ReadonlySet<AggregationGroup> | null;
}

/** Writes what passes have decided: messages before anything is sent, and what is no longer needed beside them. */
export async function writePasses(
  tx: StateTransaction,
  { leaving, gone, goneGroups, logs, ends }: Written,
  { log, outbox, beside, keptBack, keepsGroup, onTold, hasGroup, groupsOf }: Writing,
): Promise<void> {
  const passes = leaving.flatMap(({ pass }) => pass ?? []);
  await outbox.plan(
    tx,
    [...passes.flatMap(({ planned }) => planned), ...ends],
    passes.flatMap(({ withdrawn }) => withdrawn),
  );
  await log.write(tx, [
    ...passes.flatMap((pass) => pass.logs),
    // One that is there again by now goes on with what it knew.
    ...logs.filter(({ groupId }) => !hasGroup(groupId)),
  ]);
  await keptBack.write(
    tx,
    passes.flatMap((pass) => pass.keptBack.map((alertId) => ({ alertId, groupId: pass.group.id }))),
  );
  await onTold(
    tx,
    passes.filter(({ firing }) => firing.length > 0),
  );
  const ended = leaving.filter(({ group, left }) => left.length === group.members.size);
  await log.forget(tx, [
    ...ended.map(({ group }) => group.id),
    // One that is there again by now is told of.
    ...goneGroups.filter((groupId) => !hasGroup(groupId) && !keepsGroup(groupId)),
  ]);
  const alertIds = new Set(gone);
  for (const { group, left } of leaving) {
    for (const { alertId } of left) {
      const groups = groupsOf(alertId);
      if (!groups || (groups.size === 1 && groups.has(group))) alertIds.add(alertId);
    }
  }
  await forgetAlerts(tx, [...alertIds], beside);
}
