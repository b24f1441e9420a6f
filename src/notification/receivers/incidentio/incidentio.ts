import { z } from 'zod';
import type { Labels } from '#telemetry';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  checkedBy,
  filePath,
  flag,
  goDuration,
  secret,
  sendResolved,
  atMostOne,
  url,
  wholeNumber,
} from '../../configuration/setting-schemas.ts';
import type { Message, MessageAlert } from '../../message.ts';
import { attempt, judgeAnswer } from '../answers.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  ownHttpSettings,
  settingOf,
} from '../http-calls.ts';
import type { HttpAnswer, HttpClientSettings } from '../http/http-client.ts';
import type { SendOptions } from '../integration.ts';
import { jsonOf, textIn } from '../json-answers.ts';
import type { IntegrationTools, ReceiverKind, SettingsProblem } from '../receiver-kind.ts';
import { truncateBytes } from '../truncation.ts';
import { webhookPayload, type PayloadForm } from '../webhook/webhook-payload.ts';

/** What incident.io takes of a body; what is longer it answers with 429. */
const maxPayloadBytes = 512 * 1_024;

const settingsSchema = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    url: url(),
    url_file: filePath(),
    alert_source_token: secret(),
    alert_source_token_file: filePath(),
    /** 0: as many as there are. */
    max_alerts: wholeNumber(defaultMaxAlerts, { min: 0 }),
    timeout: goDuration(0),
    /** Omoi's own key. */
    'x-omoi': z.strictObject({ links: flag() }).nullish(),
  })
  .superRefine(
    checkedBy((settings) => [
      ...(settings.url === null && settings.url_file === null ? [MISSING_URL] : []),
      ...atMostOne(settings, 'url', 'url_file'),
      ...atMostOne(settings, 'alert_source_token', 'alert_source_token_file'),
      ...tokenProblems(settings),
    ]),
  );

type IncidentioSettings = z.output<typeof settingsSchema>;

const MISSING_URL: SettingsProblem = { path: [], message: 'one of url or url_file must be configured' };

interface Tokens {
  readonly http_config: HttpClientSettings | null;
  readonly alert_source_token: string | null;
  readonly alert_source_token_file: string | null;
}

/** Where nothing is said of `http_config` it is the global one, which may have an authorization. */
function tokenProblems(settings: Tokens): readonly SettingsProblem[] {
  const { http_config: http, alert_source_token: token, alert_source_token_file: file } = settings;
  const hasToken = token !== null || file !== null;
  if (http?.authorization !== undefined && hasToken) {
    const message =
      'cannot specify alert_source_token or alert_source_token_file when using http_config.authorization';
    return [{ path: [token === null ? 'alert_source_token_file' : 'alert_source_token'], message }];
  }
  if (http === null || http.authorization !== undefined || hasToken) return [];
  const message =
    'at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured';
  return [{ path: [], message }];
}

/** `incidentio_configs`: Alertmanager's payload to an alert source (as Alertmanager 0.34 sends it). */
export const incidentioReceiver: ReceiverKind<IncidentioSettings> = {
  key: 'incidentio_configs',
  type: 'incidentio',
  addressKeys: ['url', 'url_file', 'alert_source_token', 'alert_source_token_file'],
  opensIncidents: true,
  settings: settingsSchema,
  complete: (settings, global) => ({
    settings: { ...settings, http_config: ownHttpSettings(settings.http_config, global.http_config) },
  }),
  templatedFields: () => [],
  create(settings, index, tools) {
    const http = httpSettingsOf(settings);
    return {
      type: 'incidentio',
      index,
      sendResolved: settings.send_resolved,
      maxAlerts: settings.max_alerts === 0 ? Number.MAX_SAFE_INTEGER : settings.max_alerts,
      timeoutMs: settings.timeout > 0 ? settings.timeout : defaultTimeoutMs,
      send: (message, options) =>
        attempt(() => sendToIncidentio(message, options, { settings, http, tools })),
    };
  },
};

/** The token of the alert source stands in the place of whatever the global block says. */
function httpSettingsOf(settings: IncidentioSettings): HttpClientSettings {
  const http = completedHttpSettings(settings);
  const { alert_source_token: token, alert_source_token_file: file } = settings;
  if (token === null && file === null) return http;
  const credentials = file === null ? { credentials: token ?? '' } : { credentials_file: file };
  return { ...http, authorization: { type: 'Bearer', ...credentials } };
}

interface Sender {
  readonly settings: IncidentioSettings;
  readonly http: HttpClientSettings;
  readonly tools: IntegrationTools;
}

async function sendToIncidentio(
  message: Message,
  { signal }: SendOptions,
  { settings, http, tools }: Sender,
) {
  const answer = await tools.http.request({
    method: 'POST',
    url: await settingOf(settings.url, settings.url_file, tools),
    headers: { 'content-type': 'application/json' },
    body: await payloadOf(message, tools, settings['x-omoi']?.links === true ? '1 with links' : '1'),
    signal,
    settings: http,
  });
  return judgeAnswer(answer, tools.clock, { details: detailsOf });
}

/** How many bytes the texts of an alert have at most. */
interface TextLimits {
  /** 0: it has none. */
  readonly annotation: number;
  readonly label: number;
}

/** What is tried, one after the other, until it is short enough. */
const LIMITS: readonly TextLimits[] = [
  { annotation: Infinity, label: Infinity },
  { annotation: 16_384, label: Infinity },
  { annotation: 1_024, label: 1_024 },
  { annotation: 0, label: 64 },
];

/**
 * Of what is too long only the first alert is told, and of its texts the beginning, where it alone is: incident.io makes one alert of a
 * group all the same.
 */
async function payloadOf(
  message: Message,
  { writing }: IntegrationTools,
  form: PayloadForm,
): Promise<readonly Uint8Array[]> {
  let pieces = await webhookPayload(message, writing, form);
  const isTooLong = (): boolean => pieces.reduce((sum, piece) => sum + piece.byteLength, 0) > maxPayloadBytes;
  if (!isTooLong()) return pieces;
  const alerts = message.alerts.slice(0, 1);
  const truncatedAlerts = message.truncatedAlerts + message.alerts.length - alerts.length;
  // Its alert has a link of its own: that of all would acknowledge what nobody has read of.
  const first = { ...message, alerts, truncatedAlerts, acknowledgeAll: null };
  for (const limits of LIMITS) {
    const shortened = first.alerts.map((alert) => withShortTexts(alert, limits));
    pieces = await webhookPayload({ ...first, alerts: shortened }, writing, form);
    if (!isTooLong()) break;
  }
  return pieces;
}

function withShortTexts(alert: MessageAlert, limits: TextLimits): MessageAlert {
  const cut = (texts: Labels, maxBytes: number): Labels =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, truncateBytes(text, maxBytes)]));
  const annotations = limits.annotation === 0 ? {} : cut(alert.annotations, limits.annotation);
  return { ...alert, annotations, labels: cut(alert.labels, limits.label) };
}

function detailsOf(answer: HttpAnswer): string {
  const said = jsonOf(answer);
  const errors: readonly unknown[] = Array.isArray(said?.['errors']) ? said['errors'] : [];
  const listed = errors.map((error) => (typeof error === 'string' ? error : textIn(error, 'message')));
  return [textIn(said, 'message'), textIn(said, 'error'), listed.join(', ')]
    .filter((text) => text !== '')
    .join(': ');
}
