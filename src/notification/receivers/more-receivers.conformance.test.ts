import { z } from 'zod';
import { hashOfGroup } from './group-key.ts';
import { incidentioReceiver } from './incidentio/incidentio.ts';
import { jiraReceiver } from './jira/jira.ts';
import { mattermostReceiver } from './mattermost/mattermost.ts';
import { exampleMessage, resolvedMessage } from './message.test-support.ts';
import { opsgenieReceiver } from './opsgenie/opsgenie.ts';
import { createPushoverReceiver } from './pushover/pushover.ts';
import { describeReceiver, fieldOf } from './receiver-conformance.test-support.ts';
import type { ReceivedRequest } from './receiver-server.test-support.ts';
import { rocketchatReceiver } from './rocketchat/rocketchat.ts';
import { telegramReceiver } from './telegram/telegram.ts';
import { victoropsReceiver } from './victorops/victorops.ts';
import { webexReceiver } from './webex/webex.ts';

const json = (value: unknown) => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

describeReceiver({
  kind: telegramReceiver,
  settings: (address) => ({
    api_url: address,
    bot_token: '123:SECRET-telegram',
    chat_id: -1_001_234_567_890,
  }),
  secrets: ['SECRET-telegram'],
  documentation: { url: 'https://core.telegram.org/bots/api/methods/sendmessage.md', date: '2026' },
  taken: () => json({ ok: true, result: { message_id: 7 } }),
  payload: z.strictObject({
    chat_id: z.int(),
    message_thread_id: z.int().optional(),
    text: z.string().min(1),
    parse_mode: z.enum(['HTML', 'Markdown', 'MarkdownV2']).optional(),
    link_preview_options: z.strictObject({ is_disabled: z.boolean() }),
    disable_notification: z.boolean(),
  }),
});

const opsgenieResponder = z.union([
  z.strictObject({ id: z.string(), type: z.enum(['team', 'user', 'escalation', 'schedule']) }),
  z.strictObject({ name: z.string(), type: z.enum(['team', 'escalation', 'schedule']) }),
  z.strictObject({ username: z.string(), type: z.literal('user') }),
]);

const opsgenieAlert = z.strictObject({
  message: z.string().min(1).max(130),
  alias: z.string().max(512),
  description: z.string().max(15_000).optional(),
  responders: z.array(opsgenieResponder).max(50).optional(),
  actions: z.array(z.string().max(50)).max(10).optional(),
  tags: z.array(z.string().max(50)).max(20).optional(),
  details: z.record(z.string(), z.string()),
  entity: z.string().max(512).optional(),
  source: z.string().max(100),
  priority: z.enum(['P1', 'P2', 'P3', 'P4', 'P5']).optional(),
  note: z.string().max(25_000).optional(),
});

describeReceiver({
  kind: opsgenieReceiver,
  settings: (address) => ({
    api_url: address,
    api_key: 'SECRET-opsgenie-key',
    responders: [
      { name: 'web, data', type: 'teams' },
      { username: 'eva@example.org', type: 'User' },
    ],
    tags: 'omoi,{{ .CommonLabels.severity }}',
    actions: 'restart',
    priority: 'P1',
    note: 'seen by Omoi',
    entity: '{{ .CommonLabels.agent_id }}',
    details: { runbook: 'https://example.org/run' },
    update_alerts: true,
  }),
  secrets: ['SECRET-opsgenie-key'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/opsgenie',
    date: '2026-08-22',
  },
  taken: () => ({ status: 202, ...json({ result: 'Request will be processed', requestId: '1' }) }),
  goesOn: ([second], [first]) => ({
    about: second?.path,
    begun: `/v2/alerts/${String(fieldOf(first, 'alias'))}/close?identifierType=alias`,
  }),
  incident({ path }) {
    if (path === '/v2/alerts') return 'opened';
    return path.includes('/close?') ? 'closed' : null;
  },
  payload: ({ path }: ReceivedRequest) => {
    if (path === '/v2/alerts') return opsgenieAlert;
    if (path.includes('/close?')) return z.strictObject({ source: z.string() });
    if (path.includes('/message?')) return z.strictObject({ message: z.string().max(130) });
    return z.strictObject({ description: z.string().max(15_000) });
  },
});

