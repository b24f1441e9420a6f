import { z } from 'zod';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  checkedBy,
  filePath,
  goDuration,
  secret,
  sendResolved,
  atMostOne,
  url,
  wholeNumber,
} from '../../configuration/setting-schemas.ts';
import type { Message } from '../../message.ts';
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
import { webhookPayload } from '../webhook/webhook-payload.ts';

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
    body: await payloadOf(message, tools),
    signal,
    settings: http,
  });
  return judgeAnswer(answer, tools.clock, { details: detailsOf });
}

/** Of what is too long only the first alert is told: incident.io makes one alert of a group all the same. */
async function payloadOf(message: Message, { writing }: IntegrationTools): Promise<readonly Uint8Array[]> {
  const pieces = await webhookPayload(message, writing, '1');
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  if (bytes <= maxPayloadBytes || message.alerts.length === 1) return pieces;
  const truncatedAlerts = message.truncatedAlerts + message.alerts.length - 1;
  return webhookPayload({ ...message, alerts: message.alerts.slice(0, 1), truncatedAlerts }, writing, '1');
}

function detailsOf(answer: HttpAnswer): string {
  const said = jsonOf(answer);
  const errors: readonly unknown[] = Array.isArray(said?.['errors']) ? said['errors'] : [];
  const listed = errors.map((error) => (typeof error === 'string' ? error : textIn(error, 'message')));
  return [textIn(said, 'message'), textIn(said, 'error'), listed.join(', ')]
    .filter((text) => text !== '')
    .join(': ');
}
