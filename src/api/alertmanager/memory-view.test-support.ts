import {
  Inhibitor,
  type InhibitRule,
  type NotifiedAlert,
  parseMatchers,
  Silences,
  DEFAULT_SILENCE_LIMITS,
} from '#notification';
import type { EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import {
  createSeededRandom,
  fingerprintOf,
  type Labels,
  labelValue,
  matchesAll,
  SelfMetrics,
  silentLogger,
  type VirtualClock,
} from '#telemetry';
import type {
  AlertFilter,
  AlertmanagerView,
  PostedAlert,
  PostedAlerts,
  PostedFrom,
  ViewedAlert,
  ViewedGroup,
} from './alertmanager-view.ts';
import { SHOWN_CONFIGURATION } from './alertmanager-view.suite.test-support.ts';

interface Held {
  readonly alert: NotifiedAlert;
  readonly updatedAtMs: number;
  readonly expiresAtMs: number;
}

const RECEIVERS = [
  { name: 'default', labels: { name: 'default' } },
  { name: 'web', labels: { name: 'web', owner: 'web' } },
];
const RULES: readonly InhibitRule[] = [
  {
    name: '',
    sources: [{ matchers: parseMatchers('severity="critical"'), equal: ['host'] }],
    targetMatchers: parseMatchers('severity="warning"'),
    equal: ['host'],
  },
];
const WEB = parseMatchers('team="web"');

/** `VIEWED_CONFIGURATION` by hand, over posted alerts in memory and real silences. */
export class MemoryView implements AlertmanagerView, PostedAlerts {
  readonly startedAtMs: number;
  readonly silences: Silences;
  readonly #clock: VirtualClock;
  readonly #alerts = new Map<string, Held>();
  readonly #inhibitor = new Inhibitor(RULES);
  /** Time intervals that mute the route to `web`. */
  mutedBy: readonly string[] = [];
  readonly taken: { readonly alerts: readonly PostedAlert[]; readonly from: PostedFrom }[] = [];

  constructor(parts: {
    readonly clock: VirtualClock;
    readonly database: StateDatabase;
    readonly bus: EventBus;
  }) {
    this.#clock = parts.clock;
    this.startedAtMs = parts.clock.wallMs();
    const random = createSeededRandom(5);
    this.silences = new Silences({
      ...parts,
      random,
      logger: silentLogger,
      metrics: new SelfMetrics(),
      limits: DEFAULT_SILENCE_LIMITS,
    });
  }

  configuration(): string {
    return SHOWN_CONFIGURATION;
  }

  resolveTimeoutMs(): number {
    return 5 * 60_000;
  }

  receivers() {
    return RECEIVERS;
  }

  async take(alerts: readonly PostedAlert[], from: PostedFrom): Promise<readonly string[]> {
    this.taken.push({ alerts, from });
    for (const alert of alerts) this.#put(alert);
    return [];
  }

  #put({ labels, annotations, startsAtMs, endsAtMs, generatorUrl }: PostedAlert): void {
    const fingerprint = fingerprintOf(labels);
    if (endsAtMs <= this.#clock.wallMs()) {
      this.#alerts.delete(fingerprint);
      this.#inhibitor.remove(fingerprint);
      return;
    }
    const alert: NotifiedAlert = {
      alertId: fingerprint,
      fingerprint,
      labels,
      annotations,
      startsAtMs,
      endsAtMs: null,
      generatorUrl,
      acknowledgedBy: null,
      remediation: null,
      traceparent: null,
    };
    this.#alerts.set(fingerprint, { alert, updatedAtMs: this.#clock.wallMs(), expiresAtMs: endsAtMs });
    this.#inhibitor.add(alert);
  }

  *alerts(accepts: AlertFilter): Generator<ViewedAlert, void, void> {
    const nowMs = this.#clock.wallMs();
    for (const { alert, updatedAtMs, expiresAtMs } of this.#alerts.values()) {
      if (expiresAtMs <= nowMs) continue;
      const inhibition = this.#inhibitor.inhibitedBy(alert);
      const { labels } = alert;
      const status = {
        receivers: [receiverOf(labels)],
        silencedBy: this.silences.silencesOf(labels, nowMs).map(({ id }) => id),
        inhibitedBy: inhibition ? [inhibition.sourceAlertId] : [],
      };
      if (accepts({ ...status, labels })) yield { alert, updatedAtMs, expiresAtMs, ...status };
    }
  }

  groups(accepts: AlertFilter): Iterable<ViewedGroup> {
    const groups = new Map<string, ViewedGroup & { readonly alerts: ViewedAlert[] }>();
    for (const viewed of this.alerts(accepts)) {
      const receiver = receiverOf(viewed.alert.labels);
      const names = receiver === 'web' ? ['alertname', 'host'] : ['alertname'];
      const labels = Object.fromEntries(names.map((name) => [name, labelValue(viewed.alert.labels, name)]));
      const key = JSON.stringify([receiver, labels]);
      const group = groups.get(key) ?? {
        receiver,
        labels,
        routeLabels: {},
        mutedBy: receiver === 'web' ? this.mutedBy : [],
        alerts: [],
      };
      group.alerts.push(viewed);
      groups.set(key, group);
    }
    return groups.values();
  }
}

function receiverOf(labels: Labels): string {
  return matchesAll(WEB, labels) ? 'web' : 'default';
}
