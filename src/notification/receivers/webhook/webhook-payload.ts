import type { SharedStretch } from '#telemetry';

import {
  commonTextsInPieces,
  type Message,
  type MessageAlert,
  REASON_TEXTS,
  statusOfMessage,
} from '../../message.ts';
import { goMap, goText, goTime } from '../go-json.ts';

/** How long a piece of a body is, about. */
const pieceCharacters = 64 * 1024;

/** Go's `regexp.QuoteMeta`: Alertmanager gives the receiver's name so, since it was once part of a regular expression. */
function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

function alertText(alert: MessageAlert, form: PayloadForm): string {
  const own = hasLinks(form)
    ? `,"omoi":{"alert_id":${goText(alert.alertId)},"links":${linksText(alert)}}`
    : '';
  return [
    `{"status":${goText(alert.status)}`,
    `"labels":${goMap(alert.labels)}`,
    `"annotations":${goMap(alert.annotations)}`,
    `"startsAt":${goText(goTime(alert.startsAtMs))}`,
    `"endsAt":${goText(goTime(alert.endsAtMs))}`,
    `"generatorURL":${goText(alert.generatorUrl)}`,
    `"fingerprint":${goText(alert.fingerprint)}${own}}`,
  ].join(',');
}

function linksText({ links: { alert, acknowledge, silence, trace } }: MessageAlert): string {
  return goMap({ alert, acknowledge, silence, ...(trace === null ? {} : { trace }) });
}

/** Of the message: its id, and where all that fire are acknowledged at once. */
function ownText({ notificationId, acknowledgeAll }: Message, form: PayloadForm): string {
  if (!hasLinks(form)) return '';
  const links = goMap(acknowledgeAll === null ? {} : { acknowledge_all: acknowledgeAll });
  return `,"omoi":{"notification_id":${goText(notificationId)},"links":${links}}`;
}

/** Omoi's own key, where there is something to say that Alertmanager never has: a digest, a receiver that is not built. */
function noteText({ note }: Message): string {
  return note === null ? '' : `,"note":${goText(note)}`;
}

/** `4` of webhooks, `1` of incident.io, which says the same; with a key `omoi` of the message and of each alert where links are asked for. */
export type PayloadForm = '1' | '1 with links' | '4' | '4 with links';

function hasLinks(form: PayloadForm): boolean {
  return form === '1 with links' || form === '4 with links';
}

/**
 * The body of Alertmanager's webhooks, byte by byte what Alertmanager 0.34 sends (but for links, where they are asked for): its fields
 * in their order, and a line feed at the end. In pieces of about 64 KiB, with a pause offered after every alert.
 */
function* payloadPieces(message: Message, form: PayloadForm): Generator<void, readonly Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  let text = '';
  const add = (more: string): void => {
    text += more;
    if (text.length < pieceCharacters) return;
    pieces.push(Buffer.from(text));
    text = '';
  };
  add(
    `{"receiver":${goText(quoteMeta(message.receiver))},"status":${goText(statusOfMessage(message))},"alerts":[`,
  );
  let separator = '';
  for (const alert of message.alerts) {
    add(separator);
    add(alertText(alert, form));
    separator = ',';
    yield;
  }
  const labels = yield* commonTextsInPieces(message.alerts.map((alert) => alert.labels));
  const annotations = yield* commonTextsInPieces(message.alerts.map((alert) => alert.annotations));
  add(
    [
      `],"notification_reason":${goText(REASON_TEXTS[message.reason])}`,
      `"groupLabels":${goMap(message.groupLabels)}`,
      `"commonLabels":${goMap(labels)}`,
      `"commonAnnotations":${goMap(annotations)}`,
      `"routeLabels":${goMap(message.routeLabels)}`,
      `"externalURL":${goText(message.externalUrl)}`,
      `"version":${goText(form.slice(0, 1))}`,
      `"groupKey":${goText(message.groupKey)}`,
      `"truncatedAlerts":${message.truncatedAlerts}${noteText(message)}${ownText(message, form)}}\n`,
    ].join(','),
  );
  pieces.push(Buffer.from(text));
  return pieces;
}

/** As `payloadPieces`, while everything else has its turns. */
export function webhookPayload(
  message: Message,
  writing: SharedStretch,
  form: PayloadForm = '4',
): Promise<readonly Uint8Array[]> {
  return writing.run(payloadPieces(message, form));
}
