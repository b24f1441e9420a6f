import type { StateDatabase } from '#storage';
import { OmoiError, type Clock, type Labels } from '#telemetry';
import type { NotifiedAlert } from '../notified-alert.ts';
import { readMembers } from '../outbox/outbox-rows.ts';
import type { AlertReader } from '../ports.ts';
import type { Silences } from '../silences/silences.ts';
import { readLink, signLink, type LinkAction, type LinkClaim } from './link-token.ts';

export interface SignedLinkParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly alerts: Pick<AlertReader, 'read'>;
  readonly silences: Pick<Silences, 'list' | 'set' | 'setEnd'>;
  /** @throws OmoiError `unknown_alert`, `alert_resolved` */
  readonly acknowledge: (alertId: string, by: string) => Promise<unknown>;
  /** 256 bits that nobody can guess. */
  readonly createSecret: () => string;
}

const KEY_NAME = 'link_key';
const linkLifetimeMs = 24 * 3_600_000;
/** So many links that nobody has signed are looked at within a minute. */
export const maxForgedLinksPerMinute = 60;
const MINUTE_MS = 60_000;
/** So many alerts are acknowledged by one link. */
export const maxAlertsOfLink = 1_000;
const maxAlertsPerRead = 500;
/** Those that wait for the database share its commits. */
const maxAcknowledgedSideBySide = 20;

const OVER: ReadonlySet<string> = new Set(['alert_resolved', 'unknown_alert']);

/** What a link would do, for the page that asks whether to do it. */
export interface LinkOffer {
  readonly claim: LinkClaim;
  /** The alert that it is for; of a message those that fired as it was decided, by now they may be over. */
  readonly alerts: readonly NotifiedAlert[];
  /** How many alerts of the message's group it is not for: the message does not name them, or they are too many. */
  readonly leftOut: number;
}

/**
 * Links in messages by which whoever reads them acts on one alert, or acknowledges those of
 * the message, without logging in: signed, for 24 hours. Looking at one changes nothing. The one owner of the key.
 */
export class SignedLinks {
  readonly #parts: SignedLinkParts;
  #key = '';
  #forged = { sinceMs: 0, count: 0 };

  constructor(parts: SignedLinkParts) {
    this.#parts = parts;
  }

  /** Reads the key, or makes one. */
  async start(): Promise<void> {
    const { database, createSecret } = this.#parts;
    const row = await database.transaction(async (tx) => {
      await tx.db
        .insertInto('notification_secrets')
        .values({ name: KEY_NAME, value: createSecret(), created_at_ms: Math.floor(tx.nowMs) })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute();
      return tx.db
        .selectFrom('notification_secrets')
        .select('value')
        .where('name', '=', KEY_NAME)
        .executeTakeFirstOrThrow();
    });
    this.#key = row.value;
  }

