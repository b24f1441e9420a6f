import { severityRank } from '#telemetry';
import { mutedBy, type MuteStage } from '../stages/mute-stage.ts';
import { isWaitOver, type AggregationGroup } from './aggregation-group.ts';
import type { Pass } from './pass.ts';
import type { TrackedAlert } from './tracked-alert.ts';

const CRITICAL = severityRank('critical');

/** Whether a group is passed as soon as an alert comes into it: a critical one, where its route says so. */
export function isUrgentFor(alert: TrackedAlert, group: AggregationGroup, nowMs: number): boolean {
  const mayBypass = group.route.omoi.criticalBypassesInterval && isWaitOver(group, nowMs);
  return mayBypass && alert.endsAtMs === null && severityRank(alert.severity) >= CRITICAL;
}

/**
 * When a group is passed at the latest once an alert has come into it (wall ms). While all that the group has is held back for
 * repairs its first message is still to come, and what is not held waits for `group_wait`, as it would without them.
 */
export function passAtLatestMs(
  alert: TrackedAlert,
  group: AggregationGroup,
  { stages, nowMs }: { readonly stages: readonly MuteStage[]; readonly nowMs: number },
): number {
  const { route, dueAtMs, isAllHeld } = group;
  if (!isAllHeld || alert.endsAtMs !== null) return dueAtMs;
  if (mutedBy(stages, alert, { route, nowMs }) !== null) return dueAtMs;
  return Math.min(dueAtMs, nowMs + route.groupWaitMs);
}

/** When a group is passed again after a pass of it (wall ms). */
export function nextPassMs(
  { group, changes, isAllHeld, lookAtMs }: Pick<Pass, 'group' | 'changes' | 'isAllHeld' | 'lookAtMs'>,
  nowMs: number,
): number {
  const { groupIntervalMs, groupWaitMs } = group.route;
  // What came while the pass was decided and written is as what comes from now on.
  const hasCome = isAllHeld && group.changes !== changes;
  return Math.min(nowMs + (hasCome ? groupWaitMs : groupIntervalMs), lookAtMs);
}
