import type { StateTables } from '#storage';
import { parseLabels, type Labels, type Timer } from '#telemetry';
import { groupIdOf } from '../groups/aggregation-group.ts';

/** The group by which people were told of an alert first. */
export interface LadderGroup {
  readonly id: string;
  readonly key: string;
  readonly labels: Labels;
  readonly routeLabels: Labels;
  /** Of its route. */
  readonly receiver: string;
}

/** An alert on its way up a ladder, or one of which others were told that way, until it is over. Changed by `Escalations` alone. */
export interface Climb {
  readonly alertId: string;
  readonly fingerprint: string;
  /** The ladder's name. */
  readonly escalation: string;
  readonly group: LadderGroup;
  beganAtMs: number;
  step: number;
  round: number;
  /** Wall ms of the next step; null where there is none any more. */
  dueAtMs: number | null;
  timer: Timer | null;
  /** Monotonic ms at which the timer rings; what it says counts where there is a timer. */
  ringsAtMs: number;
}

/** Whether a step of a ladder is to tell of an alert now: `waits` while it is kept back from people; `over` where it is over, or somebody looks after it. */
export type ClimbState = 'climbs' | 'waits' | 'over';

type Row = StateTables['notification_escalations'];

export function climbOf(row: Row, fingerprint: string): Climb {
  return {
    alertId: row.alert_id,
    fingerprint,
    escalation: row.escalation,
    group: {
      id: row.group_id,
      key: row.group_key,
      labels: parseLabels(row.group_labels),
      routeLabels: parseLabels(row.route_labels),
      receiver: row.receiver,
    },
    beganAtMs: row.began_at_ms,
    step: row.step,
    round: row.round,
    dueAtMs: row.due_at_ms,
    timer: null,
    ringsAtMs: 0,
  };
}

export function rowOfClimb({ group, ...climb }: Climb): Row {
  return {
    alert_id: climb.alertId,
    escalation: climb.escalation,
    group_id: group.id,
    group_key: group.key,
    group_labels: JSON.stringify(group.labels),
    route_labels: JSON.stringify(group.routeLabels),
    receiver: group.receiver,
    began_at_ms: climb.beganAtMs,
    step: climb.step,
    round: climb.round,
    due_at_ms: climb.dueAtMs,
  };
}

/** What the log and the outbox call the alerts of one group that climb one ladder: beside the group itself. */
export function ladderGroupId({ group, escalation }: Pick<Climb, 'group' | 'escalation'>): string {
  return groupIdOf(`escalation ${escalation}`, group.id);
}

/** All climbs, found by alert and by the group of a ladder. */
export class Climbs {
  readonly #byAlert = new Map<string, Map<string, Climb>>();
  readonly #byGroup = new Map<string, Set<Climb>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Those of an alert. */
  of(alertId: string): Iterable<Climb> {
    return this.#byAlert.get(alertId)?.values() ?? [];
  }

  has(alertId: string, escalation: string): boolean {
    return this.#byAlert.get(alertId)?.has(escalation) === true;
  }

  /** That of an alert on a ladder of a group; null where it does not climb it, or its end has been told. */
  in(ladderGroup: string, alertId: string): Climb | null {
    const ofGroup = this.ofGroup(ladderGroup);
    for (const climb of this.of(alertId)) if (ofGroup.has(climb)) return climb;
    return null;
  }

  /** Those of a ladder of a group. */
  ofGroup(ladderGroup: string): ReadonlySet<Climb> {
    return this.#byGroup.get(ladderGroup) ?? new Set();
  }

  *all(): Iterable<Climb> {
    for (const climbs of this.#byAlert.values()) yield* climbs.values();
  }

  add(climb: Climb): void {
    if (this.has(climb.alertId, climb.escalation)) return;
    this.#size++;
    const ofAlert = this.#byAlert.get(climb.alertId) ?? new Map<string, Climb>();
    this.#byAlert.set(climb.alertId, ofAlert.set(climb.escalation, climb));
    const groupId = ladderGroupId(climb);
    const ofGroup = this.#byGroup.get(groupId);
    if (ofGroup) ofGroup.add(climb);
    else this.#byGroup.set(groupId, new Set([climb]));
  }

  delete(climb: Climb): void {
    const ofAlert = this.#byAlert.get(climb.alertId);
    if (!ofAlert?.delete(climb.escalation)) return;
    this.#size--;
    if (ofAlert.size === 0) this.#byAlert.delete(climb.alertId);
    const groupId = ladderGroupId(climb);
    const ofGroup = this.#byGroup.get(groupId);
    ofGroup?.delete(climb);
    if (ofGroup?.size === 0) this.#byGroup.delete(groupId);
  }
}
