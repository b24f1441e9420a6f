import { type Fields, fixed, GoSlice, GoStruct, GoTime, type TemplateValue } from '#gotemplate';
import {
  type AlertLinks,
  commonTextsInPieces,
  type Message,
  type MessageAlert,
  REASON_TEXTS,
  statusOfMessage,
} from '../message.ts';
import type { NotifiedStatus } from '../notified-alert.ts';
import { KeyValues } from './key-values.ts';

/** What `toJson` writes of a message, in Alertmanager's order: Omoi's own fields are for templates alone. */
const DATA_JSON: ReadonlyMap<string, string> = new Map([
  ['Receiver', 'receiver'],
  ['Status', 'status'],
  ['Alerts', 'alerts'],
  ['NotificationReason', 'notification_reason'],
  ['GroupLabels', 'groupLabels'],
  ['CommonLabels', 'commonLabels'],
  ['CommonAnnotations', 'commonAnnotations'],
  ['RouteLabels', 'routeLabels'],
  ['ExternalURL', 'externalURL'],
]);

const ALERT_JSON: ReadonlyMap<string, string> = new Map([
  ['Status', 'status'],
  ['Labels', 'labels'],
  ['Annotations', 'annotations'],
  ['StartsAt', 'startsAt'],
  ['EndsAt', 'endsAt'],
  ['GeneratorURL', 'generatorURL'],
  ['Fingerprint', 'fingerprint'],
]);

/** The dot of a message's templates: Alertmanager's `Data`, and Omoi's `.Note`, `.TruncatedAlerts`,
 * `.AcknowledgeAll`, `.ReceiverLabels`. Offers pauses where there are many alerts. */
export function* messageData(message: Message): Generator<void, GoStruct> {
  const { alerts } = message;
  const labels = yield* commonTextsInPieces(alerts.map((alert) => alert.labels));
  const annotations = yield* commonTextsInPieces(alerts.map((alert) => alert.annotations));
  const list = alertList(alerts);
  yield;
  return new GoStruct(
    '*template.Data',
    new Map<string, TemplateValue>([
      ['Receiver', quoteForRegex(message.receiver)],
      ['Status', statusOfMessage(message)],
      ['Alerts', list],
      ['NotificationReason', REASON_TEXTS[message.reason]],
      ['GroupLabels', KeyValues.of(message.groupLabels)],
      ['CommonLabels', KeyValues.of(labels)],
      ['CommonAnnotations', KeyValues.of(annotations)],
      ['RouteLabels', KeyValues.of(message.routeLabels)],
      ['ExternalURL', message.externalUrl],
      ['ReceiverLabels', KeyValues.of(message.receiverLabels)],
      ['TruncatedAlerts', BigInt(message.truncatedAlerts)],
      ['Note', message.note ?? ''],
      ['AcknowledgeAll', message.acknowledgeAll ?? ''],
    ]),
    { jsonNames: DATA_JSON },
  );
}

/** As Alertmanager gives a receiver's name: for a regular expression in the query of an address. */
function quoteForRegex(name: string): string {
  return name.replace(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`);
}

function alertList(alerts: readonly MessageAlert[]): GoSlice {
  const items = alerts.map(alertValue);
  const withStatus = (status: NotifiedStatus): GoSlice =>
    new GoSlice(
      items.filter((_, place) => alerts[place]?.status === status),
      '[]template.Alert',
    );
  return new GoSlice(items, 'template.Alerts', {
    methods: new Map([
      ['Firing', fixed([], () => withStatus('firing'))],
      ['Resolved', fixed([], () => withStatus('resolved'))],
    ]),
  });
}

function alertValue(alert: MessageAlert): GoStruct {
  return new GoStruct('template.Alert', new AlertFields(alert), { jsonNames: ALERT_JSON });
}

/**
 * The fields of an alert: each is made when a template asks for it, for of five hundred alerts most never are. An alert that
 * is printed whole is printed as Alertmanager's is.
 */
class AlertFields implements Fields {
  readonly #alert: MessageAlert;
  #labels: KeyValues | null = null;
  #annotations: KeyValues | null = null;
  #links: GoStruct | null = null;

  constructor(alert: MessageAlert) {
    this.#alert = alert;
  }

  *[Symbol.iterator](): Iterator<readonly [string, TemplateValue]> {
    for (const name of ALERT_JSON.keys()) yield [name, this.get(name) ?? null];
  }

  get(name: string): TemplateValue | undefined {
    const alert = this.#alert;
    switch (name) {
      case 'Status':
        return alert.status;
      case 'Labels':
        return (this.#labels ??= KeyValues.of(alert.labels));
      case 'Annotations':
        return (this.#annotations ??= KeyValues.of(alert.annotations));
      case 'StartsAt':
        return GoTime.ofMs(alert.startsAtMs);
      case 'EndsAt':
        return alert.endsAtMs === null ? GoTime.zero() : GoTime.ofMs(alert.endsAtMs);
      case 'GeneratorURL':
        return alert.generatorUrl;
      case 'Fingerprint':
        return alert.fingerprint;
      case 'Links':
        return (this.#links ??= linksValue(alert.links));
      case 'Remediation':
        return alert.remediation ?? '';
      case 'AcknowledgedBy':
        return alert.acknowledgedBy ?? '';
      default:
        return undefined;
    }
  }
}

function linksValue({ alert, acknowledge, silence, trace }: AlertLinks): GoStruct {
  return new GoStruct(
    'template.Links',
    new Map([
      ['Alert', alert],
      ['Acknowledge', acknowledge],
      ['Silence', silence],
      ['Trace', trace ?? ''],
    ]),
  );
}
