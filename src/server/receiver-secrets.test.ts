import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createSeededRandom, createSystemClock, SharedStretch, type Logger } from '#telemetry';
import { registerNotificationRoutes } from '../api/notification/notification-routes.ts';
import { startTestApi } from '../api/api.test-support.ts';
import { read } from '../notification/configuration/reading.test-support.ts';
import {
  openNotificationStage,
  testRoute,
  type NotificationStage,
} from '../notification/notification.test-support.ts';
import type { Integration } from '../notification/receivers/integration.ts';
import { createCheckedNetwork } from '../notification/receivers/http/checked-lookup.ts';
import { createHttpClient } from '../notification/receivers/http/create-http-client.ts';
import { createPushoverReceiver } from '../notification/receivers/pushover/pushover.ts';
import {
  ReceiverServer,
  type ReceivedRequest,
  type Reply,
} from '../notification/receivers/receiver-server.test-support.ts';
import { pacedTemplates } from '../notification/templates/message-templates.ts';

/** Each secret of the file begins so, and goes on as no other does. */
const MARK = 'SECRET';

/** Every kind that is built, with a secret in each of its fields that are secret, for a server at an address. */
function configurationFor(at: string): string {
  const anyone = `send_resolved: true`;
  return `global:
  smtp_smarthost: 127.0.0.1:1
  smtp_from: omoi@example.org
  smtp_auth_username: omoi
  smtp_auth_password: ${MARK}-smtp-password
  smtp_auth_secret: ${MARK}-smtp-secret
  wechat_api_secret: ${MARK}-wechat
route: { receiver: team }
receivers:
  - name: team
    webhook_configs:
      - { ${anyone}, url: '${at}/hooks/${MARK}-hook?token=${MARK}-query', http_config: { authorization: { credentials: ${MARK}-bearer } } }
      - { ${anyone}, url: 'http://omoi:${MARK}-userinfo@${at.slice(7)}/hooks/${MARK}-hook2', http_config: { http_headers: { X-Key: { secrets: [${MARK}-header] } } } }
      - { ${anyone}, url: '${at}/x', http_config: { oauth2: { client_id: omoi, client_secret: ${MARK}-oauth, token_url: '${at}/token' } } }
      - { ${anyone}, url: '${at}/y', http_config: { basic_auth: { username: omoi, password: ${MARK}-basic } }, x-omoi: { signing_secret: ${MARK}-signing } }
      - { ${anyone}, url: 'http://127.0.0.1:1/hooks/${MARK}-hook3' }
      - { ${anyone}, url: 'http://169.254.169.254/hooks/${MARK}-hook4' }
      - { ${anyone}, url: 'https://${at.slice(7)}/hooks/${MARK}-hook5' }
    slack_configs:
      - { api_url: '${at}/services/T0/B0/${MARK}-slack-hook', channel: c }
      - { app_token: xoxb-${MARK}-slack-token, app_url: '${at}/api/chat.postMessage', channel: c }
    discord_configs: [{ webhook_url: '${at}/api/webhooks/1/${MARK}-discord' }]
    msteamsv2_configs: [{ webhook_url: '${at}/workflows/a?sig=${MARK}-teams' }]
    mattermost_configs: [{ webhook_url: '${at}/hooks/${MARK}-mattermost', channel: c }]
    telegram_configs: [{ api_url: '${at}', bot_token: '1:${MARK}-telegram', chat_id: -1 }]
    opsgenie_configs: [{ api_url: '${at}', api_key: ${MARK}-opsgenie }]
    victorops_configs: [{ api_url: '${at}/alert', api_key: ${MARK}-victorops, routing_key: web }]
    webex_configs: [{ api_url: '${at}/v1/messages', room_id: r, http_config: { authorization: { credentials: ${MARK}-webex } } }]
    pushover_configs: [{ token: ${MARK}-push-token, user_key: ${MARK}-push-user }]
    rocketchat_configs: [{ api_url: '${at}', token: ${MARK}-rocket-token, token_id: ${MARK}-rocket-user, channel: c }]
    jira_configs: [{ api_url: '${at}/rest/api/2', project: OPS, issue_type: Bug, http_config: { basic_auth: { username: omoi, password: ${MARK}-jira } } }]
    incidentio_configs: [{ url: '${at}/v2/alert_events', alert_source_token: ${MARK}-incident }]
    pagerduty_configs:
      - { url: '${at}/v2/enqueue', routing_key: ${MARK}-pagerduty }
      - { url: '${at}/v1/create', service_key: ${MARK}-pagerduty-service }
    email_configs: [{ to: ops@example.org, require_tls: false }]
    x-omoi:
      command_configs: [{ command: /nowhere/program, environment: { TOKEN: ${MARK}-command } }]
x-omoi:
  allowed_commands: [/nowhere/program]
  dead_mans_switch: { url: '${at}/ping/${MARK}-heartbeat' }
`;
}

/**
 * The secrets that a service was sent, as a careless one repeats them: as they came, and what they mean. Nothing else, since no more than
 * the beginning of an answer is kept.
 */
