import { Stretch, type Clock } from '#telemetry';
import type { DecisionLog } from '../explain/decision-log.ts';
import type { Decision } from '../explain/decision.ts';
import type { RoutedTo, Router } from '../ports.ts';
import { createGroup, groupIdOf, type AggregationGroup } from './aggregation-group.ts';
import type { FlapHistory } from './flap-history.ts';
import type { KeptBackAlerts } from './kept-back-alerts.ts';
import { joined, replaced } from './membership-decisions.ts';
import type { RetiredGroups } from './retired-groups.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/** Alerts beyond so many groups are told of in one group a route. */
export const maxAggregationGroups = 50_000;
const NONE: ReadonlySet<AggregationGroup> = new Set();

export interface MembershipParts {
  readonly clock: Clock;
  readonly decisions: Pick<DecisionLog, 'record' | 'forget'>;
  readonly keptBack: Pick<KeptBackAlerts, 'of'>;
  readonly flaps: Pick<FlapHistory, 'joined'>;
  readonly retired: Pick<RetiredGroups, 'remove' | 'replace'>;
  /** There is a group that was not there before: it is passed when its time has come. */
  readonly onBegun: (group: AggregationGroup) => void;
  /** An alert has come into a group. */
  readonly onJoined: (alert: TrackedAlert, group: AggregationGroup) => void;
  /** No group holds an alert any more. */
  readonly onGone: (alertId: string) => void;
}

interface Tracked {
  readonly alert: TrackedAlert;
  readonly groups: Set<AggregationGroup>;
}

/** Which alerts there are, and in which groups: alerts come in by the routing tree, are over, and leave. The one owner of both. */
export class GroupMembership {
  readonly #parts: MembershipParts;
  #router: Router;
  readonly #groups = new Map<string, AggregationGroup>();
  readonly #alerts = new Map<string, Tracked>();
  /** Of these, those that fire. */
  readonly #firing = new Set<TrackedAlert>();
  /**
   * By fingerprint, alerts that fire beside another one of the same labels: one that a rule has raised and one that somebody has
   * posted. People are told of the other; these take its place when it is over.
   */
  readonly #beside = new Map<string, Set<Tracked>>();

  constructor(parts: MembershipParts, router: Router) {
    this.#parts = parts;
    this.#router = router;
  }

