import type { Message } from '../../message.ts';
import { attempt, cappedWaitMs, failed, judgeAnswer } from '../answers.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  sendJson,
  settingOf,
} from '../http-calls.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import type { Delivery, SendOptions } from '../integration.ts';
import { isRecord, jsonOf, textIn } from '../json-answers.ts';
import type { IntegrationTools, ReceiverKind } from '../receiver-kind.ts';
import { telegramText, type TelegramText } from './telegram-text.ts';
import {
  completeTelegram,
  telegramSettings,
  templatedFieldsOfTelegram,
  type TelegramSettings,
} from './telegram-settings.ts';

/** `telegram_configs`: a message of a bot, as the Bot API documents `sendMessage` (an undated copy of 2026). */
export const telegramReceiver: ReceiverKind<TelegramSettings> = {
  key: 'telegram_configs',
  type: 'telegram',
  addressKeys: ['api_url', 'bot_token', 'bot_token_file', 'chat_id', 'chat_id_file', 'message_thread_id'],
  settings: telegramSettings,
  complete: completeTelegram,
  templatedFields: templatedFieldsOfTelegram,
  create: (settings, index, tools) => ({
    type: 'telegram',
    index,
    sendResolved: settings.send_resolved,
    maxAlerts: defaultMaxAlerts,
    timeoutMs: defaultTimeoutMs,
    send: (message, options) => attempt(() => sendToTelegram(message, options, { settings, tools })),
  }),
};

interface Sender {
  readonly settings: TelegramSettings;
  readonly tools: IntegrationTools;
}

async function sendToTelegram(message: Message, { signal }: SendOptions, sender: Sender): Promise<Delivery> {
  const { settings, tools } = sender;
  const { bot_token, bot_token_file, chat_id_file } = settings;
  const text = await telegramText(settings, message, tools.templates);
  const token = await settingOf(bot_token, bot_token_file, tools);
  const chat =
    chat_id_file === null ? String(settings.chat_id) : (await tools.readSecret(chat_id_file)).trim();
  if (!/^-?\d+$/.test(chat)) {
    return failed('clientError', `chat_id_file ${chat_id_file} does not hold the number of a chat`, {
      retryable: false,
    });
  }
  const ask = ({ text: words, parseMode }: TelegramText) =>
    sendJson(
      {
        url: `${(settings.api_url ?? '').replace(/\/+$/, '')}/bot${token}/sendMessage`,
        body: {
          chat_id: Number(chat),
          text: words,
          ...(parseMode === '' ? {} : { parse_mode: parseMode }),
          ...(settings.message_thread_id === 0 ? {} : { message_thread_id: settings.message_thread_id }),
          disable_notification: settings.disable_notifications,
          link_preview_options: { is_disabled: true },
        },
        signal,
        settings: completedHttpSettings(settings),
      },
      tools,
    );
  const answer = await ask(text);
  // A label with a stray `_` must not cost the message.
  const isMarkupRefused = answer.status === 400 && descriptionOf(answer).includes("can't parse entities");
  const last = isMarkupRefused && text.parseMode !== '' ? await ask(text.plain()) : answer;
  return judgeAnswer(last, tools.clock, { details: descriptionOf, retryAfterMs, secrets: [token] });
}

/** A group that has become a supergroup has another id, which the answer names. */
function descriptionOf(answer: HttpAnswer): string {
  const said = jsonOf(answer);
  const parameters = said?.['parameters'];
  const movedTo = isRecord(parameters) ? parameters['migrate_to_chat_id'] : undefined;
  const moved = typeof movedTo === 'number' ? `; write chat_id: ${movedTo}` : '';
  return textIn(said, 'description') + moved;
}

/** `{"ok": false, "error_code": 429, "parameters": {"retry_after": 5}}`, in seconds. */
function retryAfterMs(answer: HttpAnswer): number | null {
  const parameters = jsonOf(answer)?.['parameters'];
  const seconds = isRecord(parameters) ? parameters['retry_after'] : null;
  return typeof seconds === 'number' ? cappedWaitMs(seconds * 1_000) : null;
}
