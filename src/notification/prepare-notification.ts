import { SharedStretch, type Clock, type Labels, type Logger } from '#telemetry';
import type {
  ConfiguredReceiver,
  NotificationConfiguration,
  Route,
} from './configuration/notification-configuration.ts';
import { Inhibitor } from './inhibition/inhibitor.ts';
import type { PreparedNotification } from './notification-parts.ts';
import { OnCall } from './on-call/on-call.ts';
import type { OnCallOverrides } from './on-call/on-call-overrides.ts';
import { integrationKey, type RunningIntegration } from './outbox/running-integration.ts';
import { createIntegration } from './receivers/create-integration.ts';
import type { Integration } from './receivers/integration.ts';
import { createLogIntegration } from './receivers/log/log-integration.ts';
import type { IntegrationTools, ReceiverMeans } from './receivers/receiver-kind.ts';
import { createRouter } from './routing/router.ts';
import { TimeIntervals } from './routing/time-intervals.ts';
import { inhibitionStage } from './stages/inhibition-stage.ts';
import { maintenanceStage } from './stages/maintenance-stage.ts';
import { silenceStage, type SilenceLookUp } from './stages/silence-stage.ts';
import { snoozeStage } from './stages/snooze-stage.ts';
import { timeStage } from './stages/time-stage.ts';
import { pacedTemplates } from './templates/message-templates.ts';

export interface PreparationTools {
  readonly logger: Logger;
  /** What the integrations of a configuration are made with. */
  readonly toolsOf: (configuration: NotificationConfiguration) => ReceiverMeans;
  readonly silences: SilenceLookUp;
  /** The id of the maintenance that runs for what labels are about; null without one. */
  readonly maintenanceOf: (labels: Labels) => string | null;
  readonly overrides: Pick<OnCallOverrides, 'at' | 'list'>;
  readonly clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
}

/** Makes of a configuration all that is needed for it to be in force. */
export function prepareNotification(
  configuration: NotificationConfiguration,
  tools: PreparationTools,
): PreparedNotification {
  const writing = new SharedStretch(tools.clock);
  const templates = pacedTemplates(configuration.templates, writing);
  const integrationTools = { ...tools.toolsOf(configuration), templates, writing };
  const byReceiver = runningIntegrations(configuration, { logger: tools.logger, integrationTools });
  const { global, omoi } = configuration;
  const byKey = new Map([...byReceiver.values()].flat().map((running) => [running.key, running]));
  const inhibitor = new Inhibitor(configuration.inhibitRules);
  const intervals = new TimeIntervals(configuration.timeIntervals);
  const onCall = new OnCall({ omoi: configuration.omoi, intervals, overrides: tools.overrides });
  return {
    configuration,
    onCall,
    heartbeat: omoi.deadMansSwitch && {
      ...omoi.deadMansSwitch,
      http: integrationTools.http,
      settings: global.http_config,
    },
    integrations: [...byKey.values()],
    inhibitor,
    intervals,
    routing: {
      router: createRouter(configuration.route),
      holds: holdsAnywhere(configuration.route),
      stages: [
        inhibitionStage((alert) => inhibitor.inhibitedBy(alert)),
        timeStage(intervals),
        silenceStage(tools.silences),
        maintenanceStage(tools.maintenanceOf),
        snoozeStage,
      ],
      integrationByKey: (key) => byKey.get(key) ?? null,
      integrationsOf: (receiver, wallMs = tools.clock.wallMs()) => {
        const schedule = configuration.receivers.get(receiver)?.omoi.onCall ?? null;
        const person = schedule === null ? null : onCall.at(schedule, wallMs);
        // While nobody is on call the receiver itself is told.
        return byReceiver.get(person?.receiver ?? receiver) ?? [];
      },
    },
  };
}

function holdsAnywhere({ omoi, routes }: Route): boolean {
  return omoi.holdForRemediationMs !== null || routes.some(holdsAnywhere);
}

type ByReceiver = ReadonlyMap<string, readonly RunningIntegration[]>;

interface RunningTools {
  readonly logger: Logger;
  readonly integrationTools: IntegrationTools;
}

function runningIntegrations(
  configuration: NotificationConfiguration,
  { logger, integrationTools }: RunningTools,
): ByReceiver {
  const made = new Map<string, readonly Integration[]>();
  for (const receiver of configuration.receivers.values()) {
    made.set(
      receiver.name,
      receiver.integrations.flatMap(
        ({ kind, ...configured }) => createIntegration(kind, configured, integrationTools) ?? [],
      ),
    );
  }
  const log = createLogIntegration(logger);
  const isSilent = [...configuration.receivers.values()].every(
    ({ integrations }) => integrations.length === 0,
  );
  const running = new Map<string, readonly RunningIntegration[]>();
  for (const receiver of configuration.receivers.values()) {
    const own = made.get(receiver.name) ?? [];
    running.set(receiver.name, [
      ...(isSilent ? [log] : own).map((integration) => ({
        key: integrationKey(receiver.name, integration),
        receiver: receiver.name,
        note: null,
        rateLimit: isSilent ? null : rateLimitOf(receiver, integration),
        integration,
        settings: configuredOf(receiver, integration)?.settings ?? null,
      })),
      ...inPlaceOfUnbuilt(receiver, { configuration, made, log }),
    ]);
  }
  return running;
}

/** That of the receiver; none where each group is an incident, which nothing but messages about the group would close. */
function rateLimitOf(
  receiver: ConfiguredReceiver,
  integration: Integration,
): RunningIntegration['rateLimit'] {
  return integration.opensIncidents === true ? null : receiver.omoi.rateLimit;
}

/** As it is written in a receiver; null for the log, which is in none. */
function configuredOf(
  { integrations }: ConfiguredReceiver,
  { type, index }: Integration,
): ConfiguredReceiver['integrations'][number] | null {
  return integrations.find((one) => one.kind.type === type && one.index === index) ?? null;
}

interface Made {
  readonly configuration: NotificationConfiguration;
  readonly made: ReadonlyMap<string, readonly Integration[]>;
  readonly log: Integration;
}

/** What is for an integration that Omoi does not send to goes to the fallback receiver, or to the log, and says so. */
function inPlaceOfUnbuilt(
  receiver: ConfiguredReceiver,
  { configuration, made, log }: Made,
): readonly RunningIntegration[] {
  const { fallbackReceiver } = configuration.omoi;
  const fallback = configuration.receivers.get(fallbackReceiver ?? '');
  return receiver.integrations.flatMap(({ kind, index }) => {
    if (kind.create) return [];
    const meant = integrationKey(receiver.name, { type: kind.type, index });
    const told = made.get(fallbackReceiver ?? '') ?? [];
    const instead = told.length > 0 ? told : [log];
    return instead.map((integration): RunningIntegration => ({
      key: `${meant}>${integrationKey(fallbackReceiver ?? 'log', integration)}`,
      receiver: fallbackReceiver ?? receiver.name,
      rateLimit: fallback ? rateLimitOf(fallback, integration) : null,
      note: `This is for ${meant}, which Omoi does not send to yet.`,
      integration,
      settings: fallback ? (configuredOf(fallback, integration)?.settings ?? null) : null,
    }));
  });
}