  /** All alerts are routed anew, by another tree: groups are made anew. Those that were there have passed where they had before. */
  async routeAnew(router: Router): Promise<void> {
    this.#router = router;
    const passed = new Set(
      [...this.#groups.values()].filter(({ hasPassed }) => hasPassed).map(({ id }) => id),
    );
    this.#groups.clear();
    this.#beside.clear();
    const stretch = new Stretch(this.#parts.clock);
    for (const tracked of this.#alerts.values()) {
      tracked.groups.clear();
      this.#route(tracked, passed);
      if (stretch.isOver) await stretch.pause();
    }
  }

  /** One that is not known yet. */
  take(alert: TrackedAlert): void {
    const tracked: Tracked = { alert, groups: new Set() };
    this.#alerts.set(alert.alertId, tracked);
    if (alert.endsAtMs === null) this.#firing.add(alert);
    this.#route(tracked, new Set());
  }

  /** @returns the alert, which is over now; null where it is not known */
  resolve(alertId: string, endsAtMs: number): TrackedAlert | null {
    const tracked = this.#alerts.get(alertId);
    if (!tracked) return null;
    tracked.alert.endsAtMs = endsAtMs;
    this.#firing.delete(tracked.alert);
    this.#letOthersFollow(tracked);
    return tracked.alert;
  }

  /** Those that are over leave a group, and are known no more where it was their last one; a group without members is gone. */
  leave(group: AggregationGroup, left: readonly TrackedAlert[]): void {
    for (const alert of left) {
      // Meanwhile it may fire again, as another episode.
      if (group.members.get(alert.fingerprint) !== alert) continue;
      group.members.delete(alert.fingerprint);
      group.keptBack.delete(alert.alertId);
      this.#leave(alert.alertId, group);
    }
    if (group.members.size === 0) this.#groups.delete(group.id);
  }

  acknowledge(alertId: string, by: string): void {
    const tracked = this.#alerts.get(alertId);
    if (tracked) tracked.alert.acknowledgedBy = by;
  }

  /** @param untilMs wall ms */
  snooze(alertId: string, untilMs: number): void {
    const tracked = this.#alerts.get(alertId);
    if (tracked) tracked.alert.snoozedUntilMs = untilMs;
  }

  get(alertId: string): TrackedAlert | null {
    return this.#alerts.get(alertId)?.alert ?? null;
  }

  /** The alerts that fire. */
  get firing(): ReadonlySet<TrackedAlert> {
    return this.#firing;
  }

  /** The groups that hold an alert; none where it is not known. */
  groupsOf(alertId: string): ReadonlySet<AggregationGroup> {
    return this.#alerts.get(alertId)?.groups ?? NONE;
  }

  /** Null where there is none of this id. */
  group(groupId: string): AggregationGroup | null {
    return this.#groups.get(groupId) ?? null;
  }

  hasGroup(groupId: string): boolean {
    return this.#groups.has(groupId);
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  groups(): Iterable<AggregationGroup> {
    return this.#groups.values();
  }

  /** Those that some group holds. */
  *alerts(): Iterable<TrackedAlert> {
    for (const { alert, groups } of this.#alerts.values()) if (groups.size > 0) yield alert;
  }

  get alertCount(): number {
    return this.#alerts.size;
  }

  /** Whether a group holds an alert. */
  isIn(alertId: string, group: AggregationGroup): boolean {
    return this.#alerts.get(alertId)?.groups.has(group) === true;
  }

  #route(tracked: Tracked, passed: ReadonlySet<string>): void {
    for (const to of this.#router.routesOf(tracked.alert.labels)) {
      this.#join(tracked, this.#groupOf(to, tracked.alert, passed));
    }
    const { alertId, fingerprint } = tracked.alert;
    if (tracked.groups.size === 0 && !this.#beside.get(fingerprint)?.has(tracked)) this.#drop(alertId);
  }

  /** An alert is over: one of the same labels that fires all the same takes its place. */
  #letOthersFollow(tracked: Tracked): void {
    const { alertId, fingerprint } = tracked.alert;
    const beside = this.#beside.get(fingerprint);
    if (!beside) return;
    beside.delete(tracked);
    const [next] = beside;
    if (tracked.groups.size === 0) this.#drop(alertId);
    else if (next) {
      beside.delete(next);
      this.#route(next, new Set());
    }
    if (beside.size === 0) this.#beside.delete(fingerprint);
  }

  #groupOf(to: RoutedTo, alert: TrackedAlert, passed: ReadonlySet<string>): AggregationGroup {
    const known = this.#groups.get(groupIdOf(to.route.id, to.groupKey));
    if (known) return known;
    const isFull = this.#groups.size >= maxAggregationGroups;
    const overflow: RoutedTo = { route: to.route, groupKey: `${to.route.key}:{}`, groupLabels: {} };
    // Who posts an alert may have another clock, and ours may have been set back.
    const sinceMs = Math.min(alert.startsAtMs, this.#parts.clock.wallMs());
    const group = createGroup(isFull ? overflow : to, sinceMs + to.route.groupWaitMs);
    const other = this.#groups.get(group.id);
    if (other) return other;
    // One that is there again has told of what it was told.
    const isBack = this.#parts.retired.remove(group.id);
    group.hasPassed = isBack || passed.has(group.id);
    for (const alertId of this.#parts.keptBack.of(group.id) ?? []) group.keptBack.add(alertId);
    this.#groups.set(group.id, group);
    this.#parts.onBegun(group);
    return group;
  }

  #join(tracked: Tracked, group: AggregationGroup): void {
    const { alert } = tracked;
    const older = group.members.get(alert.fingerprint);
    if (older && older !== alert) {
      // Of what is over the newest is told.
      const isNewer = alert.endsAtMs === null || older.startsAtMs <= alert.startsAtMs;
      if (older.endsAtMs === null || !isNewer) {
        if (alert.endsAtMs === null) this.#putBeside(tracked);
        return;
      }
      group.keptBack.delete(older.alertId);
      this.#explain(replaced(older, alert, group), group);
      this.#parts.retired.replace(older, alert);
      this.#leave(older.alertId, group);
    }
    group.members.set(alert.fingerprint, alert);
    group.changes++;
    this.#parts.flaps.joined(alert, group);
    tracked.groups.add(group);
    this.#explain(joined(alert, group), group);
    this.#parts.onJoined(alert, group);
  }

  #explain(decision: Decision, group: AggregationGroup): void {
    this.#parts.decisions.record(decision, `${group.id} routing`);
  }

  #leave(alertId: string, group: AggregationGroup): void {
    const tracked = this.#alerts.get(alertId);
    if (!tracked) return;
    tracked.groups.delete(group);
    if (tracked.groups.size === 0) this.#drop(alertId);
  }

  #putBeside(tracked: Tracked): void {
    const { fingerprint } = tracked.alert;
    const beside = this.#beside.get(fingerprint);
    if (beside) beside.add(tracked);
    else this.#beside.set(fingerprint, new Set([tracked]));
  }

  /** Nobody is to be told of it any more. */
  #drop(alertId: string): void {
    const tracked = this.#alerts.get(alertId);
    if (!tracked) return;
    this.#alerts.delete(alertId);
    this.#firing.delete(tracked.alert);
    this.#parts.decisions.forget(alertId);
    this.#parts.onGone(alertId);
  }
}
