import {
  backoffMs,
  createId,
  delay,
  formatElapsed,
  messageOf,
  paced,
  severityRank,
  Stretch,
  type BackoffLimits,
} from '#telemetry';
import type { Decision } from '../explain/decision-log.ts';
import type { Notification } from '../outbox/outbox-rows.ts';
import type { RoutedTo } from '../ports.ts';
import { createGroup, groupIdOf, isWaitOver, type AggregationGroup } from './aggregation-group.ts';
import type { DispatcherParts, Leaving } from './dispatcher-parts.ts';
import { joined, replaced } from './membership-decisions.ts';
import { decidePass, membersThatLeave, type Pass } from './pass.ts';
import { FlapHistory } from './flap-history.ts';
import { isStillQuiet, quietAfter } from './quiet-group.ts';
import type { RoutingInForce } from './routing-in-force.ts';
import type { TrackedAlert } from './tracked-alert.ts';
import { writePasses, type Writing } from './write-passes.ts';

/** Alerts beyond so many groups are told of in one group a route. */
export const maxAggregationGroups = 50_000;
/** So many rows are written in one transaction. */
const maxRowsPerWrite = 200;
/** What is decided later than this has stopped, for the dead man's switch. */
const maxLatenessMs = 60_000;
const WRITE_BACKOFF: BackoffLimits = { firstMs: 200, maxMs: 15_000 };
/** Who writes more at once is the incident; who writes fewer may have nothing to do with it and goes before. */
const maxUrgentRows = 10;
const CRITICAL = severityRank('critical');

export type SettledMessage = Pick<Notification, 'groupId' | 'integration'>;

interface Tracked {
  readonly alert: TrackedAlert;
  readonly groups: Set<AggregationGroup>;
}