describeReceiver({
  kind: victoropsReceiver,
  settings: (address) => ({
    api_url: `${address}/integrations/generic/20131114/alert`,
    api_key: 'SECRET-victorops-key',
    routing_key: 'web team',
    message_type: 'WARNING',
    custom_fields: { runbook: 'https://example.org/run' },
  }),
  secrets: ['SECRET-victorops-key'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/victorops',
    date: '2026-08-22',
  },
  taken: () => json({ result: 'success', entity_id: '1' }),
  goesOn: ([second], [first]) => ({
    about: fieldOf(second, 'entity_id'),
    begun: fieldOf(first, 'entity_id'),
  }),
  incident: ({ body }) => (body.includes('"message_type":"RECOVERY"') ? 'closed' : 'opened'),
  payload: z.object({
    message_type: z.enum(['CRITICAL', 'WARNING', 'INFO', 'RECOVERY', 'ACKNOWLEDGEMENT']),
    entity_id: z.string().min(1),
    entity_display_name: z.string(),
    state_message: z.string().max(20_480),
    monitoring_tool: z.string(),
    runbook: z.url(),
  }),
});

describeReceiver({
  kind: webexReceiver,
  settings: (address) => ({
    api_url: `${address}/v1/messages`,
    room_id: 'Y2lzY29zcGFyazov',
    http_config: { authorization: { credentials: 'SECRET-webex-token' } },
  }),
  secrets: ['SECRET-webex-token'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/webex',
    date: '2026-08-22',
  },
  taken: () => json({ id: '1' }),
  payload: z.strictObject({ roomId: z.string().min(1), markdown: z.string().min(1).max(7_439) }),
});

/** The one address of Pushover that a configuration does not say is the server's here. */
const pushover = createPushoverReceiver((given) => `${given.url_title}/1/messages.json`);

describeReceiver({
  kind: pushover,
  settings: (address) => ({
    token: 'SECRET-push-token',
    user_key: 'SECRET-push-user',
    url_title: address,
    ttl: '1m',
  }),
  secrets: ['SECRET-push-token', 'SECRET-push-user'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/pushover',
    date: '2026-08-22',
  },
  taken: () => json({ status: 1, request: '1' }),
  payload: z.strictObject({
    token: z.string(),
    user: z.string(),
    title: z.string().max(250),
    message: z.string().min(1).max(1_024),
    url: z.string().max(512),
    url_title: z.string().max(100),
    priority: z.string(),
    retry: z.string().regex(/^\d+$/),
    expire: z.string().regex(/^\d+$/),
    ttl: z.string().regex(/^[1-9]\d*$/),
    device: z.string(),
    sound: z.string(),
  }),
});

const rocketAttachment = z.strictObject({
  title: z.string().optional(),
  title_link: z.string().optional(),
  text: z.string().optional(),
  color: z.string().optional(),
  image_url: z.string().optional(),
  thumb_url: z.string().optional(),
  fields: z.array(z.strictObject({ short: z.boolean(), title: z.string(), value: z.string() })).optional(),
  actions: z
    .array(
      z.strictObject({
        type: z.literal('button'),
        text: z.string().optional(),
        url: z.string().optional(),
        msg: z.string().optional(),
        is_webview: z.boolean(),
        msg_in_chat_window: z.boolean(),
      }),
    )
    .optional(),
});

describeReceiver({
  kind: rocketchatReceiver,
  mayRefuseIn2xx: true,
  settings: (address) => ({
    api_url: address,
    token: 'SECRET-rocket-token',
    token_id: 'SECRET-rocket-user',
    channel: '#web',
    fields: [{ title: 'Agent', value: '{{ .CommonLabels.agent_id }}' }],
    short_fields: true,
    actions: [{ type: 'button', text: 'Runbook', url: 'https://example.org/run' }],
  }),
  secrets: ['SECRET-rocket-token', 'SECRET-rocket-user'],
  documentation: {
    url: 'https://github.com/RocketChat/Rocket.Chat-Open-API/blob/c9aec5ab/messaging.yaml',
    date: '2026-08-20',
  },
  taken: () => json({ success: true, ts: 1 }),
  payload: z.strictObject({
    channel: z.string(),
    emoji: z.string().optional(),
    avatar: z.string().optional(),
    attachments: z.array(rocketAttachment).length(1),
  }),
});

const mattermostAttachment = z.strictObject({
  fallback: z.string().optional(),
  color: z.string().optional(),
  pretext: z.string().optional(),
  text: z.string().optional(),
  author_name: z.string().optional(),
  author_link: z.string().optional(),
  author_icon: z.string().optional(),
  title: z.string().optional(),
  title_link: z.string().optional(),
  fields: z
    .array(z.strictObject({ title: z.string(), value: z.string(), short: z.boolean().optional() }))
    .optional(),
  thumb_url: z.string().optional(),
  footer: z.string().optional(),
  footer_icon: z.string().optional(),
  image_url: z.string().optional(),
});

