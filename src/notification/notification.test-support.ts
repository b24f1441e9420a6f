import { afterEach } from 'vitest';
import { createEventBus, type EventBus } from '#eventbus';
import { openTestStateDatabase, takeUpState, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  labelValue,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type Labels,
  type Logger,
  type NewSystemEvent,
  type SystemEvent,
} from '#telemetry';
import { KillableProcess } from '../watchdog/killable-process.test-support.ts';
import { RecordedTracing } from '../telemetry/tracing/tracing.test-support.ts';
import type { Escalation } from './configuration/omoi-settings.ts';
import type {
  InhibitRule,
  NotificationConfiguration,
  Route,
} from './configuration/notification-configuration.ts';
import type { RoutingInForce } from './groups/routing-in-force.ts';
import { TestPolicies } from './hold/test-policies.test-support.ts';
import { Inhibitor } from './inhibition/inhibitor.ts';
import type { Message } from './message.ts';
import { Notification } from './notification.ts';
import type { NotificationParts, PreparedNotification } from './notification-parts.ts';
import { OnCall } from './on-call/on-call.ts';
import { integrationKey, type RunningIntegration } from './outbox/running-integration.ts';
import type { RemediationOutlook, RoutedTo } from './ports.ts';
import type { Delivery, DeliveryFailure, Integration, SendOptions } from './receivers/integration.ts';
import { TestAlerts } from './test-alerts.test-support.ts';
import { TimeIntervals } from './routing/time-intervals.ts';
import { inhibitionStage } from './stages/inhibition-stage.ts';
import type { MuteStage } from './stages/mute-stage.ts';
import { createMessageTemplates } from './templates/create-message-templates.ts';

const TEMPLATES = createMessageTemplates({ files: [] });

/** Takes messages and answers as it is told. */
export class RecordingReceiver implements Integration {
  readonly type = 'webhook';
  readonly index: number;
  readonly sendResolved: boolean;
  readonly maxAlerts: number;
  readonly timeoutMs = 10_000;
  readonly opensIncidents?: true;
  readonly messages: Message[] = [];
  /** What it answers; delivered where absent. */
  answer: (message: Message, options: SendOptions) => Promise<Delivery> | Delivery = () => DELIVERED;

  constructor({ index = 0, sendResolved = true, maxAlerts = 500, opensIncidents = false } = {}) {
    if (opensIncidents) this.opensIncidents = true;
    this.index = index;
    this.sendResolved = sendResolved;
    this.maxAlerts = maxAlerts;
  }

  async send(message: Message, options: SendOptions): Promise<Delivery> {
    this.messages.push(message);
    return this.answer(message, options);
  }

  /** What it was sent since it was asked before: `first_notification +a -b` (`+` fires, `-` is over). */
  take(): readonly string[] {
    return this.messages
      .splice(0)
      .map(({ reason, alerts }) =>
        [reason, ...alerts.map(({ alertId, status }) => `${status === 'firing' ? '+' : '-'}${alertId}`)].join(
          ' ',
        ),
      );
  }
}

export const DELIVERED: Delivery = { outcome: 'delivered', answer: 'HTTP 200' };

export function failed(
  failure: DeliveryFailure,
  {
    retryable,
    retryAfterMs = null,
    ...others
  }: {
    readonly retryable: boolean;
    readonly retryAfterMs?: number | null;
    readonly isTooLong?: boolean;
    readonly isOpened?: true;
    readonly takenBy?: readonly string[];
  },
): Delivery {
  return { outcome: 'failed', failure, reason: failure, retryable, retryAfterMs, ...others };
}

const SECOND = 1000;

export const NO_SILENCES: NotificationParts['silences'] = {
  alertResolved: () => Promise.resolve(),
  live: () => null,
  onChanged: () => ({ stop: () => undefined }),
};

/** A route to the receiver `team`, grouped by `group`: 10 s, 60 s, an hour. */
export function testRoute(changes: Partial<Route> = {}): Route {
  return {
    id: '{}',
    key: '{}',
    receiver: 'team',
    matchers: [],
    continues: false,
    groupBy: ['group'],
    groupWaitMs: 10 * SECOND,
    groupIntervalMs: 60 * SECOND,
    repeatIntervalMs: 3600 * SECOND,
    muteTimeIntervals: [],
    activeTimeIntervals: [],
    labels: {},
    omoi: {
      holdForRemediationMs: null,
      holdCritical: false,
      criticalBypassesInterval: false,
      escalation: null,
      flapping: null,
    },
    routes: [],
    ...changes,
  };
}

