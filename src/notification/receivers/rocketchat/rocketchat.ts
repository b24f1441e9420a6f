import { z } from 'zod';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atMostOne,
  checkedBy,
  filePath,
  flag,
  optionalFlag,
  secret,
  sendResolved,
  text,
  url,
} from '../../configuration/setting-schemas.ts';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import type { Expand } from '../../templates/message-templates.ts';
import { attempt, failed, judgeAnswer, shownAnswer, wholeAnswer } from '../answers.ts';
import { inOrder } from '../in-order.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  ownHttpSettings,
  sendJson,
  settingOf,
} from '../http-calls.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import type { Delivery } from '../integration.ts';
import { jsonOf, textIn } from '../json-answers.ts';
import type { IntegrationTools, ReceiverKind, SettingsProblem, TemplatedField } from '../receiver-kind.ts';
import { truncateCharacters } from '../truncation.ts';
import { writtenTexts } from '../written-texts.ts';

const maxTitleCharacters = 1_024;
/** `Message_MaxAllowedSize` of a server where nobody has set it. It is for the text of a message: those of attachments have no limit. */
const maxTextCharacters = 5_000;

const field = z.strictObject({ short: optionalFlag(), title: text(), value: text() });

/** The keys as Alertmanager reads them; of an action it sends type, text, url and message. */
const action = z.strictObject({
  type: text(),
  text: text(),
  url: text(),
  imageurl: text(),
  iswebview: flag(),
  webviewheightratio: text(),
  msg: text(),
  msginchatwindow: flag(),
  msgprocessingtype: text(),
});

const settingsSchema = z
  .strictObject({
    send_resolved: sendResolved(false),
    http_config: httpConfig(),
    api_url: url(),
    token: secret(),
    token_file: filePath(),
    token_id: secret(),
    token_id_file: filePath(),
    channel: text(),
    color: text('{{ if eq .Status "firing" }}red{{ else }}green{{ end }}'),
    title: text('{{ template "rocketchat.default.title" . }}'),
    title_link: text('{{ template "rocketchat.default.titlelink" . }}'),
    text: text('{{ template "rocketchat.default.text" . }}'),
    fields: z.array(field, 'expected a list').nullish(),
    short_fields: flag(),
    emoji: text('{{ template "rocketchat.default.emoji" . }}'),
    icon_url: text('{{ template "rocketchat.default.iconurl" . }}'),
    image_url: text(),
    thumb_url: text(),
    link_names: flag(),
    actions: z.array(action, 'expected a list').nullish(),
  })
  .superRefine(
    checkedBy((settings) => [
      ...atMostOne(settings, 'token', 'token_file'),
      ...atMostOne(settings, 'token_id', 'token_id_file'),
    ]),
  );

type RocketchatSettings = z.output<typeof settingsSchema>;

/** `rocketchat_configs`: `chat.postMessage` of Rocket.Chat's REST API (its OpenAPI of August 2026). */
export const rocketchatReceiver: ReceiverKind<RocketchatSettings> = {
  key: 'rocketchat_configs',
  type: 'rocketchat',
  addressKeys: ['api_url', 'token', 'token_file', 'token_id', 'token_id_file', 'channel'],
  settings: settingsSchema,
  complete,
  templatedFields,
  create: (settings, index, tools) => ({
    type: 'rocketchat',
    index,
    sendResolved: settings.send_resolved,
    maxAlerts: defaultMaxAlerts,
    timeoutMs: defaultTimeoutMs,
    send: (message, { signal }) =>
      attempt(async () => {
        const token = await settingOf(settings.token, settings.token_file, tools);
        const user = await settingOf(settings.token_id, settings.token_id_file, tools);
        const post = async (maxCharacters: number): Promise<Delivery> => {
          const expand = (template: string) => tools.templates.text(template, message);
          const answer = await sendJson(
            {
              url: `${(settings.api_url ?? '').replace(/\/+$/, '')}/api/v1/chat.postMessage`,
              headers: { 'x-auth-token': token, 'x-user-id': user },
              body: await payloadOf(settings, expand, maxCharacters),
              signal,
              settings: completedHttpSettings(settings),
            },
            tools,
          );
          return judged(answer, tools, [token, user]);
        };
        const delivery = await post(Infinity);
        const isTooLong = delivery.outcome === 'failed' && delivery.isTooLong === true;
        // Of several alerts fewer are told; of one, its beginning.
        return isTooLong && message.alerts.length <= 1 ? post(maxTextCharacters) : delivery;
      }),
  }),
};

