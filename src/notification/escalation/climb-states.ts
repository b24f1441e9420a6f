import type { AggregationGroup } from '../groups/aggregation-group.ts';
import type { Climb, Climbs, ClimbState } from './climb.ts';
import type { EscalationParts } from './escalation-parts.ts';
import type { LadderNow } from './waiting-messages.ts';

/** Who must not be told now is asked about again after so long. */
export const waitMs = 60_000;

/** How alerts that climb stand at the moment. */
export class ClimbStates {
  readonly #climbs: Climbs;
  readonly #parts: Pick<EscalationParts, 'context' | 'clock'>;

  constructor(climbs: Climbs, parts: Pick<EscalationParts, 'context' | 'clock'>) {
    this.#climbs = climbs;
    this.#parts = parts;
  }

  /** @param groupId of a ladder */
  of(groupId: string): LadderNow {
    const climbOf = (alertId: string): Climb | null => this.#climbs.in(groupId, alertId);
    return {
      climbs: this.#climbs.ofGroup(groupId),
      climbOf,
      climbStateOf: (alertId) => this.climbStateOf(climbOf(alertId)),
    };
  }

  climbStateOf(climb: Climb | null): ClimbState {
    const { context, clock } = this.#parts;
    const alert = climb && context.alertOf(climb.alertId);
    const group = climb && this.groupOf(climb);
    if (!alert || !group || alert.acknowledgedBy !== null || alert.endsAtMs !== null) return 'over';
    const nowMs = clock.wallMs();
    // After a snooze it climbs from the bottom.
    if ((alert.snoozedUntilMs ?? 0) > nowMs) return 'over';
    return context.mutedBy(alert, group, nowMs) ? 'waits' : 'climbs';
  }

  /** By which people are told of an alert now: a reload may have given it others. */
  groupOf({ alertId, group: { id } }: Climb): AggregationGroup | undefined {
    const groups = [...this.#parts.context.groupsOf(alertId)];
    return groups.find((one) => one.id === id) ?? groups[0];
  }
}