describeReceiver({
  kind: mattermostReceiver,
  settings: (address) => ({
    webhook_url: `${address}/hooks/SECRET-mattermost-hook`,
    channel: 'town-square',
    fields: [{ title: 'Agent', value: '{{ .CommonLabels.agent_id }}', short: true }],
    priority: { priority: 'Urgent', requested_ack: true, persistent_notifications: true },
    props: { card: '### More' },
  }),
  secrets: ['SECRET-mattermost-hook'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/mattermost',
    date: '2026-08-22',
  },
  taken: () => ({ body: 'ok' }),
  payload: z.strictObject({
    text: z.string().max(16_383).optional(),
    channel: z.string().optional(),
    username: z.string().optional(),
    icon_url: z.string().optional(),
    icon_emoji: z.string().optional(),
    attachments: z.array(mattermostAttachment),
    type: z.string().startsWith('custom_').optional(),
    props: z.strictObject({ card: z.string() }).optional(),
    priority: z
      .strictObject({
        priority: z.enum(['urgent', 'important', 'standard']),
        requested_ack: z.boolean().optional(),
        persistent_notifications: z.boolean().optional(),
      })
      .optional(),
  }),
});

const issueFields = z.strictObject({
  project: z.strictObject({ key: z.string().min(1) }),
  issuetype: z.strictObject({ name: z.string().min(1) }),
  summary: z.string().max(255),
  description: z.string().max(32_767).optional(),
  labels: z.array(z.string().regex(/^\S+$/).max(255)),
  priority: z.strictObject({ name: z.string() }).optional(),
});

/** What is resolved has an issue here; what fires has none yet. */
const jiraMessages = {
  firing: exampleMessage(),
  resolved: resolvedMessage({ groupKey: '{}:{alertname="Resolved"}' }),
};
const RESOLVED_GROUP = hashOfGroup(jiraMessages.resolved.groupKey);

describeReceiver({
  kind: jiraReceiver,
  mayRefuseIn2xx: true,
  messages: jiraMessages,
  settings: (address) => ({
    api_url: `${address}/rest/api/2`,
    project: 'OPS',
    issue_type: 'Bug',
    resolve_transition: 'Done',
    http_config: { basic_auth: { username: 'omoi', password: 'SECRET-jira-password' } },
  }),
  secrets: ['SECRET-jira-password', Buffer.from('omoi:SECRET-jira-password').toString('base64')],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/jira',
    date: '2026-08-22',
  },
  taken: ({ method, path, body }: ReceivedRequest) => {
    const open = { key: 'OPS-7', fields: { status: { statusCategory: { key: 'new' } } } };
    if (path.endsWith('/search')) return json({ issues: body.includes(RESOLVED_GROUP) ? [open] : [] });
    if (path.endsWith('/transitions') && method === 'GET')
      return json({ transitions: [{ id: '31', name: 'Done' }] });
    if (method === 'GET') return json(open);
    return method === 'POST' && path.endsWith('/issue')
      ? { status: 201, ...json({ key: 'OPS-7' }) }
      : { status: 204 };
  },
  incident({ method, path }) {
    if (method !== 'POST') return null;
    if (path.endsWith('/issue')) return 'opened';
    return path.endsWith('/transitions') ? 'closed' : null;
  },
  payload: ({ method, path }: ReceivedRequest) => {
    if (method === 'GET') return z.literal('');
    if (path.endsWith('/search')) {
      return z.strictObject({ jql: z.string(), maxResults: z.int(), fields: z.array(z.string()) });
    }
    if (path.endsWith('/transitions'))
      return z.strictObject({ transition: z.strictObject({ id: z.string() }) });
    return z.strictObject({ fields: issueFields });
  },
});

const kv = z.record(z.string(), z.string());

describeReceiver({
  kind: incidentioReceiver,
  settings: (address) => ({
    url: `${address}/v2/alert_events/alertmanager/01ABC`,
    alert_source_token: 'SECRET-incident-token',
  }),
  secrets: ['SECRET-incident-token'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/incidentio',
    date: '2026-08-22',
  },
  taken: () => ({ status: 202, ...json({ status: 'success' }) }),
  goesOn: ([second], [first]) => ({
    about: fieldOf(second, 'groupKey'),
    begun: fieldOf(first, 'groupKey'),
  }),
  incident: ({ body }) => (/^{"receiver":"[^"]*","status":"firing"/.test(body) ? 'opened' : 'closed'),
  payload: z.strictObject({
    receiver: z.string(),
    status: z.enum(['firing', 'resolved']),
    alerts: z.array(
      z.strictObject({
        status: z.enum(['firing', 'resolved']),
        labels: kv,
        annotations: kv,
        startsAt: z.iso.datetime(),
        endsAt: z.iso.datetime(),
        generatorURL: z.string(),
        fingerprint: z.string(),
      }),
    ),
    notification_reason: z.string(),
    groupLabels: kv,
    commonLabels: kv,
    commonAnnotations: kv,
    routeLabels: kv,
    externalURL: z.string(),
    version: z.literal('1'),
    groupKey: z.string(),
    truncatedAlerts: z.int(),
  }),
});
