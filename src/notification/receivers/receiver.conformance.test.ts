import { z } from 'zod';

import { discordReceiver } from './discord/discord-receiver.ts';
import { msteamsv2Receiver } from './msteamsv2/msteamsv2-receiver.ts';
import { pagerdutyReceiver } from './pagerduty/pagerduty-receiver.ts';
import { describeReceiver, fieldOf } from './receiver-conformance.test-support.ts';
import { slackReceiver } from './slack/slack-receiver.ts';
import { webhookReceiver } from './webhook/webhook-receiver.ts';

describeReceiver({
  kind: discordReceiver,
  settings: (address) => ({ webhook_url: `${address}/api/webhooks/1234567890/SECRET-discord-token` }),
  secrets: ['SECRET-discord-token'],
  documentation: {
    url: 'https://github.com/discord/discord-api-docs/blob/c98d64bc/developers/resources/webhook.mdx',
    date: '2026-08-06',
  },
  taken: ({ path }) => (path.endsWith('?wait=true') ? { body: '{"id":"1"}' } : { status: 400 }),
  payload: z.strictObject({
    content: z.string().max(2000),
    username: z.string().min(1).max(80).optional(),
    avatar_url: z.url().optional(),
    embeds: z
      .array(
        z.strictObject({
          title: z.string().max(256),
          description: z.string().max(4096),
          color: z.int().min(0).max(0xff_ff_ff),
        }),
      )
      .length(1),
  }),
});

const textBlock = z.strictObject({
  type: z.literal('TextBlock'),
  text: z.string(),
  wrap: z.boolean().optional(),
  weight: z.enum(['Default', 'Lighter', 'Bolder']).optional(),
  size: z.enum(['Default', 'Small', 'Medium', 'Large', 'ExtraLarge']).optional(),
  style: z.enum(['default', 'heading']).optional(),
  color: z.enum(['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention']).optional(),
});

describeReceiver({
  kind: msteamsv2Receiver,
  mayRefuseIn2xx: true,
  settings: (address) => ({
    webhook_url: `${address}/workflows/aaaa/triggers/manual?sig=SECRET-teams-signature`,
  }),
  secrets: ['SECRET-teams-signature'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/msteamsv2',
    date: '2026-08-22',
  },
  taken: () => ({ status: 202 }),
  payload: z.strictObject({
    type: z.literal('message'),
    attachments: z
      .array(
        z.strictObject({
          contentType: z.literal('application/vnd.microsoft.card.adaptive'),
          contentUrl: z.null(),
          content: z.strictObject({
            $schema: z.literal('http://adaptivecards.io/schemas/adaptive-card.json'),
            type: z.literal('AdaptiveCard'),
            version: z.literal('1.2'),
            body: z.array(textBlock).length(2),
            msteams: z.strictObject({ width: z.literal('full') }),
          }),
        }),
      )
      .length(1),
  }),
});

const texts = z.record(z.string(), z.string());
/** As Go writes times: UTC, digits below the second only where there are any. */
const goTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d*[1-9])?Z$/);

describeReceiver({
  kind: webhookReceiver,
  settings: (address) => ({ url: `${address}/hooks/SECRET-hook` }),
  secrets: ['SECRET-hook'],
  documentation: {
    url: 'https://prometheus.io/docs/alerting/latest/configuration/#webhook_config',
    date: '2026-08',
  },
  payload: z.strictObject({
    version: z.literal('4'),
    groupKey: z.string(),
    truncatedAlerts: z.int(),
    status: z.enum(['firing', 'resolved']),
    receiver: z.string(),
    notification_reason: z.string(),
    groupLabels: texts,
    commonLabels: texts,
    commonAnnotations: texts,
    routeLabels: texts,
    externalURL: z.url(),
    alerts: z.array(
      z.strictObject({
        status: z.enum(['firing', 'resolved']),
        labels: texts,
        annotations: texts,
        startsAt: goTime,
        endsAt: goTime,
        generatorURL: z.string(),
        fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
      }),
    ),
  }),
});

const slackAttachment = z.strictObject({
  title: z.string().max(1024).optional(),
  title_link: z.string().optional(),
  pretext: z.string().optional(),
  text: z.string(),
  fallback: z.string(),
  callback_id: z.string(),
  footer: z.string(),
  color: z.string().optional(),
  image_url: z.string().optional(),
  thumb_url: z.string().optional(),
  mrkdwn_in: z.array(z.string()),
  fields: z.array(z.strictObject({ title: z.string(), value: z.string(), short: z.boolean() })).optional(),
  actions: z.array(z.record(z.string(), z.unknown())).optional(),
});

const slackPayload = z.strictObject({
  channel: z.string().optional(),
  username: z.string().optional(),
  icon_emoji: z.string().optional(),
  icon_url: z.string().optional(),
  link_names: z.literal(true).optional(),
  text: z.string().optional(),
  attachments: z.array(slackAttachment).length(1),
});

