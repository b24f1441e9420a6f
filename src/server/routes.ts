import {
  BodyBudget,
  registerAgentRoutes,
  registerAlertmanagerRoutes,
  registerAlertRoutes,
  registerEventRoutes,
  registerLinkRoutes,
  registerLockRoutes,
  registerMaintenanceRoutes,
  registerMonitorRoutes,
  registerNotificationRoutes,
  registerObservabilityRoutes,
  registerOnCallRoutes,
  registerOtlpRoutes,
  registerOutputRoute,
  registerOverviewRoute,
  registerPoolRoutes,
  registerPrometheusQueryRoutes,
  registerPrometheusRuleRoutes,
  registerPrometheusSeriesRoutes,
  registerPrometheusStatusRoutes,
  registerReloadRoutes,
  registerRoutingRoutes,
  registerRemoteWriteRoutes,
  registerRuleSourceRoutes,
  registerSilenceRoutes,
  registerTaskRoutes,
  registerWatchdogRoutes,
  registerWhyRoute,
  type ApiApp,
  type Reloaded,
  type ServerFacts,
} from '#api';
import { encodeError, encodingOf } from '#ingest';
import type { AgentOutput } from '#fleet';
import { formatMatcher, isLabelName, parseMatcher, silenceStateAt } from '#notification';
import type { LogStore, SpanStore } from '#observability';
import { queryLanguage as language } from '#promql';
import { parseLabels, type Clock, type SelfMetrics, type SteadyClock } from '#telemetry';
import type { Tsdb } from '#tsdb';
import type { Ingest } from './ingest.ts';
import type { Parts } from './parts.ts';

export interface ServedParts {
  readonly parts: Parts;
  readonly clock: Clock;
  /** The time of queries that name none: that of the newest samples. */
  readonly sampleClock: SteadyClock;
  readonly spans: SpanStore;
  readonly logs: LogStore;
  readonly output: AgentOutput;
  readonly ingest: Ingest;
  readonly tsdb: Tsdb;
  readonly facts: ServerFacts;
  readonly maxIngestBytes: number;
  readonly metrics: SelfMetrics;
  readonly warnings: () => readonly { readonly key: string; readonly message: string }[];
  readonly reload: () => Promise<Reloaded>;
}

/** The routes of all parts. */
export function registerRoutes(app: ApiApp, served: ServedParts): void {
  const { parts, clock, sampleClock, spans, logs, ingest, tsdb, facts, maxIngestBytes, metrics, reload } =
    served;
  registerAgentRoutes(app, { fleet: parts.fleet, clock });
  registerOutputRoute(app, served);
  registerTaskRoutes(app, parts);
  registerWhyRoute(app, { ...parts, clock });
  registerLockRoutes(app, parts);
  registerPoolRoutes(app, parts);
  registerMonitorRoutes(app, parts.monitor);
  registerAlertRoutes(app, { ...parts, clock });
  registerRuleSourceRoutes(app, { sources: parts.ruleSources(reload), clock });
  registerNotificationRoutes(app, parts);
  registerLinkRoutes(app, parts);
  registerOnCallRoutes(app, {
    overrides: parts.onCallOverrides,
    onCall: () => parts.notification.onCall,
    clock,
  });
  const notificationLanguage = {
    parseMatcher: (text: string) =>
      parseMatcher(text, { mode: parts.notification.configuration.omoi.matcherMode }),
    formatMatcher,
    isLabelName,
    silenceStateAt,
  };
  registerRoutingRoutes(app, { ...parts, parseMatcher: notificationLanguage.parseMatcher });
  registerAlertmanagerRoutes(app, {
    view: parts.alertmanagerView,
    posted: parts.alerting.posted,
    silences: parts.silences,
    language: notificationLanguage,
    clock,
    version: facts.version,
  });
  registerSilenceRoutes(app, {
    silences: parts.silences,
    notification: parts.notification,
    language: notificationLanguage,
    labelsOfAlert: async (alertId) => parseLabels((await parts.alerting.alerts.get(alertId)).labels),
    clock,
  });
  registerPrometheusRuleRoutes(app, { alerting: parts.alerting, language });
  const { engine } = parts;
  registerPrometheusQueryRoutes(app, { engine, language, queryable: tsdb, clock: sampleClock });
  registerPrometheusSeriesRoutes(app, { engine, language, store: tsdb });
  registerPrometheusStatusRoutes(app, { store: tsdb, facts, clock });
  registerWatchdogRoutes(app, parts);
  registerMaintenanceRoutes(app, { watchdog: parts.watchdog, clock });
  registerOverviewRoute(app, { ...parts, sampleClock, warnings: served.warnings });
  registerObservabilityRoutes(app, { spans, logs });
  registerEventRoutes(app, { events: parts.bus });
  registerReloadRoutes(app, { reload });
  const bodies = new BodyBudget(maxIngestBodyBytes, metrics);
  registerOtlpRoutes(app, {
    receiver: ingest.otlp,
    encodingOf,
    encodeError,
    maxBodyBytes: maxIngestBytes,
    maxDecodedBytes: maxIngestBytes * MAX_COMPRESSION,
    bodies: bodies.part(maxOtlpBodyBytes),
  });
  registerRemoteWriteRoutes(app, { receiver: ingest.remoteWrite, maxBodyBytes: maxIngestBytes, bodies });
}

/** The bodies of all ingest requests that are in memory at once: as they came, decompressed, and read from JSON. */
const maxIngestBodyBytes = 192 * 1024 * 1024;
/**
 * Of which those of OTLP: one that is as large as can be fits, with what it becomes from JSON, which is hardly more than
 * itself, and remote write always finds room.
 */
const maxOtlpBodyBytes = 160 * 1024 * 1024;
/** How much larger than the limit of its body a request may become when it is decompressed. */
const MAX_COMPRESSION = 4;
