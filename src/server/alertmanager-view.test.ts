import { createAlerting } from '#alerting';
import { createEventBus } from '#eventbus';
import {
  DEFAULT_SILENCE_LIMITS,
  Notification,
  prepareNotification,
  readConfigurationFile,
  Silences,
} from '#notification';
import { createEngine } from '#promql';
import { openTestStateDatabase } from '#storage';
import { createSeededRandom, nextTurn, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { createTsdb } from '#tsdb';
import {
  describeAlertmanagerView,
  VIEWED_CONFIGURATION,
  type ViewStage,
} from '../api/alertmanager/alertmanager-view.suite.test-support.ts';
import { RemediationArchive } from '#watchdog';
import { RecordedTracing } from '../telemetry/tracing/tracing.test-support.ts';
import { createAlertmanagerView } from './alertmanager-view.ts';
import { createNotifiedAlerts } from './notified-alerts.ts';
import { noReceiverNetwork } from './routing.ts';

/** The real parts, from what is posted to what is shown. */
async function openRealView(): Promise<ViewStage> {
  const clock = new VirtualClock(Date.UTC(2026, 10, 30, 12));
  const database = await openTestStateDatabase(clock, 'none');
  const random = createSeededRandom(1);
  const metrics = new SelfMetrics();
  const base = { database, clock, random, metrics, logger: silentLogger, tracing: new RecordedTracing() };
  const bus = createEventBus(base);
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: metrics });
  const engine = createEngine({ clock });
  const alerting = createAlerting({ ...base, bus, engine, source: tsdb, sink: tsdb, options: {} });
  const silences = new Silences({ ...base, bus, limits: DEFAULT_SILENCE_LIMITS });
  const alerts = createNotifiedAlerts({
    database,
    remediations: new RemediationArchive(database),
    externalUrl: () => 'http://omoi.test',
  });
  const network = noReceiverNetwork(clock, random);
  const configuration = await readConfigurationFile(
    { name: 'alertmanager.yml', text: VIEWED_CONFIGURATION, directory: '/' },
    { files: network.files },
  );
  const notification = new Notification(
    {
      ...base,
      bus,
      silences,
      alerts,
      evaluatesRules: () => null,
      remediations: {
        outlookOf: () => ({ acts: false, reason: 'no policy is for it' }),
        whyNotActing: () => null,
        onPoliciesChanged: () => ({ stop: () => undefined }),
      },
      externalUrl: () => 'http://omoi.test',
      acknowledgeAllOf: () => '',
      linksOf: () => ({ alert: '', acknowledge: '', silence: '', trace: null }),
    },
    prepareNotification(configuration, {
      logger: silentLogger,
      toolsOf: (one) => network.toolsOf(one),
      maintenanceOf: () => null,
      silences: {
        silencesOf: (labels, wallMs) => silences.silencesOf(labels, wallMs),
        lookUp: (labels) => silences.lookUp(labels),
      },
      overrides: { at: () => null, list: () => [] },
      clock,
    }),
  );
  await alerting.start();
  await silences.start();
  await notification.start();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  };
  return {
    view: createAlertmanagerView({ notification, silences, alerts, clock, startedAtMs: clock.wallMs() }),
    posted: {
      async take(posts, from) {
        const problems = await alerting.posted.take(posts, from);
        await settle();
        return problems;
      },
    },
    silences,
    wallMs: () => clock.wallMs(),
    async advance(ms) {
      await clock.advance(ms);
      await settle();
    },
    async close() {
      await notification.stop();
      await silences.stop();
      await alerting.stop();
      await bus.stop();
      await tsdb.stop();
      await database.close();
    },
  };
}

describeAlertmanagerView('notification', openRealView);
