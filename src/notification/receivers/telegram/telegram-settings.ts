import { z } from 'zod';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atMostOne,
  checkedBy,
  filePath,
  flag,
  secret,
  sendResolved,
  text,
  url,
  wholeNumber,
} from '../../configuration/setting-schemas.ts';
import { ownHttpSettings } from '../http-calls.ts';
import type { SettingsProblem, TemplatedField } from '../receiver-kind.ts';

const PARSE_MODES = ['', 'Markdown', 'MarkdownV2', 'HTML'] as const;

export type ParseMode = (typeof PARSE_MODES)[number];

/** An entry of `telegram_configs`, as Alertmanager has it. */
export const telegramSettings = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    api_url: url(),
    bot_token: secret(),
    bot_token_file: filePath(),
    chat_id: wholeNumber(),
    chat_id_file: filePath(),
    message_thread_id: wholeNumber(),
    message: text('{{ template "telegram.default.message" . }}'),
    disable_notifications: flag(),
    parse_mode: text('HTML'),
  })
  .superRefine(
    checkedBy((settings) => [
      ...atMostOne(settings, 'bot_token', 'bot_token_file'),
      ...chatProblems(settings),
      ...(PARSE_MODES.some((mode) => mode === settings.parse_mode) ? [] : [UNKNOWN_PARSE_MODE]),
    ]),
  );

export type TelegramSettings = z.output<typeof telegramSettings>;

const UNKNOWN_PARSE_MODE: SettingsProblem = {
  path: ['parse_mode'],
  message: 'unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string',
};

interface Chat {
  readonly chat_id: number;
  readonly chat_id_file: string | null;
}

function chatProblems({ chat_id: id, chat_id_file: file }: Chat): readonly SettingsProblem[] {
  if (id === 0 && file === null) {
    return [{ path: [], message: 'missing chat_id or chat_id_file on telegram_config' }];
  }
  if (id === 0 || file === null) return [];
  return [{ path: ['chat_id_file'], message: 'at most one of chat_id & chat_id_file must be configured' }];
}

export function completeTelegram(settings: TelegramSettings, global: GlobalSettings) {
  const hasToken = settings.bot_token !== null || settings.bot_token_file !== null;
  const completed = {
    ...settings,
    http_config: ownHttpSettings(settings.http_config, global.http_config),
    api_url: settings.api_url ?? global.telegram_api_url,
    bot_token: hasToken ? settings.bot_token : global.telegram_bot_token,
    bot_token_file: hasToken ? settings.bot_token_file : global.telegram_bot_token_file,
  };
  if (completed.bot_token !== null || completed.bot_token_file !== null) return { settings: completed };
  return { problems: [{ path: [], message: 'missing bot_token or bot_token_file on telegram_config' }] };
}

export function templatedFieldsOfTelegram(settings: TelegramSettings): readonly TemplatedField[] {
  return [{ path: ['message'], text: settings.message, isHtml: settings.parse_mode === 'HTML' }];
}