  /** The same for the same message, however often it is tried. @param atMs when the message was decided, wall ms */
  tokenFor(
    action: LinkAction,
    { atMs, ...about }: Omit<LinkClaim, 'action' | 'expiresAtMs'> & { readonly atMs: number },
  ): string {
    return signLink(this.#key, { action, ...about, expiresAtMs: atMs + linkLifetimeMs });
  }

  /**
   * What a link would do.
   * @throws OmoiError `link_invalid`, `too_many_link_tries`, `unknown_alert`, `unknown_notification`
   */
  async look(token: string): Promise<LinkOffer> {
    const nowMs = this.#parts.clock.wallMs();
    const claim = readLink(this.#key, token);
    if (claim === null) throw this.#forgery(nowMs);
    if (claim.expiresAtMs <= nowMs) {
      throw new OmoiError('link_invalid', 'the link has expired: links count for 24 hours');
    }
    if (claim.action === 'acknowledge_message') return { claim, ...(await this.#alertsOfMessage(claim)) };
    return { claim, alerts: [await this.#alertOf(claim)], leftOut: 0 };
  }

  async #alertOf({ subject }: LinkClaim): Promise<NotifiedAlert> {
    const [alert] = await this.#parts.alerts.read([subject]);
    if (!alert) throw new OmoiError('unknown_alert', `there is no alert ${subject} any more`);
    return alert;
  }

  async #alertsOfMessage({ subject, named }: LinkClaim): Promise<Omit<LinkOffer, 'claim'>> {
    const { database, alerts } = this.#parts;
    const message = await readMembers(database, subject);
    if (!message) throw new OmoiError('unknown_notification', `there is no message ${subject} any more`);
    const firedOf = (members: typeof message.members): readonly string[] =>
      members.filter(([, endsAtMs]) => endsAtMs === null).map(([alertId]) => alertId);
    const fired = firedOf(message.members);
    const meant = firedOf(message.members.slice(0, named)).slice(0, maxAlertsOfLink);
    const found: NotifiedAlert[] = [];
    for (let at = 0; at < meant.length; at += maxAlertsPerRead) {
      found.push(...(await alerts.read(meant.slice(at, at + maxAlertsPerRead))));
    }
    const places = new Map(meant.map((alertId, place) => [alertId, place]));
    const placeOf = ({ alertId }: NotifiedAlert): number => places.get(alertId) ?? 0;
    found.sort((a, b) => placeOf(a) - placeOf(b));
    return { alerts: found, leftOut: message.truncated + fired.length - meant.length };
  }

  /**
   * Does what a link says; twice is the same as once.
   * @param silenceMs for how long, where it silences
   * @throws OmoiError as `look`, and `alert_resolved`, `too_many_silences`
   */
  async act(token: string, silenceMs: number): Promise<LinkOffer> {
    const { claim, alerts } = await this.look(token);
    const by = `link of receiver ${claim.receiver}`;
    if (claim.action === 'acknowledge_message') {
      await this.#acknowledgeAll(alerts, by);
      return this.look(token);
    }
    for (const alert of alerts) {
      if (claim.action === 'acknowledge') await this.#parts.acknowledge(alert.alertId, by);
      else await this.#silence(alert, { by, endsAtMs: this.#parts.clock.wallMs() + silenceMs });
    }
    return this.look(token);
  }

  /** What is over by then needs nobody any more. */
  async #acknowledgeAll(alerts: readonly NotifiedAlert[], by: string): Promise<void> {
    const open = alerts.filter(
      ({ endsAtMs, acknowledgedBy }) => endsAtMs === null && acknowledgedBy === null,
    );
    for (let at = 0; at < open.length; at += maxAcknowledgedSideBySide) {
      const some = open.slice(at, at + maxAcknowledgedSideBySide);
      await Promise.all(
        some.map(async ({ alertId }) => {
          try {
            await this.#parts.acknowledge(alertId, by);
          } catch (thrown) {
            const isOver = thrown instanceof OmoiError && OVER.has(thrown.code);
            if (!isOver) throw thrown;
          }
        }),
      );
    }
  }

  async #silence(
    { alertId, labels }: NotifiedAlert,
    { by, endsAtMs }: { readonly by: string; readonly endsAtMs: number },
  ): Promise<void> {
    const { silences } = this.#parts;
    const own = silences
      .list()
      .find((one) => one.alertId === alertId && one.setBy === by && one.end === null);
    if (own) {
      await silences.setEnd(own.id, endsAtMs, by);
      return;
    }
    await silences.set({
      id: null,
      matcherSets: [matchersOf(labels)],
      startsAtMs: null,
      endsAtMs,
      createdBy: by,
      comment: 'silenced from a message',
      annotations: {},
      alertId,
      by,
    });
  }

  #forgery(nowMs: number): OmoiError {
    if (nowMs - this.#forged.sinceMs >= MINUTE_MS || nowMs < this.#forged.sinceMs) {
      this.#forged = { sinceMs: nowMs, count: 0 };
    }
    this.#forged.count++;
    return this.#forged.count > maxForgedLinksPerMinute
      ? new OmoiError(
          'too_many_link_tries',
          `more than ${maxForgedLinksPerMinute} links were tried within a minute that this server has not made`,
        )
      : new OmoiError('link_invalid', 'this server has not made this link, or it was cut off');
  }
}

function matchersOf(labels: Labels) {
  return Object.entries(labels).map(([name, value]) => ({ name, operator: '=' as const, value }));
}
