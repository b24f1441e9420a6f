import {
  backoffMs,
  createId,
  delay,
  firstOf,
  formatElapsed,
  messageOf,
  paced,
  Stretch,
  type BackoffLimits,
} from '#telemetry';
import type { EndOfMessage } from '../outbox/outcomes.ts';
import type { Notification } from '../outbox/outbox-rows.ts';
import { isWaitOver, noteRefusal, type AggregationGroup } from './aggregation-group.ts';
import type { DispatcherParts, Leaving } from './dispatcher-parts.ts';
import { isUrgentFor, nextPassMs, passAtLatestMs } from './early-pass.ts';
import { decidePass, membersThatLeave, type Pass } from './pass.ts';
import { FlapHistory } from './flap-history.ts';
import { GroupMembership } from './group-membership.ts';
import { OutdatedGroups } from './outdated-groups.ts';
import { isStillQuiet, quietAfter } from './quiet-group.ts';
import { planRetiredEnds, type PlannedEnds } from './retired-ends.ts';
import { RetiredGroups } from './retired-groups.ts';
import type { RoutingInForce } from './routing-in-force.ts';
import { lookAhead } from '../stages/mute-stage.ts';
import type { TrackedAlert } from './tracked-alert.ts';
import { WaitingEnds } from './waiting-ends.ts';
import { writePasses, type Writing } from './write-passes.ts';

/** So many rows are written in one transaction. */
const maxRowsPerWrite = 200;
/** What is decided later than this has stopped, for the dead man's switch. */
const maxLatenessMs = 60_000;
const WRITE_BACKOFF: BackoffLimits = { firstMs: 200, maxMs: 15_000 };
/** Who writes more at once is the incident; who writes fewer may have nothing to do with it and goes before. */
const maxUrgentRows = 10;

/**
 * Passes the aggregation groups, each when its time has come, as alerts come into them and are resolved. What a pass decides is on
 * disk before anything is sent.
 */
