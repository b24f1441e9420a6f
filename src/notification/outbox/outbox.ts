import type { EventBus } from '#eventbus';
import { SharedTransactions, type StateDatabase, type StateTransaction } from '#storage';
import {
  allSettled,
  backoffMs,
  formatElapsed,
  messageOf,
  paced,
  SerialQueue,
  Stretch,
  type BackoffLimits,
  type Clock,
  type Counter,
  type Histogram,
  type Logger,
  type Random,
  type SelfMetrics,
} from '#telemetry';
import type { DecisionLog } from '../explain/decision-log.ts';
import { endDigested, outstandingOf, toldBy } from '../rate-limit/digested.ts';
import { Throttle } from '../rate-limit/throttle.ts';
import { eventOfDelivery } from './delivery-event.ts';
import { DeliveryQueue, type DeliveryQueueParts, type Outstanding } from './delivery-queue.ts';
import type { NotificationLog } from './notification-log.ts';
import { endOf, isNews, knownAfterTry, outcomeOf, type Ended, type EndOfMessage } from './outcomes.ts';
import {
  insertNotifications,
  readPending,
  repeatNotifications,
  supersedeNotifications,
  writeOutcomes,
  type Notification,
} from './outbox-rows.ts';
import { OutstandingMessages } from './outstanding-messages.ts';
import { RefusingReceivers, type Refusing } from './refusing-receivers.ts';
import type { RunningIntegration } from './running-integration.ts';

/** A message that nobody has taken for so long is given up. */
export const maxNotificationAgeMs = 24 * 3_600_000;
/** What is written or sent later than this has stopped, for the dead man's switch. */
const maxLatenessMs = 60_000;
/** A queue may be long, and a receiver may ask to be left alone for a quarter of an hour. */
const maxQueueMs = 20 * 60_000;
const RECORD_BACKOFF: BackoffLimits = { firstMs: 100, maxMs: 10_000 };
/** So many rows are given up in one transaction. */
const maxRowsPerWrite = 500;
const NOT_CONFIGURED = 'Messages not sent: their receivers are no longer configured';
const OUTDATED = 'Messages not sent: the silences that they were to warn of have changed, or have ended';
const ORPHANED =
  'Messages not sent: their alerts are routed to other groups now, whose messages tell of them';

export interface OutboxParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly log: NotificationLog;
  readonly decisions: Pick<DecisionLog, 'record'>;
  /** Writes a message and sends it by its integration. Never rejects. */
  readonly send: DeliveryQueueParts['send'];
  /** Whether what a message says still counts, asked before each try. */
  readonly mayBegin: (notification: Notification) => boolean;
  /** The integrations that were told for a receiver at a time: those of whoever was on call in its place. */
  readonly integrationsAt: (receiver: string, wallMs: number) => readonly RunningIntegration[];
  /** Nothing of a group waits for an integration any more. */
  readonly onEnded: (notification: Notification, ended: EndOfMessage) => void;
  /** A message was on its way and did not arrive: it waits again and may be replaced, or was given up. */
  readonly onWaits: (notification: Notification) => void;
  /** Whether nobody is to hear any more of what a message says, and nothing takes its place: it is given up. */
  readonly isOutdated: (notification: Notification) => boolean;
  /** Whether the group that a message tells of is no more, so that others tell of its alerts. Asked while messages are sent. */
  readonly isOrphan: (notification: Notification) => boolean;
}

/** A message that takes the place of one that waits. */
export interface PlannedNotification {
  readonly notification: Notification;
  readonly replaces: Outstanding | null;
  /** What came of it before, where nobody took it and it is tried again; it is the same row. */
  readonly again?: Omit<EndOfMessage, 'outcome'>;
  /** Whether no rate limit may hold it: it tells of something critical for the first time. */
  readonly isUrgent?: boolean;
}

