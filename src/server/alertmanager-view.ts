import type { AlertFilter, AlertmanagerView, AlertStatus, ViewedAlert, ViewedGroup } from '#api';
import type { AlertReader, Notification, Silences, StoredAlert } from '#notification';
import { paced, Stretch, type Clock } from '#telemetry';

const maxAlertsPerRead = 500;

export interface AlertmanagerViewParts {
  readonly notification: Notification;
  readonly silences: Pick<Silences, 'silencesOf' | 'lookUp'>;
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
    alerts: (accepts) => viewed(parts, [...notification.dispatcher.membership.firing], accepts),
    *groups(accepts) {
      const nowMs = clock.wallMs();
      for (const { route, groupLabels, members } of notification.dispatcher.groups()) {
        const firing = [...members.values()].filter(({ endsAtMs }) => endsAtMs === null);
        if (firing.length === 0) continue;
        yield {
          receiver: route.receiver,
          labels: groupLabels,
          routeLabels: route.labels,
          mutedBy: notification.silentBy(route, nowMs)?.names ?? [],
          alerts: viewed(parts, firing, accepts),
        } satisfies ViewedGroup;
      }
    },
  };
}

type Tracked = Pick<StoredAlert, 'alertId' | 'labels'>;

/** What is not meant is left out by what is in memory: only the others are read. */
async function* viewed(
  { notification, silences, alerts, clock }: AlertmanagerViewParts,
  tracked: readonly Tracked[],
  accepts: AlertFilter,
): AsyncGenerator<ViewedAlert> {
  const { dispatcher } = notification;
  const statusOf = ({ alertId, labels }: Tracked): AlertStatus => {
    const source = notification.inhibitedBy({ alertId, labels })?.sourceAlertId;
    return {
      receivers: [
        ...new Set([...dispatcher.membership.groupsOf(alertId)].map(({ route }) => route.receiver)),
      ],
      silencedBy: silences.silencesOf(labels, clock.wallMs()).map(({ id }) => id),
      inhibitedBy: source === undefined ? [] : [dispatcher.membership.get(source)?.fingerprint ?? source],
    };
  };
  const read = async function* (meant: ReadonlyMap<string, AlertStatus>): AsyncGenerator<ViewedAlert> {
    for (const alert of await alerts.read([...meant.keys()])) {
      const status = meant.get(alert.alertId);
      if (status === undefined || alert.endsAtMs !== null) continue;
      yield { alert, updatedAtMs: alert.updatedAtMs, expiresAtMs: alert.expiresAtMs, ...status };
    }
  };
  const stretch = new Stretch(clock);
  let meant = new Map<string, AlertStatus>();
  for (const alert of tracked) {
    await paced(silences.lookUp(alert.labels), stretch);
    const status = statusOf(alert);
    if (accepts({ ...status, labels: alert.labels })) meant.set(alert.alertId, status);
    if (meant.size === maxAlertsPerRead) {
      yield* read(meant);
      meant = new Map();
    }
    if (stretch.isOver) await stretch.pause();
  }
  if (meant.size > 0) yield* read(meant);
}