/** What the watchdog would say of each alert; that no policy is for it where absent. */
export type TestOutlook = (alertId: string) => ReturnType<RemediationOutlook['outlookOf']>;

export interface TestConfiguration {
  /** When people can follow links; from the beginning where absent. */
  readonly reachable?: Promise<unknown>;
  readonly outlookOf?: TestOutlook;
  /** Those that all act where absent. */
  readonly policies?: TestPolicies;
  readonly route?: Route;
  /** The label whose values are the groups; `group` where absent. */
  readonly groupedBy?: string;
  /** The integrations of each receiver, by its name. */
  readonly receivers?: Readonly<Record<string, readonly Integration[]>>;
  readonly stages?: readonly MuteStage[];
  readonly escalations?: Readonly<Record<string, Escalation>>;
  readonly intervals?: TimeIntervals;
  readonly inhibitRules?: readonly InhibitRule[];
  readonly silences?: NotificationParts['silences'];
  readonly logger?: Logger;
  /** What the integration of a key is made of; nothing where absent. */
  readonly settingsOf?: (key: string) => unknown;
  /** The receiver that is told in the place of every other one now. */
  readonly onCall?: ((wallMs?: number) => string) | null;
  /** Of every receiver. */
  readonly rateLimit?: RunningIntegration['rateLimit'];
}

/** One route for all, without a tree. */
export function prepared({
  route = testRoute(),
  groupedBy = 'group',
  receivers = {},
  stages = [],
  escalations = {},
  intervals = new TimeIntervals(new Map()),
  inhibitRules = [],
  rateLimit = null,
  onCall = null,
  settingsOf = () => null,
}: TestConfiguration): PreparedNotification {
  const integrations = Object.entries(receivers).flatMap(([receiver, ofReceiver]) =>
    ofReceiver.map((integration): RunningIntegration => ({
      key: integrationKey(receiver, integration),
      receiver,
      note: null,
      rateLimit,
      integration,
      settings: settingsOf(integrationKey(receiver, integration)),
    })),
  );
  const routesOf = (labels: Labels): readonly RoutedTo[] => {
    const value = labelValue(labels, groupedBy);
    const groupKey = `${route.key}:{${groupedBy}="${value}"}`;
    return [{ route, groupKey, groupLabels: { [groupedBy]: value } }];
  };
  const inhibitor = new Inhibitor(inhibitRules);
  const routing: RoutingInForce = {
    router: { routesOf },
    holds: route.omoi.holdForRemediationMs !== null,
    stages: [...stages, inhibitionStage((alert) => inhibitor.inhibitedBy(alert))],
    integrationsOf: (name, wallMs) =>
      integrations.filter(({ receiver }) => receiver === (onCall === null ? name : onCall(wallMs))),
    integrationByKey: (key) => integrations.find((running) => running.key === key) ?? null,
  };
  // Of the configuration nothing but its receivers is asked here.
  const configuration = {
    receivers: new Map(),
    omoi: { escalations: new Map(Object.entries(escalations)) },
    templates: TEMPLATES,
  } as unknown as NotificationConfiguration;
  return {
    configuration,
    integrations,
    routing,
    inhibitor,
    intervals,
    heartbeat: null,
    onCall: new OnCall({
      omoi: { onCall: new Map(), people: new Map() },
      intervals,
      overrides: { at: () => null, list: () => [] },
    }),
  };
}

export interface NotificationStage {
  readonly clock: VirtualClock;
  readonly database: StateDatabase;
  readonly alerts: TestAlerts;
  notification: Notification;
  metrics: SelfMetrics;
  events(): Promise<readonly SystemEvent[]>;
  /** Something else happens: what other parts tell of. */
  tell(...events: readonly NewSystemEvent[]): Promise<void>;
  /** The process ends in order, and another begins. */
  restart(configuration?: TestConfiguration): Promise<void>;
  /** The process dies after so many more commits of its own; 0: now. What it asks for after that is neither done nor answered. */
  killAfterCommits(count: number): void;
  readonly isDead: boolean;
  /** Another process takes the place of one that is dead. */
  revive(configuration?: TestConfiguration): Promise<void>;
  close(): Promise<void>;
}

