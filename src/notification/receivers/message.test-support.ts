import type { MessageTemplates } from '../templates/message-templates.ts';
import { TemplateFailure } from '../templates/message-templates.ts';
import type { GlobalSettings } from '../configuration/global-settings.ts';
import { DEFAULT_HTTP_SETTINGS } from '../configuration/http-config-schema.ts';
import { type Message, type MessageAlert, statusOfMessage } from '../message.ts';

/** 30 November 2026, 10:00:00.25 UTC. */
export const EXAMPLE_START_MS = Date.UTC(2026, 10, 30, 10, 0, 0, 250);

const EXTERNAL_URL = 'https://omoi.example';

/** An alert whose texts hold what formats have to escape. */
export function exampleAlert(overrides: Partial<MessageAlert> = {}): MessageAlert {
  const alertId = overrides.alertId ?? 'alrt_01';
  const path = `${EXTERNAL_URL}/alerts/${alertId}`;
  return {
    alertId,
    fingerprint: '00c0ffee00c0ffee',
    labels: {
      alertname: 'AgentUnresponsive',
      severity: 'critical',
      agent_id: 'w-1',
      team: '<Ärger> & "Söhne"',
    },
    annotations: {
      summary: 'w-1 is silent\nsince 10 s \u2028 😀',
      runbook: 'https://example.com/run?a=1&b=2',
    },
    startsAtMs: EXAMPLE_START_MS,
    endsAtMs: null,
    generatorUrl: `${EXTERNAL_URL}/graph?g0.expr=up`,
    acknowledgedBy: null,
    traceparent: null,
    status: overrides.endsAtMs ? 'resolved' : 'firing',
    links: { alert: path, acknowledge: `${path}/ack`, silence: `${path}/silence`, trace: null },
    remediation: null,
    ...overrides,
  };
}

/** A message about one firing alert. */
export function exampleMessage(overrides: Partial<Message> = {}): Message {
  return {
    notificationId: 'ntf_01',
    groupKey: '{}/{team="web"}:{alertname="AgentUnresponsive"}',
    receiver: 'team-web',
    reason: 'first_notification',
    groupLabels: { alertname: 'AgentUnresponsive' },
    routeLabels: {},
    receiverLabels: {},
    alerts: [exampleAlert()],
    truncatedAlerts: 0,
    acknowledgeAll: null,
    externalUrl: EXTERNAL_URL,
    atMs: EXAMPLE_START_MS + 1000,
    traceparent: null,
    note: null,
    ...overrides,
  };
}

/** The same message when its alert is resolved. */
export function resolvedMessage(overrides: Partial<Message> = {}): Message {
  const alerts = [exampleAlert({ endsAtMs: EXAMPLE_START_MS + 61_000 })];
  return exampleMessage({ notificationId: 'ntf_02', reason: 'all_resolved', alerts, ...overrides });
}

/**
 * Templates that name what they were asked for, in place of the engine (`../templates/`), which has tests of its own:
 * `{{ template "x" . }}` becomes `x:firing`, `{{ .Labels.x }}` of a few roots what it says, `{{ fail }}` fails.
 */
export const namingTemplates: MessageTemplates = {
  text: async (template, message) => expand(template, message),
  html: async (template, message) => expand(template, message),
};

function expand(template: string, message: Message): string {
  return template.replaceAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs, (_, action: string) => {
    if (action === 'fail') throw new TemplateFailure('template: fail: it was asked to');
    const [, name] = /^template "([^"]+)" \.$/.exec(action) ?? [];
    if (name !== undefined) return `${name}:${statusOfMessage(message)}`;
    const [, root, label] = /^\.(GroupLabels|CommonLabels)\.(\w+)$/.exec(action) ?? [];
    if (root === 'GroupLabels') return message.groupLabels[label ?? ''] ?? '';
    if (root === 'CommonLabels') return message.alerts[0]?.labels[label ?? ''] ?? '';
    if (action === '.Status') return statusOfMessage(message);
    return `<${action}>`;
  });
}

/** What a configuration without a `global` block says. */
export function exampleGlobal(overrides: Partial<GlobalSettings> = {}): GlobalSettings {
  return {
    resolve_timeout_ms: 300_000,
    http_config: DEFAULT_HTTP_SETTINGS,
    smtp_from: '',
    smtp_hello: 'localhost',
    smtp_smarthost: null,
    smtp_auth_username: '',
    smtp_auth_password: null,
    smtp_auth_password_file: null,
    smtp_auth_secret: null,
    smtp_auth_secret_file: null,
    smtp_auth_identity: '',
    smtp_require_tls: true,
    smtp_force_implicit_tls: null,
    smtp_tls_config: null,
    slack_api_url: null,
    slack_api_url_file: null,
    slack_app_token: null,
    slack_app_token_file: null,
    slack_app_url: 'https://slack.com/api/chat.postMessage',
    pagerduty_url: 'https://events.pagerduty.com/v2/enqueue',
    opsgenie_api_url: 'https://api.opsgenie.com/',
    opsgenie_api_key: null,
    opsgenie_api_key_file: null,
    wechat_api_url: 'https://qyapi.weixin.qq.com/cgi-bin/',
    wechat_api_secret: null,
    wechat_api_secret_file: null,
    wechat_api_corp_id: '',
    victorops_api_url: 'https://alert.victorops.com/integrations/generic/20131114/alert/',
    victorops_api_key: null,
    victorops_api_key_file: null,
    telegram_api_url: 'https://api.telegram.org',
    telegram_bot_token: null,
    telegram_bot_token_file: null,
    webex_api_url: 'https://webexapis.com/v1/messages',
    rocketchat_api_url: 'https://open.rocket.chat/',
    rocketchat_token: null,
    rocketchat_token_file: null,
    rocketchat_token_id: null,
    rocketchat_token_id_file: null,
    jira_api_url: null,
    mattermost_webhook_url: null,
    mattermost_webhook_url_file: null,
    ...overrides,
  };
}
