import { z } from 'zod';
import type { SettingsProblem } from '../receivers/receiver-kind.ts';
import type { GlobalSettings } from './global-settings.ts';
import { DEFAULT_HTTP_SETTINGS, httpConfig, tlsConfig } from './http-config-schema.ts';
import {
  atMostOne,
  checkedBy,
  duration,
  filePath,
  flag,
  hostPort,
  optionalFlag,
  secret,
  secretUrl,
  text,
  url,
} from './setting-schemas.ts';

const RESOLVE_TIMEOUT_MS = 5 * 60_000;

const globalKeys = z.strictObject({
  resolve_timeout: duration(RESOLVE_TIMEOUT_MS),
  http_config: httpConfig(),
  jira_api_url: url(),
  smtp_from: text(),
  smtp_hello: text('localhost'),
  smtp_smarthost: hostPort(),
  smtp_auth_username: text(),
  smtp_auth_password: secret(),
  smtp_auth_password_file: filePath(),
  smtp_auth_secret: secret(),
  smtp_auth_secret_file: filePath(),
  smtp_auth_identity: text(),
  smtp_require_tls: flag(true),
  smtp_tls_config: tlsConfig(),
  smtp_force_implicit_tls: optionalFlag(),
  slack_api_url: secretUrl(),
  slack_api_url_file: filePath(),
  slack_app_token: secret(),
  slack_app_token_file: filePath(),
  slack_app_url: url(),
  pagerduty_url: url(),
  opsgenie_api_url: url(),
  opsgenie_api_key: secret(),
  opsgenie_api_key_file: filePath(),
  wechat_api_url: url(),
  wechat_api_secret: secret(),
  wechat_api_secret_file: filePath(),
  wechat_api_corp_id: text(),
  victorops_api_url: url(),
  victorops_api_key: secret(),
  victorops_api_key_file: filePath(),
  telegram_api_url: url(),
  telegram_bot_token: secret(),
  telegram_bot_token_file: filePath(),
  webex_api_url: url(),
  rocketchat_api_url: url(),
  rocketchat_token: secret(),
  rocketchat_token_file: filePath(),
  rocketchat_token_id: secret(),
  rocketchat_token_id_file: filePath(),
  mattermost_webhook_url: secretUrl(),
  mattermost_webhook_url_file: filePath(),
});

type GlobalKeys = z.output<typeof globalKeys>;

const SLACK_APP_URL = 'https://slack.com/api/chat.postMessage';

/** The `global` block, with Alertmanager's defaults. */
export const globalSchema = globalKeys
  .superRefine(checkedBy(globalProblems))
  .nullish()
  .transform((keys) => settingsOf(keys ?? globalKeys.parse({})));

/** What counts where the configuration has no `global` block. */
function defaultGlobalSettings(): GlobalSettings {
  return settingsOf(globalKeys.parse({}));
}

function settingsOf({ resolve_timeout, ...keys }: GlobalKeys): GlobalSettings {
  return {
    ...keys,
    resolve_timeout_ms: resolve_timeout,
    http_config: keys.http_config ?? DEFAULT_HTTP_SETTINGS,
    smtp_tls_config: keys.smtp_tls_config ?? DEFAULT_HTTP_SETTINGS.tls_config,
    slack_app_url: keys.slack_app_url ?? SLACK_APP_URL,
    pagerduty_url: keys.pagerduty_url ?? 'https://events.pagerduty.com/v2/enqueue',
    opsgenie_api_url: keys.opsgenie_api_url ?? 'https://api.opsgenie.com/',
    wechat_api_url: keys.wechat_api_url ?? 'https://qyapi.weixin.qq.com/cgi-bin/',
    victorops_api_url:
      keys.victorops_api_url ?? 'https://alert.victorops.com/integrations/generic/20131114/alert/',
    telegram_api_url: keys.telegram_api_url ?? 'https://api.telegram.org',
    webex_api_url: keys.webex_api_url ?? 'https://webexapis.com/v1/messages',
    rocketchat_api_url: keys.rocketchat_api_url ?? 'https://open.rocket.chat/',
  };
}

function globalProblems(keys: GlobalKeys): readonly SettingsProblem[] {
  return [
    ...atMostOne(keys, 'slack_app_token', 'slack_app_token_file'),
    ...atMostOne(keys, 'slack_api_url', 'slack_api_url_file'),
    ...slackProblems(keys),
    ...atMostOne(keys, 'opsgenie_api_key', 'opsgenie_api_key_file'),
    ...atMostOne(keys, 'victorops_api_key', 'victorops_api_key_file'),
    ...atMostOne(keys, 'telegram_bot_token', 'telegram_bot_token_file'),
    ...atMostOne(keys, 'smtp_auth_password', 'smtp_auth_password_file'),
    ...atMostOne(keys, 'smtp_auth_secret', 'smtp_auth_secret_file'),
    ...atMostOne(keys, 'rocketchat_token', 'rocketchat_token_file'),
    ...atMostOne(keys, 'rocketchat_token_id', 'rocketchat_token_id_file'),
    ...atMostOne(keys, 'wechat_api_secret', 'wechat_api_secret_file'),
    ...atMostOne(keys, 'mattermost_webhook_url', 'mattermost_webhook_url_file'),
  ];
}

/**
 * The address of Slack's own API beside a token is what people wrote before there was `slack_app_token`: it is allowed.
 */
function slackProblems(keys: GlobalKeys): readonly SettingsProblem[] {
  const hasToken = keys.slack_app_token !== null || keys.slack_app_token_file !== null;
  const hasUrl = keys.slack_api_url !== null || keys.slack_api_url_file !== null;
  if (!hasToken || !hasUrl || keys.slack_api_url === (keys.slack_app_url ?? SLACK_APP_URL)) return [];
  return [
    {
      path: [keys.slack_api_url === null ? 'slack_api_url_file' : 'slack_api_url'],
      message:
        'at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured',
    },
  ];
}
