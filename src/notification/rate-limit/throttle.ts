import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import {
  backoffMs,
  createId,
  formatDuration,
  messageOf,
  paced,
  Stretch,
  toRfc3339,
  type BackoffLimits,
  type Clock,
  type Logger,
  type Random,
  type SelfMetrics,
  type Timer,
} from '#telemetry';
import type { DecisionLog } from '../explain/decision-log.ts';
import type { Decision } from '../explain/decision.ts';
import type { Outstanding } from '../outbox/delivery-queue.ts';
import { insertNotifications, type Notification } from '../outbox/outbox-rows.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { digestOf, type HealedLine } from './digest.ts';
import { RateWindows, windowAt, type RateLimit, type RateWindow } from './rate-windows.ts';

const WRITE_BACKOFF: BackoffLimits = { firstMs: 200, maxMs: 15_000 };
/** So many rows are changed with one statement. */
const maxRowsPerStatement = 500;
/** So many repairs since a window began are looked through for those that spared a page. */
export const maxHealedRead = 1000;

export interface ThrottleParts {
  readonly database: StateDatabase;
  readonly bus: Pick<EventBus, 'list'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly decisions: Pick<DecisionLog, 'record'>;
  readonly integrationsAt: (receiver: string, wallMs: number) => readonly RunningIntegration[];
  /** A digest is written: it is sent from now on. */
  readonly accept: (digest: Outstanding) => void;
}

/** What is asked to be sent. */
export interface Asked {
  readonly notification: Notification;
  readonly replaces: Outstanding | null;
  readonly isUrgent?: boolean;
}

/** An integration that has a limit, or of which something is held. */
interface Limited {
  running: RunningIntegration;
  readonly held: Set<Outstanding>;
  timer: Timer | null;
  /** Whether its digest is being written. */
  isClosing: boolean;
  failures: number;
}

/**
 * The rate limits of receivers. In each window so many messages of an integration go at once; what is beyond is held, on disk, and goes
 * into one digest at the window's end, which is the first message of the next window. What is critical and new is never held.
 */
export class Throttle {
  readonly #parts: ThrottleParts;
  readonly #windows = new RateWindows();
  readonly #limited = new Map<string, Limited>();
  readonly #closing = new Set<Promise<void>>();
  #isStopped = false;