function complete(settings: RocketchatSettings, global: GlobalSettings) {
  const hasToken = settings.token !== null || settings.token_file !== null;
  const hasTokenId = settings.token_id !== null || settings.token_id_file !== null;
  const completed = {
    ...settings,
    http_config: ownHttpSettings(settings.http_config, global.http_config),
    api_url: settings.api_url ?? global.rocketchat_api_url,
    token: hasToken ? settings.token : global.rocketchat_token,
    token_file: hasToken ? settings.token_file : global.rocketchat_token_file,
    token_id: hasTokenId ? settings.token_id : global.rocketchat_token_id,
    token_id_file: hasTokenId ? settings.token_id_file : global.rocketchat_token_id_file,
  };
  const problems: SettingsProblem[] = [];
  if (completed.token_id === null && completed.token_id_file === null) {
    problems.push({ path: [], message: 'no global Rocketchat TokenID set either inline or in a file' });
  }
  if (completed.token === null && completed.token_file === null) {
    problems.push({ path: [], message: 'no global Rocketchat Token set either inline or in a file' });
  }
  return problems.length > 0 ? { problems } : { settings: completed };
}

const TEMPLATED = [
  'channel',
  'color',
  'title',
  'title_link',
  'text',
  'emoji',
  'icon_url',
  'image_url',
  'thumb_url',
] as const;

function templatedFields(settings: RocketchatSettings): readonly TemplatedField[] {
  return [
    ...TEMPLATED.map((key) => ({ path: [key], text: settings[key] })),
    ...(settings.fields ?? []).flatMap(({ title, value }, index) => [
      { path: ['fields', index, 'title'], text: title },
      { path: ['fields', index, 'value'], text: value },
    ]),
    ...(settings.actions ?? []).flatMap((each, index) =>
      (['text', 'url', 'msg'] as const).map((key) => ({ path: ['actions', index, key], text: each[key] })),
    ),
  ];
}

async function payloadOf(settings: RocketchatSettings, expand: Expand, maxCharacters: number) {
  const fields = await inOrder(settings.fields ?? [], async ({ short, title, value }) => ({
    short: short ?? settings.short_fields,
    ...writtenTexts({
      title: await expand(title),
      value: truncateCharacters(await expand(value), maxCharacters),
    }),
  }));
  const actions = await inOrder(settings.actions ?? [], async ({ text: words, url: address, msg }) => ({
    type: 'button',
    is_webview: false,
    msg_in_chat_window: false,
    ...writtenTexts({ text: await expand(words), url: await expand(address), msg: await expand(msg) }),
  }));
  const attachment = {
    ...writtenTexts({
      title: truncateCharacters(await expand(settings.title), maxTitleCharacters),
      title_link: await expand(settings.title_link),
      text: truncateCharacters(await expand(settings.text), maxCharacters),
      image_url: await expand(settings.image_url),
      thumb_url: await expand(settings.thumb_url),
      color: await expand(settings.color),
    }),
    ...(fields.length > 0 ? { fields } : {}),
    ...(actions.length > 0 ? { actions } : {}),
  };
  return {
    ...writtenTexts({
      channel: await expand(settings.channel),
      emoji: await expand(settings.emoji),
      avatar: await expand(settings.icon_url),
    }),
    attachments: [attachment],
  };
}

/** It may say `{"success": false, "error": "…"}` with 200. */
function judged(answer: HttpAnswer, tools: IntegrationTools, secrets: readonly string[]): Delivery {
  const said = jsonOf(wholeAnswer(answer));
  const delivery = judgeAnswer(answer, tools.clock, { details: () => textIn(said, 'error'), secrets });
  if (delivery.outcome === 'failed')
    return { ...delivery, isTooLong: delivery.isTooLong === true || isTooLong(said) };
  if (said?.['success'] === true) return delivery;
  if (said === null) {
    const reason = 'the answer is none of Rocket.Chat; is api_url the address of its server?';
    return failed('serverError', reason, { retryable: true });
  }
  const reason = `HTTP ${answer.status}: ${shownAnswer(answer, textIn(said, 'error'), secrets)}`;
  return failed('clientError', reason, { retryable: false, isTooLong: isTooLong(said) });
}

/** More characters than `Message_MaxAllowedSize` of the server: of fewer alerts it may be taken. */
function isTooLong(said: Readonly<Record<string, unknown>> | null): boolean {
  return [textIn(said, 'error'), textIn(said, 'errorType')].some((text) =>
    text.includes('error-message-size-exceeded'),
  );
}
