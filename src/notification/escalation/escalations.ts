import type { StateTransaction } from '#storage';
import { backoffMs, messageOf, type BackoffLimits } from '#telemetry';
import type { ToldOfGroup } from '../groups/dispatcher-parts.ts';
import { withhold, type Outstanding } from '../outbox/delivery-queue.ts';
import type { Notification } from '../outbox/outbox-rows.ts';
import { climbOf, Climbs, ladderGroupId, type Climb } from './climb.ts';
import { hasNothingToWrite, noWork, type EscalationParts, type EscalationWork } from './escalation-parts.ts';
import { deleteClimb, haltClimbs, insertClimbs, moveClimb } from './escalation-rows.ts';
import { dueAfterMs, dueAtMs, rungAfter, type Rung } from './ladder.ts';
import { escalationDecision, planEnd, planStep, receiverOf, type StepMember } from './ladder-messages.ts';
import { reviseMessages } from './revisions.ts';
import { ClimbStates, waitMs } from './climb-states.ts';

/** So many alerts climb at once; of further ones nobody is told but by their routes. */
export const maxEscalatingAlerts = 10_000;
/** So many alerts take a step in one transaction. */
const maxClimbsPerWrite = 100;
const WRITE_BACKOFF: BackoffLimits = { firstMs: 200, maxMs: 15_000 };
/** The timers of what is due together ring one after the other, on a busy machine so long. */
const togetherMs = 1_000;
const maxAlertsPerRead = 500;
const BOTTOM: Rung = { step: 0, round: 0 };

/**
 * Alerts that nobody has acknowledged, on their way up the ladders of their routes: each step tells somebody else, or tells it
 * louder. Who was told that way is told when the alert is over. On disk step by step; the one owner of the rows.
 */
export class Escalations {
  readonly #parts: EscalationParts;
  readonly #climbs = new Climbs();
  readonly #climbStates: ClimbStates;
  readonly #due = new Set<Climb>();
  /** Whose alerts are over, with when, wall ms. */
  readonly #over = new Map<Climb, number>();
  /** The groups of ladders of which a message that waits may tell of what nobody has to hear of any more. */
  readonly #toRevise = new Set<string>();
  #working: Promise<void> | null = null;
  #endPause: (() => void) | null = null;
  #isHeld = true;
  #isStopped = false;

  constructor(parts: EscalationParts) {
    this.#parts = parts;
    this.#climbStates = new ClimbStates(this.#climbs, parts);
    parts.metrics.gauge(
      'omoi_notification_escalating_alerts',
      'Alerts that climb a ladder of escalation, or of which others were told that way.',
      () => this.#climbs.size,
    );
  }

  /** Takes up what was left. */
  async start(): Promise<void> {
    const { database, alerts, clock } = this.#parts;
    const rows = await database.reader.selectFrom('notification_escalations').selectAll().execute();
    for (let at = 0; at < rows.length; at += maxAlertsPerRead) {
      const some = rows.slice(at, at + maxAlertsPerRead);
      const found = await alerts.read([...new Set(some.map((row) => row.alert_id))]);
      const byId = new Map(found.map((alert) => [alert.alertId, alert]));
      for (const row of some) {
        const alert = byId.get(row.alert_id);
        const climb = climbOf(row, alert?.fingerprint ?? '');
        this.#climbs.add(climb);
        if (!alert || alert.endsAtMs !== null) this.#over.set(climb, alert?.endsAtMs ?? clock.wallMs());
      }
    }
  }