export class Dispatcher {
  /** The groups and the alerts in them. */
  readonly membership: GroupMembership;
  readonly #parts: DispatcherParts;
  #inForce: RoutingInForce;
  /** Alerts that no group holds any more; their rows go with the next write. */
  readonly #gone = new Set<string>();
  /** Groups that are no more, of which somebody was told: what is known of them goes with the next write. */
  readonly #goneGroups = new Set<string>();
  readonly #retired = new RetiredGroups();
  /** Of these, those of which the log knows more than is left to remember: that goes with the next write. */
  readonly #outdated = new OutdatedGroups();
  readonly #waitingEnds = new WaitingEnds();
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
    this.membership = new GroupMembership(
      {
        ...parts,
        flaps: this.#flaps,
        retired: this.#retired,
        onBegun: (group) => this.#setTimer(group),
        onJoined: (alert, group) => this.#passEarly(alert, group),
        onGone: (alertId) => this.#forget(alertId),
      },
      inForce.router,
    );
    this.#writing = {
      ...parts,
      keepsGroup: (groupId) => this.#retired.has(groupId) || parts.keepsGroup(groupId),
      hasGroup: (groupId) => this.hasGroup(groupId),
      groupsOf: (alertId) => this.membership.get(alertId) && this.membership.groupsOf(alertId),
    };
    parts.metrics.gauge(
      'omoi_notification_groups',
      'Aggregation groups: alerts that are told of together.',
      () => this.groupCount,
    );
    parts.metrics.gauge(
      'omoi_notification_alerts',
      'Alerts with which notification is not done.',
      () => this.membership.alertCount,
    );
  }

  /** Passes begin: all alerts of an earlier run have been taken. What was told by groups that are no more is kept for as long as these fire. */
  async start(): Promise<void> {
    await this.#retireGroups();
    this.#parts.keptBack.forgetEarlier((groupId) => this.#retired.has(groupId));
    this.#isHeld = false;
    this.#pump();
  }

  /** Those of which the log knows and that are not there. */
  async #retireGroups(): Promise<void> {
    const { log, keepsGroup, clock } = this.#parts;
    const isThere = (id: string): boolean => this.hasGroup(id) || this.#retired.has(id) || keepsGroup(id);
    const missing = [...log.groupIds()].filter((groupId) => !isThere(groupId));
    if (missing.length === 0) return;
    const stretch = new Stretch(clock);
    const byFingerprint = new Map<string, TrackedAlert>();
    for (const alert of this.membership.alerts()) {
      byFingerprint.set(alert.fingerprint, alert);
      if (stretch.isOver) await stretch.pause();
    }
    for (const groupId of missing) {
      const entries = log.entriesOf(groupId);
      const told = new Set(entries.flatMap(([, { firing, resolved }]) => [...firing, ...resolved]));
      this.#retire(
        groupId,
        [...told].flatMap((fingerprint) => byFingerprint.get(fingerprint) ?? []),
      );
      // Some of what was told to fire may be over since.
      const isOver = (fingerprint: string): boolean => !byFingerprint.has(fingerprint);
      if (entries.some(([, { firing }]) => [...firing].some(isOver))) this.#outdated.add(groupId);
      if (stretch.isOver) await stretch.pause();
    }
  }

  /** @param told those of which somebody knows */
  #retire(groupId: string, told: readonly TrackedAlert[]): void {
    const known = told.filter(({ alertId }) => this.membership.get(alertId) !== null);
    if (known.length === 0) this.#goneGroups.add(groupId);
    else for (const forgotten of this.#retired.add(groupId, known)) this.#goneGroups.add(forgotten);
  }

  readonly #isSending = (groupId: string): boolean =>
    this.#parts.outbox.outstandingOf(groupId).some(({ state }) => state === 'sending');

  /** No group holds an alert any more. */
  #forget(alertId: string): void {
    this.#gone.add(alertId);
    for (const groupId of this.#retired.alertGone(alertId)) this.#outdated.add(groupId);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#pauses.abort();
    for (const { timer } of this.groups()) timer?.cancel();
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
    for (const { timer } of this.groups()) timer?.cancel();
    this.#parts.keptBack.keep(this.groups());
    this.#due.clear();
    this.#settling.clear();
    this.#waitingEnds.clear();
    // What was on its way to integrations that are no more has been given up.
    this.#outdated.lookAgain();
    const before = [...this.groups()];
    await this.membership.routeAnew(inForce.router);
    const stretch = new Stretch(this.#parts.clock);
    for (const { id, members } of before) {
      if (stretch.isOver) await stretch.pause();
      // What is on its way may arrive yet.
      if (!this.hasGroup(id) && this.#isSending(id)) this.#retire(id, [...members.values()]);
    }
    await this.start();
  }

  /** An alert fires, or is over and somebody may have to hear of it. One that is known already is as it was. */
  take(alert: TrackedAlert): void {
    if (this.membership.get(alert.alertId)) return;
    this.#gone.delete(alert.alertId);
    this.membership.take(alert);
  }

  /** That groups are no longer decided, in half a sentence; null while they are. */
  whatHasStopped(): string | null {
    const [first] = this.#due;
    const lateMs = first ? this.#parts.clock.wallMs() - first.dueAtMs : 0;
    return lateMs > maxLatenessMs ? `groups of alerts wait for ${formatElapsed(lateMs)} to be told of` : null;
  }

  hasGroup(groupId: string): boolean {
    return this.membership.hasGroup(groupId);
  }

  get groupCount(): number {
    return this.membership.groupCount;
  }

  groups(): Iterable<AggregationGroup> {
    return this.membership.groups();
  }

  /** What kept an alert back has changed: its groups are passed now, but those that still wait for what comes together. */
  look(alertId: string): void {
    const nowMs = this.#parts.clock.wallMs();
    for (const group of this.membership.groupsOf(alertId)) if (isWaitOver(group, nowMs)) this.#passNow(group);
  }

  /** Nothing of a group is on its way to an integration any more. */
  settled(notification: Notification, ended: EndOfMessage): void {
    const { groupId } = notification;
    this.#waitingEnds.landed(groupId);
    if (this.#waitingEnds.areReady) this.#pump();
    const group = this.membership.group(groupId);
    if (!group) {
      if (this.#parts.keepsGroup(groupId)) return;
      if (this.#retired.has(groupId)) {
        this.#outdated.add(groupId);
        for (const one of this.#groupsOf(notification)) noteRefusal(one, notification, ended);
      } else this.#goneGroups.add(groupId);
      this.#pump();
      return;
    }
    noteRefusal(group, notification, ended);
    if (group.isUrgent) this.#passNow(group);
    else if (ended.outcome === 'delivered') {
      this.#settling.add(group);
      this.#pump();
    }
  }

  /** A message of a group has failed: it waits for its next try, or was given up. What has waited for it goes on. */
  waits(groupId: string): void {
    this.#outdated.landed(groupId);
    this.#waitingEnds.landed(groupId);
    this.#pump();
  }

  /** Those that tell of its alerts in the place of a group that is no more. */
  #groupsOf({ members }: Notification): ReadonlySet<AggregationGroup> {
    return new Set(members.flatMap(([alertId]) => [...this.membership.groupsOf(alertId)]));
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

  /** What has come into a group may not wait for its next interval. */
  #passEarly(alert: TrackedAlert, group: AggregationGroup): void {
    const nowMs = this.#parts.clock.wallMs();
    const atLatestMs = passAtLatestMs(alert, group, { stages: this.#inForce.stages, nowMs });
    if (atLatestMs < group.dueAtMs) this.#passAgain(group, atLatestMs);
    if (!isUrgentFor(alert, group, nowMs)) return;
    group.isUrgent = true;
    this.#passInTime(group);
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
    const waiting = [this.#due, this.#settling, this.#gone, this.#goneGroups];
    return waiting.some(({ size }) => size > 0) || this.#outdated.areReady || this.#waitingEnds.areReady;
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
    for (const group of this.#waitingEnds.take(this.#isSending, maxRowsPerWrite)) this.#due.add(group);
    // One iterator: what a set has lost at its front is passed over again by each new one.
    for (const group of this.#due) {
      if (rows >= maxRowsPerWrite) break;
      // Its message is not written yet: what has come since is decided after that.
      if (groups.includes(group)) continue;
      if (!(await this.#lookAhead(group, stretch))) break;
      this.#due.delete(group);
      if (this.membership.group(group.id) !== group) continue;
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

  /** What stages have to look up they look up before. @returns whether they have: not where passes are to end */
  async #lookAhead({ members }: AggregationGroup, stretch: Stretch): Promise<boolean> {
    const looking = lookAhead(this.#inForce.stages, members.values());
    while (!looking.next().done) {
      if (stretch.isOver) await stretch.pause();
      if (this.#isHeld || this.#isStopped) return false;
    }
    return true;
  }

  /** What a group is decided by at this moment. */
  #seen(group: AggregationGroup) {
    const { clock, log, outbox } = this.#parts;
    const { stages } = this.#inForce;
    return {
      stages,
      log,
      outbox,
      integrations: this.#inForce.integrationsOf(group.route.receiver),
      integrationByKey: (key: string) => this.#inForce.integrationByKey(key),
      retiredGroupsOf: (alertId: string) => this.#retired.of(alertId),
      tellsOfPast: (alertId: string) => firstOf(this.membership.groupsOf(alertId), 1)[0] === group,
      isAskedOf: (alertId: string, key: string) => this.#isAskedOf(alertId, key),
      nowMs: clock.wallMs(),
    };
  }

  #isAskedOf(alertId: string, key: string): boolean {
    return [...this.membership.groupsOf(alertId)].some(({ route }) =>
      this.#inForce.integrationsOf(route.receiver).some((one) => one.key === key),
    );
  }

  /** What passes have found to tell in the place of groups that are no more. */
  async #planEnds(passes: readonly Pass[]): Promise<PlannedEnds> {
    const ends = passes.flatMap(({ group, ends }) => ends.map((end) => ({ ...end, by: group })));
    if (ends.length === 0) return { planned: [], logs: [], waiting: [] };
    const { clock, random, log, outbox, decisions } = this.#parts;
    const nowMs = clock.wallMs();
    const planning = planRetiredEnds(ends, {
      log,
      outbox,
      decisions,
      nowMs,
      retired: this.#retired,
      createId: () => createId('ntf', nowMs, random),
    });
    const plannedEnds = await paced(planning, new Stretch(clock));
    for (const { groupId, by } of plannedEnds.waiting) {
      this.#waitingEnds.add(groupId, by, this.#isSending);
    }
    return plannedEnds;
  }

  async #writePasses(passes: readonly Pass[]): Promise<void> {
    const leaving = [
      ...passes.map((pass): Leaving => ({ group: pass.group, pass, left: pass.left })),
      ...this.#takeSettled(),
    ];
    const gone = takeFrom(this.#gone);
    const ofPasses = leaving.reduce((sum, { pass, left }) => sum + (pass?.rows ?? left.length), 0);
    const outdated = this.#outdated.take(this.#isSending, maxRowsPerWrite);
    const left = this.#retired.update(outdated, this.#parts.log);
    const goneGroups = [...takeFrom(this.#goneGroups), ...left.gone];
    const planned = passes.flatMap((pass) => pass.planned);
    try {
      const ends = await this.#planEnds(passes);
      planned.push(...ends.planned);
      const logs = [...left.logs, ...ends.logs];
      const rows = ofPasses + gone.length + goneGroups.length + logs.length;
      if (rows > 0) {
        const written = { leaving, gone, goneGroups, logs, ends: ends.planned };
        await this.#parts.database.transaction((tx) => writePasses(tx, written, this.#writing), {
          urgent: rows <= maxUrgentRows,
        });
      }
    } catch (thrown) {
      this.#parts.outbox.resume(planned);
      for (const alertId of gone) if (!this.membership.get(alertId)) this.#gone.add(alertId);
      for (const groupId of goneGroups) this.#goneGroups.add(groupId);
      for (const groupId of outdated) this.#outdated.add(groupId);
      throw thrown;
    }
    for (const one of leaving) this.#written(one);
    const stretch = new Stretch(this.#parts.clock);
    for (const { group, pass } of leaving) {
      if (!pass || this.membership.group(group.id) !== group) continue;
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
      if (this.membership.group(group.id) !== group) continue;
      const left = membersThatLeave(group, this.#seen(group));
      rows += left.length + 1;
      if (left.length > 0) settled.push({ group, pass: null, left });
    }
    return settled;
  }

  #written({ group, pass, left }: Leaving): void {
    this.membership.leave(group, left);
    if (group.members.size === 0) {
      group.timer?.cancel();
      return;
    }
    if (!pass) return;
    for (const alertId of pass.keptBack)
      if (this.membership.isIn(alertId, group)) group.keptBack.add(alertId);
    group.hasPassed = true;
    group.isAllHeld = pass.isAllHeld;
    group.quiet = null;
    this.#passAgain(group, nextPassMs(pass, this.#parts.clock.wallMs()));
    if (!pass.isBlocked) return;
    // What came while a message was on its way is decided when it has arrived, which may be by now.
    group.isUrgent = true;
    if (!this.#isSending(group.id)) this.#passNow(group);
  }

  #passAgain(group: AggregationGroup, dueAtMs: number): void {
    group.dueAtMs = dueAtMs;
    this.#setTimer(group);
  }
}

/** As many as go with one write. What comes while that is under way, also of the same, goes with the next one. */
function takeFrom(waiting: Set<string>): string[] {
  const taken = firstOf(waiting, maxRowsPerWrite);
  for (const one of taken) waiting.delete(one);
  return taken;
}