describeReceiver({
  name: 'slack by a webhook',
  kind: slackReceiver,
  mayRefuseIn2xx: true,
  settings: (address) => ({
    api_url: `${address}/services/T00000000/B00000000/SECRET-slack-hook`,
    fields: [{ title: 'Severity', value: '{{ .CommonLabels.severity }}' }],
    actions: [{ type: 'button', text: 'Runbook', url: 'https://example.com/runbook' }],
  }),
  secrets: ['SECRET-slack-hook'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/slack',
    date: '2026-08-22',
  },
  taken: () => ({ body: 'ok', headers: { 'content-type': 'text/html' } }),
  payload: slackPayload,
});

describeReceiver({
  name: 'slack by a token',
  kind: slackReceiver,
  mayRefuseIn2xx: true,
  settings: (address) => ({
    app_token: 'xoxb-SECRET-token',
    app_url: `${address}/api/chat.postMessage`,
    channel: '#alerts',
  }),
  secrets: ['xoxb-SECRET-token'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/slack',
    date: '2026-08-22',
  },
  taken: () => ({
    body: JSON.stringify({ ok: true, channel: 'C024BE91L', ts: '1796032800.000100' }),
    headers: { 'content-type': 'application/json; charset=utf-8' },
  }),
  // The message of the episode is edited, and its thread goes on.
  goesOn: ([edit, reply]) => ({
    about: [edit?.path, fieldOf(edit, 'ts'), fieldOf(reply, 'thread_ts')],
    begun: ['/api/chat.update', '1796032800.000100', '1796032800.000100'],
  }),
  payload: slackPayload.required({ channel: true }),
});

const pagerdutyDetails = z.strictObject({
  firing: z.unknown(),
  resolved: z.unknown(),
  num_firing: z.unknown(),
  num_resolved: z.unknown(),
});

describeReceiver({
  name: 'pagerduty, Events API 2',
  kind: pagerdutyReceiver,
  settings: () => ({ routing_key: 'SECRET-routing-key' }),
  global: (address) => ({ pagerduty_url: `${address}/v2/enqueue` }),
  secrets: ['SECRET-routing-key'],
  documentation: {
    url: 'https://github.com/PagerDuty/developer-docs/blob/94224391/docs/events-API-v2/02-Trigger-Events.md',
    date: '2026-08-19',
  },
  taken: () => ({ status: 202, body: '{"status":"success","message":"Event processed","dedup_key":"x"}' }),
  goesOn: ([second], [first]) => ({
    about: fieldOf(second, 'dedup_key'),
    begun: fieldOf(first, 'dedup_key'),
  }),
  incident: ({ body }) => (body.includes('"event_action":"trigger"') ? 'opened' : 'closed'),
  payload: z.strictObject({
    routing_key: z.string(),
    event_action: z.enum(['trigger', 'acknowledge', 'resolve']),
    dedup_key: z.string().min(1).max(255),
    client: z.string().optional(),
    client_url: z.string().optional(),
    images: z
      .array(z.strictObject({ src: z.string(), href: z.string().optional(), alt: z.string().optional() }))
      .optional(),
    links: z.array(z.strictObject({ href: z.string(), text: z.string().optional() })).optional(),
    payload: z.strictObject({
      summary: z.string().max(1024),
      source: z.string(),
      severity: z.enum(['critical', 'warning', 'error', 'info']),
      component: z.string().optional(),
      group: z.string().optional(),
      class: z.string().optional(),
      custom_details: pagerdutyDetails,
    }),
  }),
});

describeReceiver({
  name: 'pagerduty, Events API 1',
  kind: pagerdutyReceiver,
  settings: () => ({ service_key: 'SECRET-service-key' }),
  global: (address) => ({ pagerduty_url: `${address}/v2/enqueue` }),
  secrets: ['SECRET-service-key'],
  documentation: {
    url: 'https://github.com/prometheus/alertmanager/tree/68fb2d57/notify/pagerduty',
    date: '2026-08-22',
  },
  exceptions: { 403: { failure: 'rateLimited', retryable: true } },
  goesOn: ([second], [first]) => ({
    about: fieldOf(second, 'incident_key'),
    begun: fieldOf(first, 'incident_key'),
  }),
  incident: ({ body }) => (body.includes('"event_type":"trigger"') ? 'opened' : 'closed'),
  payload: z.strictObject({
    service_key: z.string(),
    event_type: z.enum(['trigger', 'acknowledge', 'resolve']),
    incident_key: z.string().max(255),
    description: z.string().max(1024),
    client: z.string().optional(),
    client_url: z.string().optional(),
    details: pagerdutyDetails,
  }),
});
