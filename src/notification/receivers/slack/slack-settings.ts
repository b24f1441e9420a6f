import { z } from 'zod';

import type { GlobalSettings } from '../../configuration/global-settings.ts';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atMostOne,
  checkedBy,
  filePath,
  flag,
  goDuration,
  optionalFlag,
  secret,
  secretUrl,
  sendResolved,
  text,
  texts,
  url,
} from '../../configuration/setting-schemas.ts';
import { ownHttpSettings } from '../http-calls.ts';
import type { SettingsProblem, TemplatedField } from '../receiver-kind.ts';

const fieldSchema = z
  .strictObject({ title: text(), value: text(), short: optionalFlag() })
  .superRefine(
    checkedBy(({ title, value }) => [
      ...missing(title, 'title', 'missing title in Slack field configuration'),
      ...missing(value, 'value', 'missing value in Slack field configuration'),
    ]),
  );

const confirmSchema = z
  .strictObject({ text: text(), title: text(), ok_text: text(), dismiss_text: text() })
  .superRefine(
    checkedBy(({ text: asked }) =>
      missing(asked, 'text', 'missing text in Slack confirmation configuration'),
    ),
  );

const actionSchema = z
  .strictObject({
    type: text(),
    text: text(),
    url: text(),
    style: text(),
    name: text(),
    value: text(),
    confirm: confirmSchema.nullish(),
  })
  .superRefine(
    checkedBy((action) => [
      ...missing(action.type, 'type', 'missing type in Slack action configuration'),
      ...missing(action.text, 'text', 'missing text in Slack action configuration'),
      ...missing(action.url || action.name, 'url', 'missing name or url in Slack action configuration'),
    ]),
  );

export const slackSettingsSchema = z
  .strictObject({
    send_resolved: sendResolved(false),
    http_config: httpConfig(),
    api_url: secretUrl(),
    api_url_file: filePath(),
    app_token: secret(),
    app_token_file: filePath(),
    app_url: url(),
    channel: text(),
    username: text('{{ template "slack.default.username" . }}'),
    color: text('{{ template "slack.default.color" . }}'),
    title: text('{{ template "slack.default.title" . }}'),
    title_link: text('{{ template "slack.default.titlelink" . }}'),
    pretext: text('{{ template "slack.default.pretext" . }}'),
    text: text('{{ template "slack.default.text" . }}'),
    message_text: text(),
    fields: z.array(fieldSchema, 'expected a list').nullish(),
    short_fields: flag(),
    footer: text('{{ template "slack.default.footer" . }}'),
    fallback: text('{{ template "slack.default.fallback" . }}'),
    callback_id: text('{{ template "slack.default.callbackid" . }}'),
    icon_emoji: text('{{ template "slack.default.iconemoji" . }}'),
    icon_url: text('{{ template "slack.default.iconurl" . }}'),
    image_url: text(),
    thumb_url: text(),
    link_names: flag(),
    mrkdwn_in: texts(),
    actions: z.array(actionSchema, 'expected a list').nullish(),
    /** Null where it is not said: then messages are edited where they can be. */
    update_message: optionalFlag(),
    timeout: goDuration(0),
  })
  .superRefine(
    checkedBy((settings) => [
      ...atMostOne(settings, 'api_url', 'api_url_file'),
      ...atMostOne(settings, 'app_token', 'app_token_file'),
      ...(isAnySet(settings.api_url, settings.api_url_file) &&
      isAnySet(settings.app_token, settings.app_token_file)
        ? [
            {
              path: [settings.app_token === null ? 'app_token_file' : 'app_token'],
              message: 'at most one of api_url/api_url_file & app_token/app_token_file must be configured',
            },
          ]
        : []),
    ]),
  );

export type SlackSettings = z.output<typeof slackSettingsSchema>;
export type SlackAction = z.output<typeof actionSchema>;