  /** Steps are taken: all that fires is known. */
  release(): void {
    this.#isHeld = false;
    const seenMs = this.#parts.clock.wallMs() + waitMs;
    // What was due meanwhile waits until rules have been evaluated: alerts may be over since Omoi went down.
    for (const climb of this.#climbs.all())
      this.#setTimer(climb, climb.dueAtMs && Math.max(climb.dueAtMs, seenMs));
    this.#pump();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { timer } of this.#climbs.all()) timer?.cancel();
    this.#endPause?.();
    await this.#working;
  }

  /** Whether what the log knows of a group is about a ladder. */
  keepsGroup(groupId: string): boolean {
    return this.#climbs.ofGroup(groupId).size > 0;
  }

  /** People are told that alerts fire: those whose route has a ladder, and that nobody has acknowledged, begin to climb. */
  async begin(tx: StateTransaction, told: readonly ToldOfGroup[]): Promise<void> {
    const begun = told.flatMap((one) => this.#begun(one, Math.floor(tx.nowMs)));
    const room = maxEscalatingAlerts - this.#climbs.size;
    for (const climb of begun.splice(Math.max(0, room))) {
      this.#tell(climb, 'not escalated', `${maxEscalatingAlerts} alerts are escalated already`);
    }
    if (begun.length === 0) return;
    await insertClimbs(tx, begun);
    tx.afterCommit(() => {
      for (const climb of begun) {
        this.#climbs.add(climb);
        this.#setTimer(climb);
      }
    });
  }

  #begun({ group, firing }: ToldOfGroup, beganAtMs: number): readonly Climb[] {
    const { route } = group;
    const name = route.omoi.escalation;
    const escalation = name === null ? null : this.#parts.context.escalationOf(name);
    if (name === null || escalation === null) return [];
    return firing
      .filter((alert) => alert.acknowledgedBy === null && !this.#climbs.has(alert.alertId, name))
      .map(({ alertId, fingerprint }) => ({
        alertId,
        fingerprint,
        escalation: name,
        group: {
          id: group.id,
          key: group.groupKey,
          labels: group.groupLabels,
          routeLabels: route.labels,
          receiver: route.receiver,
        },
        beganAtMs,
        ...BOTTOM,
        dueAtMs: dueAtMs(escalation, beganAtMs, BOTTOM),
        timer: null,
        ringsAtMs: 0,
      }));
  }

  /** Somebody looks after an alert: no further step is taken, and none that waits for its receiver is told. */
  async halt(tx: StateTransaction, alertId: string, why: string): Promise<void> {
    const climbs = [...this.#climbs.of(alertId)];
    if (climbs.length === 0) return;
    await haltClimbs(tx, alertId);
    tx.afterCommit(() => {
      for (const climb of climbs) {
        this.#toRevise.add(ladderGroupId(climb));
        if (climb.dueAtMs === null) continue;
        climb.dueAtMs = null;
        this.#setTimer(climb);
        this.#tell(climb, 'stopped', why);
      }
      this.#pump();
    });
  }

  /** An alert that was snoozed is told of again: it climbs from the bottom. */
  async restart(tx: StateTransaction, alertId: string): Promise<void> {
    const { context } = this.#parts;
    if (context.alertOf(alertId)?.acknowledgedBy !== null) return;
    const beganAtMs = Math.floor(tx.nowMs);
    for (const climb of this.#climbs.of(alertId)) {
      const escalation = context.escalationOf(climb.escalation);
      if (!escalation) continue;
      const dueMs = dueAtMs(escalation, beganAtMs, BOTTOM);
      await moveClimb(tx, climb, { ...BOTTOM, dueAtMs: dueMs, beganAtMs });
      tx.afterCommit(() => {
        Object.assign(climb, BOTTOM, { beganAtMs, dueAtMs: dueMs });
        this.#setTimer(climb);
      });
    }
  }

  /** An alert is over: who was told by its ladders hears of it. */
  ended(alertId: string, endsAtMs: number): void {
    for (const climb of this.#climbs.of(alertId)) {
      this.#over.set(climb, endsAtMs);
      this.#toRevise.add(ladderGroupId(climb));
      this.#setTimer(climb);
    }
    this.#pump();
  }

  /**
   * Whether a message may be begun. One of a step may not where somebody looks after an alert of it by now, or it is over, or kept
   * back from people: it is written anew, or waits.
   */
  mayBegin({ groupId, reason, members }: Pick<Notification, 'groupId' | 'reason' | 'members'>): boolean {
    if (reason !== 'escalation') return true;
    const { climbStateOf } = this.#climbStates.of(groupId);
    if (members.every(([alertId, endsAtMs]) => endsAtMs !== null || climbStateOf(alertId) === 'climbs')) {
      return true;
    }
    this.#toRevise.add(groupId);
    this.#pump();
    return false;
  }

  /** Nothing of a group is on its way any more: what waited for that goes on. */
  settled(groupId: string): void {
    for (const climb of this.#climbs.ofGroup(groupId)) {
      this.#toRevise.add(groupId);
      if (climb.dueAtMs !== null && climb.timer === null && !this.#over.has(climb)) this.#due.add(climb);
    }
    this.#pump();
  }

  #setTimer(climb: Climb, atMs: number | null = climb.dueAtMs): void {
    climb.timer?.cancel();
    climb.timer = null;
    this.#due.delete(climb);
    if (atMs === null || this.#isHeld || this.#isStopped || this.#over.has(climb)) return;
    const { clock } = this.#parts;
    // No step is further away than from the bottom: the wall clock may have been set back.
    const inMs = Math.min(atMs - clock.wallMs(), atMs === climb.dueAtMs ? atMs - climb.beganAtMs : Infinity);
    climb.ringsAtMs = clock.monotonicMs() + Math.max(inMs, 0);
    climb.timer = clock.after(Math.max(inMs, 0), () => {
      climb.timer = null;
      this.#takeDue(climb);
      this.#pump();
    });
  }

  /** Those of its group that are due as well are told of together with it. */
  #takeDue(climb: Climb): void {
    const { clock } = this.#parts;
    const nowMs = clock.wallMs();
    const togetherUntilMs = clock.monotonicMs() + togetherMs;
    this.#due.add(climb);
    for (const other of this.#climbs.ofGroup(ladderGroupId(climb))) {
      if (other.timer === null || other.dueAtMs === null || other.dueAtMs > nowMs) continue;
      // By the wall clock alone, once that has leapt forward: its time has not passed.
      if (other.ringsAtMs > togetherUntilMs) continue;
      other.timer.cancel();
      other.timer = null;
      this.#due.add(other);
    }
  }

  #pump(): void {
    if (this.#isHeld || this.#isStopped || this.#working !== null) return;
    if (this.#due.size === 0 && this.#over.size === 0 && this.#toRevise.size === 0) return;
    this.#working = this.#workOff().finally(() => {
      this.#working = null;
      if (this.#due.size > 0 || this.#toRevise.size > 0) this.#pump();
    });
  }

  async #workOff(): Promise<void> {
    let failures = 0;
    // What is due together is told together.
    await Promise.resolve();
    while (!this.#isStopped) {
      const due = [...this.#due].slice(0, maxClimbsPerWrite);
      for (const climb of due) this.#due.delete(climb);
      const work = noWork();
      try {
        for (const climbs of Map.groupBy(due, keyOfStep).values()) this.#decideStep(climbs, work);
        this.#decideEnds(work);
        this.#decideRevisions(work);
        if (hasNothingToWrite(work)) {
          if (due.length > 0 || this.#toRevise.size > 0) continue;
          return;
        }
        for (const outstanding of replacedBy(work)) withhold(outstanding);
        await this.#parts.database.transaction((tx) => this.#write(tx, work));
        failures = 0;
      } catch (thrown) {
        this.#parts.logger.warn(
          { error: messageOf(thrown), alerts: work.moved.length + work.removed.length },
          'Escalation not written: it is tried again',
        );
        this.#parts.outbox.resume(work.planned);
        for (const climb of due) {
          this.#due.add(climb);
          this.#toRevise.add(ladderGroupId(climb));
        }
        for (const groupId of work.revised) this.#toRevise.add(groupId);
        await this.#pause(backoffMs(++failures, WRITE_BACKOFF, this.#parts.random));
      }
    }
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = this.#parts.clock.after(ms, () => resolve(undefined));
    this.#endPause = () => {
      timer.cancel();
      resolve(undefined);
    };
    return promise;
  }

  /** Alerts of one group that take the same step of one ladder. */
  #decideStep(climbs: readonly Climb[], work: EscalationWork): void {
    const { context, clock, decisions, outbox } = this.#parts;
    const nowMs = clock.wallMs();
    const [any] = climbs;
    const escalation = any ? context.escalationOf(any.escalation) : null;
    const told: (StepMember & { readonly receiver: string })[] = [];
    for (const climb of climbs) {
      const alert = context.alertOf(climb.alertId);
      const group = this.#climbStates.groupOf(climb);
      if (!escalation || !alert || !group || alert.acknowledgedBy !== null || alert.endsAtMs !== null) {
        if (!escalation) this.#tell(climb, 'stopped', `there is no escalation ${climb.escalation} any more`);
        work.moved.push({ climb, to: { step: climb.step, round: climb.round, dueAtMs: null } });
        continue;
      }
      const { during } = escalation;
      const isOutside = during !== null && !context.isWithin(during, nowMs);
      const why = isOutside ? `it is outside ${during}` : context.mutedBy(alert, group, nowMs)?.reason;
      if (why === undefined)
        told.push({ climb, alert, receiver: receiverOf(escalation, climb, group.route.receiver) });
      else {
        this.#tell(climb, 'waits', why);
        this.#setTimer(climb, nowMs + waitMs);
      }
    }
    const [{ climb: first, receiver } = {}] = told;
    if (!first || receiver === undefined || !escalation) return;
    // A reload may have parted them: those that go elsewhere now take the step after these.
    const others = told.filter((one) => one.receiver !== receiver);
    for (const { climb } of others) this.#due.add(climb);
    const together = told.filter((one) => one.receiver === receiver);
    const integrations = context.integrationsOf(receiver);
    const groupId = ladderGroupId(first);
    // It goes on when that try is over, however it ends.
    if (integrations.some(({ key }) => outbox.outstanding(groupId, key)?.state === 'sending')) return;
    const step = planStep(
      { escalation, told: together, first, receiver, integrations },
      { ...this.#parts, nowMs },
      this.#climbStates.of(groupId),
    );
    work.planned.push(...step.planned);
    work.events.push(step.event);
    for (const decision of step.decisions) decisions.record(decision, `escalation ${first.escalation}`);
    const next = rungAfter(escalation, first);
    for (const { climb } of together) {
      const { beganAtMs } = climb;
      const dueMs =
        next && dueAfterMs(escalation, { beganAtMs, taken: first, next, nowMs: Math.floor(nowMs) });
      work.moved.push({
        climb,
        to: { ...(next ?? { step: climb.step, round: climb.round }), dueAtMs: dueMs },
      });
    }
  }

  /** Alerts that are over: whoever was told by a ladder hears of it, once nothing of that ladder is on its way. */
  #decideEnds(work: EscalationWork): void {
    const { context, clock } = this.#parts;
    for (const [groupId, ended] of this.#endsThatMayBeTold()) {
      const [[first] = []] = ended;
      if (!first) continue;
      const still = [...this.#climbs.ofGroup(groupId)].filter((climb) => !this.#over.has(climb));
      const end = planEnd(
        {
          over: ended.map(([climb, endsAtMs]) => ({ climb, endsAtMs })),
          still,
          first,
          integrationByKey: context.integrationByKey,
        },
        { ...this.#parts, nowMs: clock.wallMs() },
        this.#climbStates.of(groupId),
      );
      if (still.length === 0) work.withdrawn.push(...this.#unheard(groupId));
      work.planned.push(...end.planned);
      work.logs.push(...end.logs);
      for (const decision of end.unheard) this.#parts.decisions.record(decision, `${groupId} end`);
      work.removed.push(...ended.map(([climb]) => climb));
    }
  }

  /** Messages that wait without those that nobody has to hear of any more. What is on its way is looked through behind that. */
  #decideRevisions(work: EscalationWork): void {
    const replaced = new Set(replacedBy(work));
    for (const groupId of this.#toRevise) {
      if (work.revised.length >= maxClimbsPerWrite) return;
      this.#toRevise.delete(groupId);
      work.revised.push(groupId);
      reviseMessages(groupId, work, { ...this.#parts, replaced, climbStates: this.#climbStates });
    }
  }

  /** As many as are written at once, by the groups of their ladders. Those of which a message is on its way wait for that, and hold no others up. */
  #endsThatMayBeTold(): Map<string, (readonly [Climb, number])[]> {
    const { outbox } = this.#parts;
    const found = new Map<string, (readonly [Climb, number])[]>();
    const waiting = new Set<string>();
    let count = 0;
    for (const ended of this.#over) {
      const groupId = ladderGroupId(ended[0]);
      if (waiting.has(groupId)) continue;
      const known = found.get(groupId);
      if (known) known.push(ended);
      else if (outbox.outstandingOf(groupId).some(({ state }) => state === 'sending')) {
        waiting.add(groupId);
        continue;
      } else found.set(groupId, [ended]);
      if (++count >= maxClimbsPerWrite) break;
    }
    return found;
  }

  /** Messages of a ladder that nobody has taken yet, to whom nothing was told before. */
  #unheard(groupId: string): readonly Outstanding[] {
    const { outbox, log } = this.#parts;
    return outbox
      .outstandingOf(groupId)
      .filter(
        ({ state, notification: { integration } }) =>
          state !== 'sending' && log.get(groupId, integration) === null,
      );
  }

  async #write(
    tx: StateTransaction,
    { planned, withdrawn, logs, moved, removed, events }: EscalationWork,
  ): Promise<void> {
    const { outbox, log, bus } = this.#parts;
    await outbox.plan(tx, planned, withdrawn);
    await log.write(tx, logs);
    for (const { climb, to } of moved) await moveClimb(tx, climb, to);
    for (const climb of removed) await deleteClimb(tx, climb);
    if (events.length > 0) await bus.append(tx, ...events);
    tx.afterCommit(() => {
      for (const climb of removed) {
        this.#over.delete(climb);
        this.#climbs.delete(climb);
      }
      for (const { climb, to } of moved) {
        // Somebody may have acknowledged meanwhile; behind the last step none is due.
        if (this.#climbStates.climbStateOf(climb) !== 'over' || to.dueAtMs === null) Object.assign(climb, to);
        this.#setTimer(climb);
      }
    });
  }

  #tell(climb: Climb, decision: string, reason: string): void {
    const told = escalationDecision(climb, decision, reason);
    this.#parts.decisions.record(told, `escalation ${climb.escalation}`);
  }
}

/** The messages that wait and are not to be sent any more. */
function replacedBy({ withdrawn, planned }: EscalationWork): readonly Outstanding[] {
  return [...withdrawn, ...planned.flatMap(({ replaces }) => replaces ?? [])];
}

function keyOfStep(climb: Climb): string {
  return `${ladderGroupId(climb)} ${climb.step} ${climb.round}`;
}