/** @param around what lies between notification and its database: to delay, to fail */
export async function openNotificationStage(
  configuration: TestConfiguration,
  around: (database: StateDatabase) => StateDatabase = (database) => database,
): Promise<NotificationStage> {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock, 'none');
  const append: EventBus['append'] = (tx, ...events) => running.bus.append(tx, ...events);
  const alerts = new TestAlerts(database, clock, append);
  const begin = async (asked: TestConfiguration) => {
    const outlookOf: TestOutlook =
      asked.outlookOf ?? (() => ({ acts: false, reason: 'no policy is for it' }));
    const { policies = new TestPolicies() } = asked;
    const victim = new KillableProcess();
    const metrics = new SelfMetrics();
    const base = {
      clock: await takeUpState(database, clock),
      random: createSeededRandom(1),
      logger: asked.logger ?? silentLogger,
      metrics,
      database: around(victim.database(database)),
    };
    const bus = createEventBus(base);
    const notification = new Notification(
      {
        ...base,
        bus,
        tracing: new RecordedTracing(),
        alerts,
        remediations: {
          outlookOf: (event) => outlookOf(event.payload.alert_id),
          whyNotActing: (policy) => policies.whyNotActing(policy),
          onPoliciesChanged: (listener) => policies.onPoliciesChanged(listener),
        },
        evaluatesRules: () => null,
        silences: asked.silences ?? NO_SILENCES,
        externalUrl: () => 'http://omoi.test',
        acknowledgeAllOf: (id, { named }) =>
          `http://omoi.test/n/${id}${named === undefined ? '' : `/first/${named}`}`,
        ...(asked.reachable && { reachable: asked.reachable }),
        linksOf: ({ alertId }) => ({
          alert: `http://omoi.test/alerts/${alertId}`,
          acknowledge: '',
          silence: '',
          trace: null,
        }),
      },
      prepared(asked),
    );
    await notification.start();
    return { victim, metrics, bus, notification };
  };
  let running = await begin(configuration);
  const stage: NotificationStage = {
    clock,
    database,
    alerts,
    notification: running.notification,
    metrics: running.metrics,
    events: () => running.bus.list({ limit: 1000 }),
    tell: (...told) => database.transaction((tx) => append(tx, ...told)),
    async restart(asked = configuration) {
      const old = running;
      await old.notification.stop();
      await old.bus.stop();
      running = await begin(asked);
      stage.notification = running.notification;
      stage.metrics = running.metrics;
    },
    killAfterCommits(count) {
      if (count === 0) running.victim.kill();
      else running.victim.killAfterCommits(count);
    },
    get isDead() {
      return running.victim.isDead;
    },
    async revive(asked = configuration) {
      // What hangs in a dead process hangs for ever: nobody waits for it.
      void running.notification.stop();
      void running.bus.stop();
      await running.victim.settled();
      running = await begin(asked);
      stage.notification = running.notification;
      stage.metrics = running.metrics;
    },
    async close() {
      if (running.victim.isDead) await stage.revive();
      await running.notification.stop();
      await running.bus.stop();
      await database.close();
    },
  };
  return stage;
}

/** Notification for each test of a file, and the one receiver that it tells where nothing else is asked for. */
export interface TestNotification {
  /** The one that is open, which is closed behind the test. */
  stage: NotificationStage;
  readonly open: (configuration?: TestConfiguration) => Promise<RecordingReceiver>;
  readonly pass: (ms: number) => Promise<void>;
}

export function useTestNotification(): TestNotification {
  let opened: NotificationStage | null = null;
  const test: TestNotification = {
    get stage() {
      if (!opened) throw new Error('the stage is opened within a test');
      return opened;
    },
    set stage(stage) {
      opened = stage;
    },
    async open(configuration = {}) {
      const team = new RecordingReceiver();
      opened = await openNotificationStage({ receivers: { team: [team] }, ...configuration });
      return team;
    },
    pass: (ms) => test.stage.clock.advance(ms),
  };
  afterEach(async () => {
    await opened?.close();
    opened = null;
  });
  return test;
}