function repeated({ method, path, headers, body }: ReceivedRequest): string {
  const basic = /^Basic (.*)$/.exec(headers['authorization'] ?? '')?.[1] ?? '';
  const meant = Buffer.from(basic, 'base64').toString('utf8');
  const sent = [...Object.values(headers), meant, path, decodeURIComponent(path), body].join(' ');
  const secrets = sent.match(new RegExp(`[\\w:-]*${MARK}[\\w-]*`, 'g')) ?? [];
  return `${method} refused: ${[...new Set(secrets), basic].join(' ')}`;
}

function telling(status: number, request: ReceivedRequest): Reply {
  const text = repeated(request);
  const body = { ok: false, success: false, error: text, message: text, description: text, errors: [text] };
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

const server = new ReceiverServer();
beforeAll(() => server.open());
afterAll(() => server.close());
beforeEach(() => server.reset());

const WAYS: readonly (readonly [string, (request: ReceivedRequest) => Reply | 'hang up'])[] = [
  ...[200, 400, 401, 404, 429, 500].map((status) => {
    return [`HTTP ${status} with all of it`, (request: ReceivedRequest) => telling(status, request)] as const;
  }),
  ['a text with all of it', (request) => ({ status: 400, body: repeated(request) })],
  ['a dropped connection', () => 'hang up'],
  [
    'a redirect to what is not called',
    ({ path }) => ({ status: 307, headers: { location: `http://169.254.169.254${path}` } }),
  ],
];

async function integrationsOf(text: string): Promise<readonly Integration[]> {
  const clock = createSystemClock();
  const random = createSeededRandom(1);
  const readSecret = () => Promise.reject(new Error('there is no file'));
  const network = createCheckedNetwork([]);
  const http = createHttpClient({ clock, random, readSecret, environment: {}, network, userAgent: 'Omoi' });
  const { receivers, templates: configured } = await read(text);
  const writing = new SharedStretch(clock);
  const templates = pacedTemplates(configured, writing);
  const pushover = createPushoverReceiver(() => `${server.addressAs()}/1/messages.json`);
  return [...receivers.values()].flatMap(({ integrations }) =>
    integrations.flatMap(({ kind, settings, index }) => {
      const meant = kind.type === 'pushover' ? { create: pushover.create as typeof kind.create } : kind;
      const made = meant.create?.(settings, index, {
        clock,
        random,
        templates,
        writing,
        http,
        network,
        readSecret,
      });
      return made ? [made] : [];
    }),
  );
}

async function settled(stage: NotificationStage, count: number): Promise<void> {
  await stage.alerts.fire({ a: { alertname: 'A', group: 'one' } });
  await stage.clock.advance(11_000);
  await expect
    .poll(
      async () => {
        const rows = await stage.database.reader.selectFrom('notifications').selectAll().execute();
        return rows.filter(({ attempts, state }) => attempts > 0 || state !== 'pending').length;
      },
      { timeout: 60_000 },
    )
    .toBe(count);
  await stage.notification.decisions.settled();
}

/** What the API answers about an alert and its messages. */
async function apiAnswers({ notification }: NotificationStage): Promise<readonly string[]> {
  const alerting = {
    alerts: { get: () => Promise.resolve({}) },
    handling: { newestComments: () => Promise.resolve({ count: 0, newest: [] }) },
  };
  const api = await startTestApi({
    register: (app) => registerNotificationRoutes(app, { notification, alerting }),
  });
  try {
    const paths = ['a/explain', 'notifications', 'receivers'];
    return await Promise.all(
      paths.map(async (path) => {
        const headers = { host: 'localhost', ...api.as('admin') };
        const answer = await api.app.inject({ method: 'GET', url: `/api/v1/alerts/${path}`, headers });
        expect(answer.statusCode).toBe(200);
        return answer.payload;
      }),
    );
  } finally {
    await api.close();
  }
}

it('no secret of a configuration is shown with it', async () => {
  const text = configurationFor('http://receiver.test');
  const { shown } = await read(text);
  expect(shown.match(/<secret>/g)?.length).toBeGreaterThan(30);
  expect(shown).not.toContain(MARK);
});

it.each(WAYS)('no secret is kept, logged or told where a receiver answers by %s', async (_, reaction) => {
  server.reaction = reaction;
  const integrations = await integrationsOf(configurationFor(server.addressAs()));
  const lines: unknown[] = [];
  const log = (fields: object, message: string): void => {
    lines.push({ ...fields, message });
  };
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const stage = await openNotificationStage({
    route: testRoute(),
    receivers: { team: integrations },
    logger,
  });
  try {
    await settled(stage, integrations.length);
    expect(server.received.length).toBeGreaterThan(10);
    const { reader } = stage.database;
    const kept = [
      ...(await reader.selectFrom('notifications').selectAll().execute()),
      ...(await reader.selectFrom('notification_decisions').selectAll().execute()),
      ...(await reader.selectFrom('notification_log').selectAll().execute()),
    ];
    const told = {
      kept,
      lines,
      events: await stage.events(),
      explained: await stage.notification.explain('a'),
      api: await apiAnswers(stage),
    };
    const texts = JSON.stringify(told);
    expect(texts).toContain('127.0.0.1');
    const around = [...texts.matchAll(new RegExp(`.{60}${MARK}.{20}`, 'g'))].map(([found]) => found);
    expect(around).toEqual([]);
    const encoded = Buffer.from(`omoi:${MARK}`).toString('base64').slice(0, 12);
    expect(texts).not.toContain(encoded);
  } finally {
    await stage.close();
  }
});