/**
 * The messages that are decided and not delivered: each is a row before it is sent, and what came of it is recorded with what
 * the integration knows from then on. Of a group one message at most waits for an integration.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #queues = new Map<string, DeliveryQueue>();
  readonly #outstanding = new OutstandingMessages();
  readonly #throttle: Throttle;
  readonly #refusing: RefusingReceivers;
  readonly #recording: SharedTransactions<Ended, true>;
  readonly #records = new Set<Promise<unknown>>();
  readonly #givingUp = new SerialQueue();
  readonly #counters: { readonly sent: Counter; readonly failed: Counter; readonly seconds: Histogram };
  /** Since when outcomes cannot be written, wall ms; null while they can. */
  #unrecordedSinceMs: number | null = null;
  /** Nothing is begun: it is not known yet which groups there are. */
  #isHeld = true;
  #isStopped = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    const { database, metrics } = parts;
    this.#refusing = new RefusingReceivers(parts.logger);
    this.#throttle = new Throttle({ ...parts, accept: (digest) => this.#accept(digest) });
    this.#recording = new SharedTransactions(database, (tx, ended) => this.#recordAll(tx, ended));
    this.#counters = {
      sent: metrics.counter('omoi_notifications_total', 'Messages that a receiver has taken.'),
      failed: metrics.counter('omoi_notification_failures_total', 'Tries to send a message that failed.'),
      seconds: metrics.histogram(
        'omoi_notification_delivery_seconds',
        'From the decision to send a message to the answer of its receiver.',
        [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30, 300],
      ),
    };
    metrics.gauge(
      'omoi_notifications_pending',
      'Messages that wait for their receivers.',
      () => this.#outstanding.size,
    );
    metrics.gaugeFamily(
      'omoi_receiver_refuses',
      '1 while a receiver takes nothing of what an integration of it is sent.',
      () => this.#refusing.points(),
    );
  }

  /** Takes up what an earlier run left. Integrations have to be in force; what they no longer are for is given up. */
  async start(): Promise<void> {
    const { database, clock, logger } = this.#parts;
    const pending = await readPending(database, clock);
    const gone = pending.filter(({ notification }) => !this.#queues.has(notification.integration));
    for (let at = 0; at < gone.length; at += maxRowsPerWrite) {
      const ids = gone.slice(at, at + maxRowsPerWrite).map(({ notification }) => notification.id);
      await database.transaction((tx) => supersedeNotifications(tx, ids, Math.floor(clock.wallMs())));
    }
    if (gone.length > 0) {
      logger.warn({ messages: gone.length }, NOT_CONFIGURED);
    }
    await this.#throttle.start();
    const stretch = new Stretch(clock);
    const left = pending.filter(({ notification }) => this.#queues.has(notification.integration));
    const taken = await paced(outstandingOf(left), stretch);
    for (const outstanding of taken) {
      this.#accept(outstanding);
      if (stretch.isOver) await stretch.pause();
    }
  }

  /** Nothing is begun until `release`; what is on its way goes on. */
  hold(): void {
    this.#isHeld = true;
    for (const queue of this.#queues.values()) queue.hold();
  }

  /** The groups are there: what waits is sent, but of groups that are no more. */
  async release(): Promise<void> {
    this.#isHeld = false;
    const { isOrphan, isOutdated } = this.#parts;
    await this.#giveUpThose(
      ({ state, notification }) => state !== 'sending' && isOrphan(notification),
      ORPHANED,
    );
    await this.#giveUpThose(
      ({ state, notification }) => state === 'waiting' && isOutdated(notification),
      OUTDATED,
      'info',
    );
    // Meanwhile it may be held again, for the next configuration.
    if (!this.#isHeld) for (const queue of this.#queues.values()) queue.release();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const queue of this.#queues.values()) queue.stop();
    await Promise.all([this.#throttle.stop(), ...this.#records]);
  }

  /** The integrations that are in force from now on. Queues of those that stay go on; what waits for others is given up. */
  async setIntegrations(integrations: readonly RunningIntegration[]): Promise<void> {
    const { clock, random, send } = this.#parts;
    const onWaits: DeliveryQueueParts['onWaits'] = (outstanding) => this.#waits(outstanding);
    const keys = new Set(integrations.map(({ key }) => key));
    for (const [key, queue] of this.#queues) {
      if (keys.has(key)) continue;
      queue.stop();
      this.#queues.delete(key);
    }
    this.#throttle.setIntegrations(integrations);
    this.#refusing.setIntegrations(integrations);
    for (const running of integrations) {
      const known = this.#queues.get(running.key);
      if (known) known.replace(running);
      else {
        const onTried: DeliveryQueueParts['onTried'] = (outstanding, tried) =>
          this.#record({ outstanding, tried });
        const queue = new DeliveryQueue(running, {
          clock,
          random,
          send,
          onTried,
          onWaits,
          mayBegin: (outstanding) => this.#mayBegin(outstanding),
          maxAgeMs: maxNotificationAgeMs,
        });
        this.#queues.set(running.key, queue);
        if (this.#isHeld) queue.hold();
      }
    }
    await this.#giveUpThose(({ notification }) => !keys.has(notification.integration), NOT_CONFIGURED);
  }

  #waits(outstanding: Outstanding): void {
    const { notification } = outstanding;
    if (!this.#isHeld && this.#parts.isOrphan(notification)) {
      this.#parts.logger.warn({ messages: 1 }, ORPHANED);
      this.#giveUp([outstanding]);
    }
    this.#parts.onWaits(notification);
  }

  /** What a group says may have become outdated: what waits of that is given up. */
  giveUpOutdated(groupId: string): void {
    for (const outstanding of this.outstandingOf(groupId)) this.#giveUpOutdated(outstanding);
  }

  #giveUpOutdated(outstanding: Outstanding): void {
    const { notification, state } = outstanding;
    if (state !== 'waiting' || !this.#parts.isOutdated(notification)) return;
    this.#parts.logger.info({ messages: 1, integration: notification.integration }, OUTDATED);
    this.#giveUp([outstanding]);
  }

  #mayBegin(outstanding: Outstanding): boolean {
    const { isOutdated, mayBegin } = this.#parts;
    if (!isOutdated(outstanding.notification)) return mayBegin(outstanding.notification);
    // Its queue has it in hand.
    queueMicrotask(() => this.#giveUpOutdated(outstanding));
    return false;
  }

  /** In slices: there may be very many. */
  async #giveUpThose(
    isGone: (outstanding: Outstanding) => boolean,
    why: string,
    level: 'info' | 'warn' = 'warn',
  ): Promise<void> {
    const stretch = new Stretch(this.#parts.clock);
    let messages = 0;
    const gone: Outstanding[] = [];
    for (const outstanding of this.#outstanding) {
      if (isGone(outstanding)) gone.push(outstanding);
      const isOver = stretch.isOver;
      if (isOver || gone.length === maxRowsPerWrite) {
        messages += gone.length;
        this.#giveUp(gone.splice(0));
      }
      if (isOver) await stretch.pause();
    }
    messages += gone.length;
    this.#giveUp(gone);
    if (messages > 0) this.#parts.logger[level]({ messages }, why);
  }

  /** @param gone as many as one transaction takes, at most */
  #giveUp(gone: readonly Outstanding[]): void {
    if (gone.length === 0) return;
    const { database, clock } = this.#parts;
    for (const outstanding of gone) this.#remove(outstanding);
    const ids = gone.map(({ notification }) => notification.id);
    const write = () =>
      database.transaction((tx) => supersedeNotifications(tx, ids, Math.floor(clock.wallMs())));
    // What else is written goes between two of them.
    const written = this.#givingUp.run(() => this.#untilWritten({ messages: ids.length }, write));
    void this.#keep(written);
  }

  /** What waits or is on its way of a group for an integration. */
  outstanding(groupId: string, integration: string): Outstanding | null {
    return this.#outstanding.get(groupId, integration);
  }

  /** What waits or is on its way of a group, for whatever integration. */
  outstandingOf(groupId: string): readonly Outstanding[] {
    return this.#outstanding.of(groupId);
  }

  /** How many messages wait for an integration, or are on their way. */
  pendingOf(integration: string): number {
    return (this.#queues.get(integration)?.size ?? 0) + this.#throttle.heldOf(integration);
  }

  /** That an integration takes nothing of what it is sent; null where it does. */
  refusingOf(integration: string): Refusing | null {
    return this.#refusing.of(integration);
  }

  /** That messages no longer get out, in half a sentence; null while they do. One receiver that refuses is no reason. */
  whatHasStopped(): string | null {
    const nowMs = this.#parts.clock.wallMs();
    if (this.#unrecordedSinceMs !== null && nowMs - this.#unrecordedSinceMs > maxLatenessMs) {
      return 'what became of messages cannot be written down';
    }
    let oldestMs = nowMs;
    for (const { state, nextAttemptAtMs, askedAgainAtMs = 0 } of this.#outstanding) {
      if (state === 'waiting') oldestMs = Math.min(oldestMs, Math.max(nextAttemptAtMs, askedAgainAtMs));
    }
    const lateMs = nowMs - oldestMs;
    return lateMs > maxQueueMs ? `messages wait for ${formatElapsed(lateMs)} to be sent` : null;
  }

  /** Writes messages in a transaction; they go to their queues after its commit. */
  async plan(
    tx: StateTransaction,
    planned: readonly PlannedNotification[],
    ended: readonly Outstanding[],
  ): Promise<void> {
    const replaced = [...ended, ...planned.flatMap(({ replaces }) => replaces ?? [])];
    for (const outstanding of replaced) outstanding.state = 'replaced';
    const ids = replaced.map(({ notification }) => notification.id);
    const held = await this.#throttle.admit(tx, planned);
    await allSettled([
      insertNotifications(
        tx,
        planned.flatMap(({ notification, again }) => (again ? [] : [notification])),
        held,
      ),
      repeatNotifications(
        tx,
        planned.flatMap(({ notification, again }) => (again ? [notification] : [])),
        held,
      ),
      supersedeNotifications(tx, ids, Math.floor(tx.nowMs)),
    ]);
    tx.afterCommit(() => {
      for (const outstanding of replaced) this.#remove(outstanding);
      for (const { notification, replaces, again } of planned) {
        const heldUntilMs = held.get(notification.id);
        const before = replaces?.heldUntilMs === undefined ? replaces : null;
        this.#accept({
          notification,
          attempts: again?.attempts ?? before?.attempts ?? 0,
          nextAttemptAtMs: heldUntilMs ?? before?.nextAttemptAtMs ?? notification.createdAtMs,
          state: 'waiting',
          ...(heldUntilMs !== undefined && { heldUntilMs }),
          ...(again && { refusedWith: again.answer, takenBy: again.takenBy }),
        });
      }
    });
  }

  /** What was to take the place of messages could not be written: they wait for their turn again. */
  resume(planned: readonly PlannedNotification[]): void {
    for (const { replaces } of planned) {
      if (replaces?.state !== 'replaced') continue;
      const { groupId, integration } = replaces.notification;
      if (this.outstanding(groupId, integration) !== replaces) continue;
      replaces.state = 'waiting';
      // What a rate limit holds is where it was.
      if (replaces.heldUntilMs !== undefined) continue;
      const queue = this.#queues.get(integration);
      queue?.remove(replaces);
      queue?.push(replaces);
    }
  }

  #accept(outstanding: Outstanding): void {
    const queue = this.#queues.get(outstanding.notification.integration);
    if (this.#isStopped) return;
    if (!queue) {
      // A reload has come between the decision and its commit.
      this.#parts.logger.warn({ messages: 1 }, NOT_CONFIGURED);
      this.#giveUp([outstanding]);
      return;
    }
    this.#outstanding.add(outstanding);
    // What a digest tells of waits for that.
    if (outstanding.state === 'sending') return;
    if (outstanding.heldUntilMs === undefined) queue.push(outstanding);
    else this.#throttle.hold(outstanding, queue.integration);
  }

  #remove(outstanding: Outstanding): void {
    outstanding.state = 'ended';
    this.#queues.get(outstanding.notification.integration)?.remove(outstanding);
    this.#throttle.remove(outstanding);
    this.#outstanding.delete(outstanding);
  }

  /** What was delivered is recorded, however long the database is away: else it would be sent again. */
  #record(ended: Ended): Promise<void> {
    this.#count(ended);
    return this.#keep(this.#recordUntilWritten(ended));
  }

  /** What is written is waited for at the end. */
  async #keep(writing: Promise<unknown>): Promise<void> {
    this.#records.add(writing);
    await writing;
    this.#records.delete(writing);
  }

  async #recordUntilWritten(ended: Ended): Promise<void> {
    const { notification } = ended.outstanding;
    const about = { notification: notification.id, integration: notification.integration };
    const isWritten = await this.#untilWritten(about, () => this.#recording.ask(ended));
    if (!isWritten || !ended.tried.isFinal) return;
    const told = toldBy(ended.outstanding);
    this.#remove(ended.outstanding);
    for (const one of told) {
      this.#remove(one);
      this.#parts.onEnded(one.notification, endOf(ended));
    }
  }

  /** @returns false where it was stopped before */
  async #untilWritten(about: object, write: () => Promise<unknown>): Promise<boolean> {
    const { clock, random, logger } = this.#parts;
    for (let failures = 1; ; failures++) {
      try {
        await write();
        this.#unrecordedSinceMs = null;
        return true;
      } catch (thrown) {
        this.#unrecordedSinceMs ??= clock.wallMs();
        logger.warn(
          { error: messageOf(thrown), ...about },
          'Outcome of a message not written; it is tried again',
        );
        if (this.#isStopped) return false;
        const { promise, resolve } = Promise.withResolvers<undefined>();
        clock.after(backoffMs(failures, RECORD_BACKOFF, random), () => resolve(undefined));
        await promise;
      }
    }
  }

  async #recordAll(tx: StateTransaction, ended: readonly Ended[]): Promise<readonly true[]> {
    const { log, bus } = this.#parts;
    const known = ended.flatMap((one) => knownAfterTry(one, log));
    const nowMs = Math.floor(tx.nowMs);
    await allSettled([
      writeOutcomes(tx, ended.map(outcomeOf), nowMs),
      ...ended.filter(({ tried }) => tried.isFinal).map((one) => endDigested(tx, one, nowMs)),
      log.write(tx, known),
    ]);
    await bus.append(
      tx,
      ...ended.flatMap((one) => (isNews(one) ? [eventOfDelivery(one.outstanding, one.tried.delivery)] : [])),
    );
    return ended.map(() => true);
  }

  #count({ outstanding: { notification }, tried }: Ended): void {
    const { delivery } = tried;
    this.#refusing.tried(notification, tried, this.#parts.clock.wallMs());
    const [, type = ''] = notification.integration.split('/').toReversed();
    const { sent, failed, seconds } = this.#counters;
    if (delivery.outcome === 'delivered') {
      sent.add(1, { integration: type });
      seconds.observe((this.#parts.clock.wallMs() - notification.createdAtMs) / 1000);
    } else failed.add(1, { integration: type, reason: delivery.failure });
  }
}
