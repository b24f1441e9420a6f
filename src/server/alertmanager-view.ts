import type { AlertmanagerView, ViewedAlert, ViewedGroup } from '#api';
import type { AlertReader, Notification, SilenceBook } from '#notification';
import type { Clock } from '#telemetry';

const maxAlertsPerRead = 500;

export interface AlertmanagerViewParts {
  readonly notification: Notification;
  readonly silences: Pick<SilenceBook, 'silencesOf'>;
  readonly alerts: AlertReader;
  readonly clock: Clock;
  readonly startedAtMs: number;
}

/** Notification as Alertmanager's API shows it: what it holds in memory, with the texts of the alerts as they are on disk. */
export function createAlertmanagerView(parts: AlertmanagerViewParts): AlertmanagerView {
  const { notification, clock } = parts;
  return {
    startedAtMs: parts.startedAtMs,
    configuration: () => notification.configuration.shown,
    resolveTimeoutMs: () => notification.configuration.global.resolve_timeout_ms,
    receivers: () =>
      [...notification.configuration.receivers.values()].map(({ name, labels }) => ({ name, labels })),
    alerts: () =>
      viewed(
        parts,
        [...notification.dispatcher.firing].map(({ alertId }) => alertId),
      ),
    *groups() {
      const nowMs = clock.wallMs();
      for (const { route, groupLabels, members } of notification.dispatcher.groups()) {
        const ids = [...members.values()].flatMap(({ alertId, endsAtMs }) =>
          endsAtMs === null ? [alertId] : [],
        );
        if (ids.length === 0) continue;
        yield {
          receiver: route.receiver,
          labels: groupLabels,
          routeLabels: route.labels,
          mutedBy: notification.silentBy(route, nowMs)?.names ?? [],
          alerts: viewed(parts, ids),
        } satisfies ViewedGroup;
      }
    },
  };
}

async function* viewed(
  { notification, silences, alerts, clock }: AlertmanagerViewParts,
  alertIds: readonly string[],
): AsyncGenerator<ViewedAlert> {
  const { dispatcher } = notification;
  for (let at = 0; at < alertIds.length; at += maxAlertsPerRead) {
    const read = await alerts.read(alertIds.slice(at, at + maxAlertsPerRead));
    const nowMs = clock.wallMs();
    for (const alert of read) {
      if (alert.endsAtMs !== null) continue;
      const source = notification.inhibitedBy(alert)?.sourceAlertId;
      yield {
        alert,
        updatedAtMs: alert.updatedAtMs,
        expiresAtMs: alert.expiresAtMs,
        receivers: [...new Set([...dispatcher.groupsOf(alert.alertId)].map(({ route }) => route.receiver))],
        silencedBy: silences.silencesOf(alert.labels, nowMs).map(({ id }) => id),
        inhibitedBy: source === undefined ? [] : [dispatcher.get(source)?.fingerprint ?? source],
      };
    }
  }
}
