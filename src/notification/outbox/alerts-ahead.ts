import type { Clock } from '#telemetry';
import type { NotifiedAlert } from '../notified-alert.ts';
import type { AlertReader } from '../ports.ts';
import type { Notification } from './outbox-rows.ts';

/** So many alerts are read with one question. */
const maxAlertsPerRead = 500;
/** So many alerts of messages that follow are read with those of the ones whose turn has come. */
export const maxAlertsReadAhead = 200;
/** So many are kept for messages that follow. */
const maxAlertsKept = 1_000;
/** What was read ahead tells how an alert stood so long ago at most. */
export const maxAheadMs = 250;

type Told = Pick<Notification, 'members'>;
type Waiting = Iterable<{ readonly notification: Told }>;
type Alerts = ReadonlyMap<string, NotifiedAlert>;

interface Read {
  /** Monotonic ms at which it was begun. */
  readonly atMs: number;
  readonly alerts: Promise<Alerts>;
}

interface Gathering {
  readonly alertIds: Set<string>;
  readonly next: Set<Waiting>;
  readonly alerts: Promise<Alerts>;
}

/**
 * Reads the alerts of messages. Where thousands of messages wait for their turn, each about an alert of its own, one question
 * reads those that come together and those that follow; what has waited for longer than a moment is read anew.
 */
export class AlertsAhead {
  readonly #alerts: Pick<AlertReader, 'read'>;
  readonly #clock: Clock;
  /** By alert, oldest first, what was read for a message that follows. */
  readonly #ahead = new Map<string, Read>();
  #gathering: Gathering | null = null;

  constructor(alerts: Pick<AlertReader, 'read'>, clock: Clock) {
    this.#alerts = alerts;
    this.#clock = clock;
  }

  /**
   * The alerts of a message by their ids, maybe with others; those that are no longer on record are missing.
   * @param next the messages that go out after it
   * @throws what the database throws
   */
  async of({ members }: Told, next: Waiting): Promise<Alerts> {
    const alertIds = members.map(([alertId]) => alertId);
    if (alertIds.length > maxAlertsReadAhead) return this.#readAll(alertIds);
    const [only] = alertIds;
    const ahead = alertIds.length === 1 && only !== undefined ? this.#takeAhead(only) : null;
    // Where it could not be read ahead it is asked for once more.
    const found = await ahead?.alerts.catch(() => null);
    return found ?? this.#gather(alertIds, next);
  }

  #takeAhead(alertId: string): Read | null {
    const read = this.#ahead.get(alertId);
    this.#ahead.delete(alertId);
    return read && this.#clock.monotonicMs() - read.atMs <= maxAheadMs ? read : null;
  }

  /** What is asked for in one step of the program is read together. */
  #gather(alertIds: readonly string[], next: Waiting): Promise<Alerts> {
    const gathering = (this.#gathering ??= this.#begin());
    for (const alertId of alertIds) gathering.alertIds.add(alertId);
    gathering.next.add(next);
    return gathering.alerts;
  }

  #begin(): Gathering {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    queueMicrotask(() => resolve(undefined));
    return { alertIds: new Set(), next: new Set(), alerts: promise.then(() => this.#readGathered()) };
  }

  #readGathered(): Promise<Alerts> {
    const { alertIds = new Set<string>(), next = new Set<Waiting>() } = this.#gathering ?? {};
    this.#gathering = null;
    const ahead = this.#choose(alertIds, next);
    const read = { atMs: this.#clock.monotonicMs(), alerts: this.#readAll([...alertIds, ...ahead]) };
    for (const alertId of ahead) this.#ahead.set(alertId, read);
    return read.alerts;
  }

  /** What is read for messages that follow: those about one alert alone, of which there are many. */
  #choose(alertIds: ReadonlySet<string>, next: ReadonlySet<Waiting>): readonly string[] {
    this.#forgetOld();
    const chosen = new Set<string>();
    const room = Math.min(maxAlertsReadAhead, maxAlertsKept - this.#ahead.size);
    for (const queue of next) {
      let seen = 0;
      for (const { notification } of queue) {
        if (chosen.size >= room || ++seen > maxAlertsReadAhead) break;
        const { members } = notification;
        const [[alertId] = ['']] = members;
        if (members.length === 1 && !alertIds.has(alertId) && !this.#ahead.has(alertId)) chosen.add(alertId);
      }
    }
    return [...chosen];
  }

  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [alertId, { atMs }] of this.#ahead) {
      if (nowMs - atMs <= maxAheadMs) return;
      this.#ahead.delete(alertId);
    }
  }

  async #readAll(alertIds: readonly string[]): Promise<Alerts> {
    const found = new Map<string, NotifiedAlert>();
    for (let at = 0; at < alertIds.length; at += maxAlertsPerRead) {
      for (const alert of await this.#alerts.read(alertIds.slice(at, at + maxAlertsPerRead)))
        found.set(alert.alertId, alert);
    }
    return found;
  }
}