/**
 * The aggregation groups: alerts come in and are resolved, and each group is passed when its time has come. What a pass decides
 * is on disk before anything is sent. The one owner of groups and of the alerts in them.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  #inForce: RoutingInForce;
  readonly #groups = new Map<string, AggregationGroup>();
  readonly #alerts = new Map<string, Tracked>();
  /** Of these, those that fire. */
  readonly #firing = new Set<TrackedAlert>();
  /**
   * By fingerprint, alerts that fire beside another one of the same labels: one that a rule has raised and one that somebody has
   * posted. People are told of the other; these take its place when it is over.
   */
  readonly #beside = new Map<string, Set<Tracked>>();
  /** Alerts that no group holds any more; their rows go with the next write. */
  readonly #gone = new Set<string>();
  /** Groups that are no more, of which somebody was told: what is known of them goes with the next write. */
  readonly #goneGroups = new Set<string>();
  /** In the order in which they are decided. */
  readonly #due = new Set<AggregationGroup>();
  /** Of which the last message has arrived: what is over and was told leaves them. */
  readonly #settling = new Set<AggregationGroup>();
  readonly #flaps = new FlapHistory();
  readonly #writing: Writing;
  #passing: Promise<void> | null = null;
  /** Aborted, a pause ends before its time. */
  #pauses = new AbortController();
  /** Groups are only collected: not all that fires is known yet. */
  #isHeld = true;
  #isStopped = false;

  constructor(parts: DispatcherParts, inForce: RoutingInForce) {
    this.#parts = parts;
    this.#inForce = inForce;
    this.#writing = {
      ...parts,
      hasGroup: (groupId) => this.hasGroup(groupId),
      groupsOf: (alertId) => this.#alerts.get(alertId)?.groups ?? null,
    };
    parts.metrics.gauge(
      'omoi_notification_groups',
      'Aggregation groups: alerts that are told of together.',
      () => this.groupCount,
    );
    parts.metrics.gauge(
      'omoi_notification_alerts',
      'Alerts with which notification is not done.',
      () => this.#alerts.size,
    );
  }

  /** Passes begin: all alerts of an earlier run have been taken. What is known of groups that are no more is forgotten. */
  start(): void {
    for (const groupId of this.#parts.log.groupIds()) {
      const isKept = this.#groups.has(groupId) || this.#parts.keepsGroup(groupId);
      if (!isKept) this.#goneGroups.add(groupId);
    }
    this.#parts.keptBack.forgetEarlier();
    this.#isHeld = false;
    this.#pump();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#pauses.abort();
    for (const { timer } of this.#groups.values()) timer?.cancel();
    await this.#passing;
  }

  /** No pass begins until `replace` or `start`. Resolves when none is under way. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    this.#pauses.abort();
    this.#pauses = new AbortController();
    await this.#passing;
  }

  /**
   * Another configuration is in force: all alerts are routed anew, and passes begin. What was told of groups that stay is
   * remembered. Passes have to be held.
   */
  async replace(inForce: RoutingInForce): Promise<void> {
    this.#inForce = inForce;
    for (const { timer } of this.#groups.values()) timer?.cancel();
    const passed = new Set(
      [...this.#groups.values()].filter(({ hasPassed }) => hasPassed).map(({ id }) => id),
    );
    this.#parts.keptBack.keep(this.#groups.values());
    this.#groups.clear();
    this.#due.clear();
    this.#settling.clear();
    this.#beside.clear();
    const stretch = new Stretch(this.#parts.clock);
    for (const tracked of this.#alerts.values()) {
      tracked.groups.clear();
      this.#route(tracked, passed);
      if (stretch.isOver) await stretch.pause();
    }
    this.start();
  }

  /** An alert fires, or is over and somebody may have to hear of it. One that is known already is as it was. */
  take(alert: TrackedAlert): void {
    if (this.#alerts.has(alert.alertId)) return;
    this.#gone.delete(alert.alertId);
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

  acknowledge(alertId: string, by: string): void {
    const tracked = this.#alerts.get(alertId);
    if (tracked) tracked.alert.acknowledgedBy = by;
  }

  /** @param untilMs wall ms */
  snooze(alertId: string, untilMs: number): void {
    const tracked = this.#alerts.get(alertId);
    if (tracked) tracked.alert.snoozedUntilMs = untilMs;
  }

  /** That groups are no longer decided, in half a sentence; null while they are. */
  whatHasStopped(): string | null {
    const [first] = this.#due;
    const lateMs = first ? this.#parts.clock.wallMs() - first.dueAtMs : 0;
    return lateMs > maxLatenessMs ? `groups of alerts wait for ${formatElapsed(lateMs)} to be told of` : null;
  }

  get(alertId: string): TrackedAlert | null {
    return this.#alerts.get(alertId)?.alert ?? null;
  }

  /** The alerts that fire. */
  get firing(): ReadonlySet<TrackedAlert> {
    return this.#firing;
  }

  groupsOf(alertId: string): Iterable<AggregationGroup> {
    return this.#alerts.get(alertId)?.groups ?? [];
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

  /** What kept an alert back has changed: its groups are passed now, but those that still wait for what comes together. */
  look(alertId: string): void {
    const nowMs = this.#parts.clock.wallMs();
    for (const group of this.groupsOf(alertId)) if (isWaitOver(group, nowMs)) this.#passNow(group);
  }

  /** Nothing of a group is on its way to an integration any more. */
  settled({ groupId, integration }: SettledMessage, outcome: 'delivered' | 'failed'): void {
    const group = this.#groups.get(groupId);
    if (!group) {
      if (this.#parts.keepsGroup(groupId)) return;
      this.#goneGroups.add(groupId);
      this.#pump();
      return;
    }
    // It is decided again at the next interval, and not before: the receiver may have been repaired by then.
    if (outcome === 'failed') {
      group.refused.add(integration);
      const sinceMs = group.refusedSinceMs.get(integration) ?? this.#parts.clock.wallMs();
      group.refusedSinceMs.set(integration, sinceMs);
    } else group.refusedSinceMs.delete(integration);
    if (group.isUrgent) this.#passNow(group);
    else if (outcome === 'delivered') {
      this.#settling.add(group);
      this.#pump();
    }
  }

  #route(tracked: Tracked, passed: ReadonlySet<string>): void {
    for (const to of this.#inForce.router.routesOf(tracked.alert.labels)) {
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
    group.hasPassed = passed.has(group.id);
    for (const alertId of this.#parts.keptBack.of(group.id) ?? []) group.keptBack.add(alertId);
    this.#groups.set(group.id, group);
    this.#setTimer(group);
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
      this.#leave(older.alertId, group);
    }
    group.members.set(alert.fingerprint, alert);
    group.changes++;
    this.#flaps.joined(alert, group);
    tracked.groups.add(group);
    this.#explain(joined(alert, group), group);
    const { criticalBypassesInterval } = group.route.omoi;
    const isCritical = severityRank(alert.severity) >= CRITICAL;
    const mayBypass = criticalBypassesInterval && isWaitOver(group, this.#parts.clock.wallMs());
    if (mayBypass && isCritical && alert.endsAtMs === null) {
      group.isUrgent = true;
      group.refused.clear();
      this.#passNow(group);
    }
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
    this.#gone.add(alertId);
  }

  #setTimer(group: AggregationGroup): void {
    group.timer?.cancel();
    const { clock } = this.#parts;
    const inMs = group.dueAtMs - clock.wallMs();
    group.timer = null;
    if (inMs > 0) group.timer = clock.after(inMs, () => this.#passInTime(group));
    else this.#passInTime(group);
  }

  #passInTime(group: AggregationGroup): void {
    group.refused.clear();
    this.#passNow(group);
  }

  #passNow(group: AggregationGroup): void {
    this.#due.add(group);
    this.#pump();
  }

  #pump(): void {
    if (this.#isHeld || this.#isStopped || this.#passing !== null) return;
    this.#passing = this.#passAll().finally(() => {
      this.#passing = null;
      if (this.#hasWork) this.#pump();
    });
  }

  get #hasWork(): boolean {
    return [this.#due, this.#settling, this.#gone, this.#goneGroups].some(({ size }) => size > 0);
  }

  async #passAll(): Promise<void> {
    let failures = 0;
    // What comes together is decided together.
    await Promise.resolve();
    while (this.#hasWork && !this.#isHeld && !this.#isStopped) {
      const groups: AggregationGroup[] = [];
      try {
        await this.#writePasses(await this.#decideSome(groups));
        failures = 0;
      } catch (thrown) {
        this.#parts.logger.warn(
          { error: messageOf(thrown), groups: groups.length },
          'Notifications not written: their groups are decided again',
        );
        for (const group of groups) this.#due.add(group);
        const pauseMs = backoffMs(++failures, WRITE_BACKOFF, this.#parts.random);
        await delay(this.#parts.clock, pauseMs, this.#pauses.signal);
      }
    }
  }

  /** Decides for as many groups as one transaction takes. @param groups is filled with them */
  async #decideSome(groups: AggregationGroup[]): Promise<readonly Pass[]> {
    const { clock, random, decisions } = this.#parts;
    const stretch = new Stretch(clock);
    const passes: Pass[] = [];
    let rows = 0;
    // One iterator: what a set has lost at its front is passed over again by each new one.
    for (const group of this.#due) {
      if (rows >= maxRowsPerWrite) break;
      // Its message is not written yet: what has come since is decided after that.
      if (groups.includes(group)) continue;
      this.#due.delete(group);
      if (this.#groups.get(group.id) !== group) continue;
      group.isUrgent = false;
      const seen = this.#seen(group);
      if (group.quiet !== null && (await paced(isStillQuiet(group, group.quiet, seen), stretch))) {
        this.#passAgain(group, seen.nowMs + group.route.groupIntervalMs);
      } else {
        groups.push(group);
        const deciding = decidePass(group, {
          ...seen,
          decisions,
          wasHeld: this.#parts.wasHeld,
          flappingOf: (alert) => this.#flaps.of(alert, group, seen.nowMs),
          createId: () => createId('ntf', seen.nowMs, random),
        });
        const pass = await paced(deciding, stretch);
        passes.push(pass);
        rows += pass.rows;
      }
      if (stretch.isOver) await stretch.pause();
    }
    return passes;
  }

  /** What a group is decided by at this moment. */
  #seen({ route }: AggregationGroup) {
    const { clock, log, outbox } = this.#parts;
    const { stages } = this.#inForce;
    const integrations = this.#inForce.integrationsOf(route.receiver);
    const pastIntegrations = this.#inForce.pastIntegrationsOf(route.receiver);
    return { stages, integrations, pastIntegrations, log, outbox, nowMs: clock.wallMs() };
  }

  async #writePasses(passes: readonly Pass[]): Promise<void> {
    const leaving = [
      ...passes.map((pass): Leaving => ({ group: pass.group, pass, left: pass.left })),
      ...this.#takeSettled(),
    ];
    const gone = [...this.#gone].slice(0, maxRowsPerWrite);
    const goneGroups = [...this.#goneGroups].slice(0, maxRowsPerWrite);
    const ofPasses = leaving.reduce((sum, { pass, left }) => sum + (pass?.rows ?? left.length), 0);
    const rows = ofPasses + gone.length + goneGroups.length;
    if (rows > 0) {
      const written = { leaving, gone, goneGroups };
      const urgent = rows <= maxUrgentRows;
      await this.#parts.database.transaction((tx) => writePasses(tx, written, this.#writing), { urgent });
    }
    for (const alertId of gone) this.#gone.delete(alertId);
    for (const groupId of goneGroups) this.#goneGroups.delete(groupId);
    for (const one of leaving) this.#written(one);
    const stretch = new Stretch(this.#parts.clock);
    for (const { group, pass } of leaving) {
      if (!pass || this.#groups.get(group.id) !== group) continue;
      group.quiet = await paced(quietAfter(pass, this.#seen(group)), stretch);
    }
  }

  /** The groups whose messages have arrived, with the members that leave them. */
  #takeSettled(): readonly Leaving[] {
    const settled: Leaving[] = [];
    let rows = 0;
    for (const group of this.#settling) {
      if (rows >= maxRowsPerWrite) break;
      this.#settling.delete(group);
      if (this.#groups.get(group.id) !== group) continue;
      const integrations = this.#inForce.integrationsOf(group.route.receiver);
      const left = membersThatLeave(group, { ...this.#parts, integrations });
      rows += left.length + 1;
      if (left.length > 0) settled.push({ group, pass: null, left });
    }
    return settled;
  }

  #written({ group, pass, left }: Leaving): void {
    for (const alert of left) {
      // Meanwhile it may fire again, as another episode.
      if (group.members.get(alert.fingerprint) !== alert) continue;
      group.members.delete(alert.fingerprint);
      group.keptBack.delete(alert.alertId);
      this.#leave(alert.alertId, group);
    }
    if (group.members.size === 0) {
      group.timer?.cancel();
      this.#groups.delete(group.id);
      return;
    }
    if (!pass) return;
    for (const id of pass.keptBack) if (this.#alerts.get(id)?.groups.has(group)) group.keptBack.add(id);
    group.hasPassed = true;
    // What came while a message was on its way is decided when it has arrived.
    if (pass.isBlocked) group.isUrgent = true;
    group.quiet = null;
    const intervalEndMs = this.#parts.clock.wallMs() + group.route.groupIntervalMs;
    this.#passAgain(group, Math.min(intervalEndMs, pass.lookAtMs));
  }

  #passAgain(group: AggregationGroup, dueAtMs: number): void {
    group.dueAtMs = dueAtMs;
    this.#setTimer(group);
  }
}