function missing(value: string, key: string, message: string): readonly SettingsProblem[] {
  return value === '' ? [{ path: [key], message }] : [];
}

function isAnySet(...values: readonly (string | null)[]): boolean {
  return values.some((value) => value !== null);
}

/** The method of Slack's API that posts a message, at the end of an address; the one that edits it stands beside it. */
const POST_MESSAGE = /\/chat\.postMessage$/;

/** Where messages that were posted to an address are edited; null where they cannot be: an incoming webhook. */
export function updateUrlOf(address: string): string | null {
  return POST_MESSAGE.test(address) ? address.replace(POST_MESSAGE, '/chat.update') : null;
}

/**
 * What the global block adds: the address or the token where the integration has neither. With a token it is the API that is
 * called, and the token that says who calls.
 */
export function completeSlack(
  settings: SlackSettings,
  global: GlobalSettings,
): { readonly settings: SlackSettings } | { readonly problems: readonly SettingsProblem[] } {
  const ownAddress = isAnySet(settings.api_url, settings.api_url_file);
  const ownToken = isAnySet(settings.app_token, settings.app_token_file);
  const takesToken = !ownToken && !ownAddress && !settings.http_config?.authorization;
  const token = takesToken ? global.slack_app_token : settings.app_token;
  const tokenFile = takesToken ? global.slack_app_token_file : settings.app_token_file;
  const httpSettings = ownHttpSettings(settings.http_config, global.http_config);
  if (isAnySet(token, tokenFile)) {
    if (httpSettings.authorization) {
      const message = "http authorization can't be set when using Slack App tokens";
      return { problems: [{ path: ['http_config'], message }] };
    }
    const credentials = {
      ...(token === null ? {} : { credentials: token }),
      ...(tokenFile === null ? {} : { credentials_file: tokenFile }),
    };
    return {
      settings: {
        ...settings,
        app_token: token,
        app_token_file: tokenFile,
        api_url: settings.app_url ?? global.slack_app_url,
        api_url_file: null,
        http_config: { ...httpSettings, authorization: { type: 'Bearer', ...credentials } },
      },
    };
  }
  const address = ownAddress ? settings.api_url : global.slack_api_url;
  const addressFile = ownAddress ? settings.api_url_file : global.slack_api_url_file;
  if (!isAnySet(address, addressFile)) {
    const message = 'no Slack API URL nor App token set either inline or in a file';
    return { problems: [{ path: [], message }] };
  }
  if (settings.update_message === true && (address === null || updateUrlOf(address) === null)) {
    const message =
      'update_message can only be used with bot tokens. api_url must be set to https://slack.com/api/chat.postMessage';
    return { problems: [{ path: ['update_message'], message }] };
  }
  return {
    settings: { ...settings, api_url: address, api_url_file: addressFile, http_config: httpSettings },
  };
}

const TEMPLATED = [
  'channel',
  'username',
  'color',
  'title',
  'title_link',
  'pretext',
  'text',
  'message_text',
  'footer',
  'fallback',
  'callback_id',
  'icon_emoji',
  'icon_url',
  'image_url',
  'thumb_url',
] as const;

export function templatedFieldsOfSlack(settings: SlackSettings): readonly TemplatedField[] {
  const own = TEMPLATED.map((key) => ({ path: [key], text: settings[key] }));
  const ofFields = (settings.fields ?? []).flatMap(({ title, value }, index) => [
    { path: ['fields', index, 'title'], text: title },
    { path: ['fields', index, 'value'], text: value },
  ]);
  const ofActions = (settings.actions ?? []).flatMap(({ confirm, ...action }, index) => [
    ...Object.entries(action).map(([key, value]) => ({ path: ['actions', index, key], text: value })),
    ...Object.entries(confirm ?? {}).map(([key, value]) => ({
      path: ['actions', index, 'confirm', key],
      text: value,
    })),
  ]);
  return [...own, ...ofFields, ...ofActions];
}