  constructor(parts: ThrottleParts) {
    this.#parts = parts;
    parts.metrics.gauge(
      'omoi_notifications_held',
      'Messages beyond the rate limits of their receivers, which wait for a digest.',
      () => [...this.#limited.values()].reduce((sum, { held }) => sum + held.size, 0),
    );
  }

  async start(): Promise<void> {
    const { database } = this.#parts;
    await this.#windows.start(database, new Set(this.#limited.keys()));
  }

  /** Resolves when no digest is being written. What is held stays on disk. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { timer } of this.#limited.values()) timer?.cancel();
    await Promise.all(this.#closing);
  }

  /** Those that are in force from now on. What is held for one that has no limit any more goes at once. */
  setIntegrations(integrations: readonly RunningIntegration[]): void {
    const keys = new Set<string>();
    for (const running of integrations) {
      const known = this.#limited.get(running.key);
      if (running.rateLimit === null && (known?.held.size ?? 0) === 0) continue;
      keys.add(running.key);
      if (known) known.running = running;
      else this.#limited.set(running.key, newLimited(running));
    }
    for (const [key, limited] of this.#limited) {
      if (keys.has(key)) this.#setTimer(limited);
      else {
        limited.timer?.cancel();
        this.#limited.delete(key);
      }
    }
  }

  heldOf(key: string): number {
    return this.#limited.get(key)?.held.size ?? 0;
  }

  /**
   * Decides, in their transaction, which messages are held. Two transactions at once may both take the last one of a window.
   * @returns of those that are, until when, wall ms
   */
  async admit(tx: StateTransaction, asked: readonly Asked[]): Promise<ReadonlyMap<string, number>> {
    const nowMs = Math.floor(this.#parts.clock.wallMs());
    const windows = new Map<string, RateWindow>();
    const heldUntilMs = new Map<string, number>();
    const decisions: (() => void)[] = [];
    for (const one of asked) {
      const { integration: key } = one.notification;
      const limited = this.#limited.get(key);
      const limit = limited?.running.rateLimit ?? null;
      // What takes the place of one that may be sent has been counted.
      if (!limited || limit === null || (one.replaces && one.replaces.heldUntilMs === undefined)) continue;
      const window = windowAt(windows.get(key) ?? this.#windows.get(key), limit, nowMs);
      const isFull = window.sent >= limit.messages || limited.held.size > 0;
      if (!isFull || mustNotWait(one)) windows.set(key, { ...window, sent: window.sent + 1 });
      else {
        const untilMs = window.beganAtMs + limit.perMs;
        heldUntilMs.set(one.notification.id, untilMs);
        decisions.push(() => this.#tellThrottled(one.notification, window, { limit, untilMs }));
      }
    }
    if (windows.size > 0) await this.#windows.write(tx, windows);
    if (decisions.length > 0) tx.afterCommit(() => decisions.forEach((tell) => tell()));
    return heldUntilMs;
  }

  /** It waits for the end of its window. */
  hold(outstanding: Outstanding, running: RunningIntegration): void {
    let limited = this.#limited.get(running.key);
    if (!limited) this.#limited.set(running.key, (limited = newLimited(running)));
    limited.held.add(outstanding);
    if (limited.timer === null) this.#setTimer(limited);
  }

  remove(outstanding: Outstanding): void {
    this.#limited.get(outstanding.notification.integration)?.held.delete(outstanding);
  }

  /** @param inMs not before the end of the window where absent */
  #setTimer(limited: Limited, inMs?: number): void {
    limited.timer?.cancel();
    limited.timer = null;
    if (this.#isStopped || limited.held.size === 0 || limited.isClosing) return;
    const { clock } = this.#parts;
    const { key, rateLimit } = limited.running;
    const window = this.#windows.get(key);
    const nowMs = clock.wallMs();
    const endMs = window && rateLimit ? window.beganAtMs + rateLimit.perMs : nowMs;
    // The wall clock may have been set back meanwhile.
    const leftMs = Math.min(Math.max(endMs - nowMs, 0), rateLimit?.perMs ?? 0);
    limited.timer = clock.after(inMs ?? leftMs, () => {
      limited.timer = null;
      const closing = this.#close(limited).finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    });
  }

  /** A window is over: what is held goes as one message. */
  async #close(limited: Limited): Promise<void> {
    const { random, logger } = this.#parts;
    const held = [...limited.held].filter(({ state }) => state === 'waiting');
    if (held.length === 0 || this.#isStopped) return;
    limited.isClosing = true;
    // Their groups are decided again when the digest has arrived.
    for (const one of held) one.state = 'sending';
    try {
      await this.#writeDigest(limited, held);
      limited.failures = 0;
      limited.isClosing = false;
      this.#setTimer(limited);
    } catch (thrown) {
      for (const one of held) if (one.state === 'sending') one.state = 'waiting';
      const { key } = limited.running;
      logger.warn(
        { error: messageOf(thrown), integration: key, messages: held.length },
        'Digest not written; it is tried again',
      );
      limited.isClosing = false;
      this.#setTimer(limited, backoffMs(++limited.failures, WRITE_BACKOFF, random));
    }
    if (limited.held.size === 0 && limited.running.rateLimit === null) {
      const { key } = limited.running;
      if (this.#limited.get(key) === limited) this.#limited.delete(key);
    }
  }

  async #writeDigest({ running, held: all }: Limited, held: readonly Outstanding[]): Promise<void> {
    const { database, clock, random, accept } = this.#parts;
    const nowMs = clock.wallMs();
    const digest = await paced(
      digestOf({
        id: createId('ntf', nowMs, random),
        running,
        held: held.map(({ notification }) => notification),
        healed: await this.#healedFor(running, nowMs),
        nowMs,
      }),
      new Stretch(clock),
    );
    const ids = held.map(({ notification }) => notification.id);
    await database.transaction(async (tx) => {
      await insertNotifications(tx, [digest]);
      for (let at = 0; at < ids.length; at += maxRowsPerStatement) {
        await tx.db
          .updateTable('notifications')
          .set({ digest_id: digest.id })
          .where('id', 'in', ids.slice(at, at + maxRowsPerStatement))
          .where('state', '=', 'pending')
          .execute();
      }
      if (running.rateLimit) {
        await this.#windows.write(tx, new Map([[running.key, { beganAtMs: Math.floor(nowMs), sent: 1 }]]));
      }
      tx.afterCommit(() => {
        for (const one of held) all.delete(one);
        const { createdAtMs } = digest;
        accept({
          notification: digest,
          attempts: 0,
          nextAttemptAtMs: createdAtMs,
          state: 'waiting',
          digestOf: held,
        });
      });
    });
    this.#tellDigest(digest, held.length);
  }

  /** What was held back for a repair and healed since the window began: its page would have come here. */
  async #healedFor({ key }: RunningIntegration, nowMs: number): Promise<readonly HealedLine[]> {
    const { bus, integrationsAt } = this.#parts;
    const events = await bus.list({
      types: ['notification.held_and_healed'],
      fromMs: this.#windows.get(key)?.beganAtMs ?? nowMs,
      limit: maxHealedRead,
      newestFirst: true,
    });
    return events.flatMap((event) => {
      if (event.event_type !== 'notification.held_and_healed') return [];
      const { receivers, labels, summary } = event.payload;
      const atMs = Date.parse(event.at);
      const isMeant = receivers.some((name) => integrationsAt(name, atMs).some((one) => one.key === key));
      return isMeant ? [{ labels, summary }] : [];
    });
  }

  #tellThrottled(
    notification: Notification,
    { sent }: RateWindow,
    { limit, untilMs }: { readonly limit: RateLimit; readonly untilMs: number },
  ): void {
    const { integration, members } = notification;
    const reason =
      `${integration} has had ${sent} of ${limit.messages} messages in ${formatDuration(limit.perMs)}: ` +
      `in the digest at ${toRfc3339(untilMs)}`;
    for (const [alertId] of members)
      this.#tell(alertId, { ...aboutOf(notification), decision: 'throttled', reason });
  }

  #tellDigest(digest: Notification, messages: number): void {
    const scope = `digest ${digest.integration}`;
    const reason = `told in a digest of ${messages} to ${digest.integration}`;
    for (const [alertId] of digest.members)
      this.#tell(alertId, { ...aboutOf(digest), scope, decision: 'in digest', reason });
  }

  #tell(alertId: string, decision: Omit<Decision, 'alertId' | 'stage'> & { readonly scope: string }): void {
    const { scope, ...decided } = decision;
    this.#parts.decisions.record({ ...decided, alertId, stage: 'rate_limit' }, scope);
  }
}

function aboutOf({ id, groupId, integration, receiver }: Notification) {
  return { receiver, notificationId: id, scope: `${groupId} ${integration}` };
}

function newLimited(running: RunningIntegration): Limited {
  return { running, held: new Set(), timer: null, isClosing: false, failures: 0 };
}

/** Somebody has to hear of it now: it is critical and new, or nobody has acknowledged in time. */
function mustNotWait({ notification, isUrgent }: Asked): boolean {
  return isUrgent === true || notification.reason === 'escalation';
}
