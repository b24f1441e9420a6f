import { emptyLabels, labelValue, unpaced, type Labels } from '#telemetry';
import type { NotifiedAlert, NotifiedStatus } from './notified-alert.ts';

/**
 * Why a message is sent. `first_notification`, `new_alerts`, `all_resolved`, `new_resolved` and `repeat` as Alertmanager has them;
 * `brief`: an alert fired and was resolved before anybody was told; `not_healed`: the watchdog has not healed an
 * alert that was held back for it; `escalation`: nobody has acknowledged in time; `silence_ending`: a silence is about to end; `snooze_ended`: what was snoozed fires on; `flapping`: an alert comes back again and again, and is told of as one from now on; `digest`: what was beyond the rate limit of the receiver; `test`: a person asked for it.
 */
export const NOTIFICATION_REASONS = [
  'first_notification',
  'new_alerts',
  'all_resolved',
  'new_resolved',
  'repeat',
  'brief',
  'not_healed',
  'escalation',
  'silence_ending',
  'snooze_ended',
  'flapping',
  'digest',
  'test',
] as const;

export type NotificationReason = (typeof NOTIFICATION_REASONS)[number];

/** A reason as templates and webhooks tell it; of those that Alertmanager has in its words. */
export const REASON_TEXTS: Readonly<Record<NotificationReason, string>> = {
  first_notification: 'first notification',
  new_alerts: 'new alerts added',
  all_resolved: 'all alerts resolved',
  new_resolved: 'some alerts resolved',
  repeat: 'repeat interval elapsed',
  brief: 'fired and resolved before anybody was told',
  not_healed: 'not healed by the watchdog',
  escalation: 'nobody has acknowledged in time',
  silence_ending: 'a silence is about to end',
  snooze_ended: 'its snooze has ended',
  flapping: 'flapping',
  digest: 'digest of what was beyond the rate limit',
  test: 'test',
};

/** An alert in a message, with where people can act on it. */
export interface MessageAlert extends NotifiedAlert {
  readonly status: NotifiedStatus;
  readonly links: AlertLinks;
}

/** Addresses of pages. Those that act ask for a confirmation first: programs that preview links fetch them. */
export interface AlertLinks {
  readonly alert: string;
  readonly acknowledge: string;
  readonly silence: string;
  /** Null where the alert has no trace. */
  readonly trace: string | null;
}

/** One message to one integration about a group of alerts. */
export interface Message {
  /** The same at every try: what a receiver may recognize a repetition by. */
  readonly notificationId: string;
  /** `{}/{team="web"}:{alertname="Down"}` */
  readonly groupKey: string;
  readonly receiver: string;
  readonly reason: NotificationReason;
  readonly groupLabels: Labels;
  readonly routeLabels: Labels;
  readonly receiverLabels: Labels;
  /** Firing ones first, in the order in which they began; at least one, at most what the integration takes. */
  readonly alerts: readonly MessageAlert[];
  /** How many alerts of the group were left out. */
  readonly truncatedAlerts: number;
  /** Where all that fire of these are acknowledged at once, as a link of an alert is; null where one at most is left to be. */
  readonly acknowledgeAll: string | null;
  /** Where people reach Omoi, without a slash at the end. */
  readonly externalUrl: string;
  /** Wall ms at which it was decided. */
  readonly atMs: number;
  readonly traceparent: string | null;
  /** What Omoi adds for people ("this is a test", "meant for team-x, which is not built"); null mostly. */
  readonly note: string | null;
}

/** So many label sets are compared between two pauses. */
const setsPerPiece = 100;

/** The names and values that all of them have in common, with pauses offered on the way. */
export function* commonTextsInPieces(texts: readonly Labels[]): Generator<void, Labels> {
  const [first = emptyLabels()] = texts;
  let names = Object.keys(first);
  let compared = 0;
  for (const other of texts) {
    if (!haveInCommon(names, first, other)) {
      names = names.filter((name) => labelValue(other, name) === labelValue(first, name));
    }
    compared++;
    if (compared % setsPerPiece === 0) yield;
  }
  const labels = emptyLabels();
  for (const name of names) labels[name] = labelValue(first, name);
  return labels;
}

function haveInCommon(names: readonly string[], one: Labels, other: Labels): boolean {
  for (const name of names) if (labelValue(other, name) !== labelValue(one, name)) return false;
  return true;
}

/** As `commonTextsInPieces`, of few, in one go. */
export function commonTexts(texts: readonly Labels[]): Labels {
  return unpaced(commonTextsInPieces(texts));
}

/** `firing` while one of the alerts fires. */
export function statusOfMessage({ alerts }: Pick<Message, 'alerts'>): NotifiedStatus {
  return alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved';
}
