import { z } from 'zod';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atLeastOne,
  atMostOne,
  checkedBy,
  filePath,
  flag,
  goDuration,
  secret,
  sendResolved,
  text,
} from '../../configuration/setting-schemas.ts';
import type { Message } from '../../message.ts';
import type { MessageTemplates } from '../../templates/message-templates.ts';
import { attempt, judgeAnswer } from '../answers.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  ownHttpSettings,
  settingOf,
} from '../http-calls.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import { jsonOf } from '../json-answers.ts';
import type { ReceiverKind } from '../receiver-kind.ts';
import { expandedSecret } from '../secret-template.ts';
import { shortenedHtml } from '../shortened-markup.ts';
import { truncateCharacters } from '../truncation.ts';

const PUSHOVER_URL = 'https://api.pushover.net/1/messages.json';

/** What Pushover takes of a field, in characters: as Alertmanager has it, and for `url_title` clients that quote https://pushover.net/api#limits. */
const maxTitleCharacters = 250;
const maxMessageCharacters = 1_024;
const maxUrlCharacters = 512;
const maxUrlTitleCharacters = 100;

const settingsSchema = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    user_key: secret(),
    user_key_file: filePath(),
    token: secret(),
    token_file: filePath(),
    title: text('{{ template "pushover.default.title" . }}'),
    message: text('{{ template "pushover.default.message" . }}'),
    url: text('{{ template "pushover.default.url" . }}'),
    url_title: text(),
    device: text(),
    sound: text(),
    priority: text('{{ if eq .Status "firing" }}2{{ else }}0{{ end }}'),
    retry: goDuration(60_000, 'refused'),
    expire: goDuration(3_600_000, 'refused'),
    ttl: goDuration(0, 'refused'),
    html: flag(),
    monospace: flag(),
  })
  .superRefine(
    checkedBy((settings) => [
      ...atLeastOne(settings, 'user_key', 'user_key_file'),
      ...atMostOne(settings, 'user_key', 'user_key_file'),
      ...atLeastOne(settings, 'token', 'token_file'),
      ...atMostOne(settings, 'token', 'token_file'),
      ...(settings.html && settings.monospace
        ? [{ path: ['monospace'], message: 'at most one of monospace & html must be configured' }]
        : []),
    ]),
  );

type PushoverSettings = z.output<typeof settingsSchema>;

/** `pushover_configs`: the fields of its Message API. */
export const pushoverReceiver: ReceiverKind<PushoverSettings> = createPushoverReceiver(() => PUSHOVER_URL);

/** @param urlOf where the Message API is: no key of a configuration says it */
export function createPushoverReceiver(
  urlOf: (settings: PushoverSettings) => string,
): ReceiverKind<PushoverSettings> {
  return {
    key: 'pushover_configs',
    type: 'pushover',
    addressKeys: ['user_key', 'user_key_file', 'token', 'token_file', 'device'],
    settings: settingsSchema,
    complete: (settings, global) => ({
      settings: { ...settings, http_config: ownHttpSettings(settings.http_config, global.http_config) },
    }),
    templatedFields: (settings) => [
      { path: ['message'], text: settings.message, isHtml: settings.html },
      ...TEMPLATED.map((key) => ({ path: [key], text: settings[key] })),
    ],
    create: (settings, index, tools) => ({
      type: 'pushover',
      index,
      sendResolved: settings.send_resolved,
      maxAlerts: defaultMaxAlerts,
      timeoutMs: defaultTimeoutMs,
      send: (message, { signal }) =>
        attempt(async () => {
          const parameters = await parametersOf(settings, message, tools.templates);
          const expand = (template: string) => tools.templates.text(template, message);
          const written = await settingOf(settings.token, settings.token_file, tools);
          const token = await expandedSecret('token', written, expand);
          const writtenUser = await settingOf(settings.user_key, settings.user_key_file, tools);
          const user = await expandedSecret('user_key', writtenUser, expand);
          // Alertmanager puts all of it into the address, where proxies write it into their logs.
          const answer = await tools.http.request({
            method: 'POST',
            url: urlOf(settings),
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams({ token, user, ...parameters }).toString(),
            signal,
            settings: completedHttpSettings(settings),
          });
          return judgeAnswer(answer, tools.clock, { details: detailsOf, secrets: [token, user] });
        }),
    }),
  };
}

const TEMPLATED = ['title', 'url', 'url_title', 'device', 'sound', 'priority'] as const;

async function parametersOf(
  settings: PushoverSettings,
  message: Message,
  templates: MessageTemplates,
): Promise<Readonly<Record<string, string>>> {
  const expand = (template: string) => templates.text(template, message);
  const { ttl: ttlMs, retry: retryMs, expire: expireMs } = settings;
  return {
    title: truncateCharacters(await expand(settings.title), maxTitleCharacters),
    message: await wordsOf(settings, message, templates),
    ...(settings.html ? { html: '1' } : {}),
    ...(settings.monospace ? { monospace: '1' } : {}),
    url: truncateCharacters(await expand(settings.url), maxUrlCharacters),
    url_title: truncateCharacters(await expand(settings.url_title), maxUrlTitleCharacters),
    priority: await expand(settings.priority),
    retry: wholeSeconds(retryMs),
    expire: wholeSeconds(expireMs),
    device: await expand(settings.device),
    sound: await expand(settings.sound),
    ...(ttlMs >= 1_000 ? { ttl: wholeSeconds(ttlMs) } : {}),
  };
}

/** An empty message is refused. */
async function wordsOf(
  settings: PushoverSettings,
  message: Message,
  templates: MessageTemplates,
): Promise<string> {
  const limits = { maxVisible: maxMessageCharacters, maxWritten: maxMessageCharacters };
  const words = settings.html
    ? shortenedHtml(await templates.html(settings.message, message), limits)
    : truncateCharacters(await templates.text(settings.message, message), maxMessageCharacters);
  return words.trim() === '' ? '(no details)' : words.trim();
}

function wholeSeconds(durationMs: number): string {
  return String(Math.trunc(durationMs / 1_000));
}

/** `{"status": 0, "errors": ["application token is invalid"]}` */
function detailsOf(answer: HttpAnswer): string {
  const errors = jsonOf(answer)?.['errors'];
  return Array.isArray(errors) ? errors.filter((error) => typeof error === 'string').join(', ') : '';
}
