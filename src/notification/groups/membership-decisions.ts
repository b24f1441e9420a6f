import type { Decision } from '../explain/decision.ts';
import type { AggregationGroup } from './aggregation-group.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/** An alert has come into a group. */
export function joined({ alertId }: TrackedAlert, { route, groupKey }: AggregationGroup): Decision {
  const reason = `to ${route.receiver} by the route ${route.key}, in the group ${groupKey}`;
  return { ...about(alertId, route.receiver), decision: 'routed', reason };
}

/** Of an alert that comes back faster than its group is told of the newest episode is told. */
export function replaced(older: TrackedAlert, newer: TrackedAlert, { route }: AggregationGroup): Decision {
  const reason = `it was over, and the alert ${newer.alertId} of the same labels has taken its place`;
  return { ...about(older.alertId, route.receiver), decision: 'replaced', reason };
}

function about(alertId: string, receiver: string) {
  return { alertId, stage: 'routing', receiver, notificationId: null } as const;
}
