import type { HttpClientSettings } from '../receivers/http/http-client.ts';

/**
 * The `global` block with its defaults, keys as Alertmanager writes them. URLs are texts that have been checked; of a secret and
 * its `…_file` at most one is there. Null: the configuration says nothing and there is no default.
 */
export interface GlobalSettings {
  readonly resolve_timeout_ms: number;
  readonly http_config: HttpClientSettings;
  readonly smtp_from: string;
  readonly smtp_hello: string;
  readonly smtp_smarthost: { readonly host: string; readonly port: string } | null;
  readonly smtp_auth_username: string;
  readonly smtp_auth_password: string | null;
  readonly smtp_auth_password_file: string | null;
  readonly smtp_auth_secret: string | null;
  readonly smtp_auth_secret_file: string | null;
  readonly smtp_auth_identity: string;
  readonly smtp_require_tls: boolean;
  readonly smtp_force_implicit_tls: boolean | null;
  readonly smtp_tls_config: HttpClientSettings['tls_config'] | null;
  readonly slack_api_url: string | null;
  readonly slack_api_url_file: string | null;
  readonly slack_app_token: string | null;
  readonly slack_app_token_file: string | null;
  readonly slack_app_url: string;
  readonly pagerduty_url: string;
  readonly opsgenie_api_url: string;
  readonly opsgenie_api_key: string | null;
  readonly opsgenie_api_key_file: string | null;
  readonly wechat_api_url: string;
  readonly wechat_api_secret: string | null;
  readonly wechat_api_secret_file: string | null;
  readonly wechat_api_corp_id: string;
  readonly victorops_api_url: string;
  readonly victorops_api_key: string | null;
  readonly victorops_api_key_file: string | null;
  readonly telegram_api_url: string;
  readonly telegram_bot_token: string | null;
  readonly telegram_bot_token_file: string | null;
  readonly webex_api_url: string;
  readonly rocketchat_api_url: string;
  readonly rocketchat_token: string | null;
  readonly rocketchat_token_file: string | null;
  readonly rocketchat_token_id: string | null;
  readonly rocketchat_token_id_file: string | null;
  readonly jira_api_url: string | null;
  readonly mattermost_webhook_url: string | null;
  readonly mattermost_webhook_url_file: string | null;
}
