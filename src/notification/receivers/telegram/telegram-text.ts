import type { Message } from '../../message.ts';
import type { MessageTemplates } from '../../templates/message-templates.ts';
import { shortenedHtml, shortenedMarkdown } from '../shortened-markup.ts';
import type { ParseMode, TelegramSettings } from './telegram-settings.ts';

/** What Telegram shows of a message at most, in UTF-16 units, tags not counted. */
const maxTelegramCharacters = 4_096;
/** What it reads of one, with its tags: 32 KiB, of which a unit has three bytes at most. */
const maxTelegramWritten = 10_900;

export interface TelegramText {
  readonly text: string;
  readonly parseMode: ParseMode;
  /** The same without markup, for where Telegram cannot read that. */
  plain(): TelegramText;
}

/**
 * The text of a message, within Telegram's limit and with its markup whole.
 * Rejects with a TemplateFailure.
 */
export async function telegramText(
  { message: template, parse_mode: mode }: Pick<TelegramSettings, 'message' | 'parse_mode'>,
  message: Message,
  templates: MessageTemplates,
): Promise<TelegramText> {
  switch (mode) {
    case 'HTML': {
      const html = await templates.html(template, message);
      const limits = { maxVisible: maxTelegramCharacters, maxWritten: maxTelegramWritten };
      return { text: shortenedHtml(html, limits), parseMode: mode, plain: () => plainText(textOfHtml(html)) };
    }
    case 'Markdown':
    case 'MarkdownV2': {
      const markdown = await templates.text(template, message);
      const text = shortenedMarkdown(markdown, maxTelegramCharacters, mode);
      const plain = () => plainText(markdown);
      return text === null ? plain() : { text, parseMode: mode, plain };
    }
    default:
      return plainText(await templates.text(template, message));
  }
}

function plainText(text: string): TelegramText {
  const plain: TelegramText = { text: cut(text), parseMode: '', plain: () => plain };
  return plain;
}

/** Counted in UTF-16 units, and not cut within a pair of them. */
function cut(text: string): string {
  if (text.length <= maxTelegramCharacters) return text;
  return text.slice(0, maxTelegramCharacters - 1).replace(/[\ud800-\udbff]$/, '') + '…';
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&quot;': '"',
  '&#34;': '"',
  '&#39;': "'",
};

function textOfHtml(html: string): string {
  return html
    .replaceAll(/<\/?[a-zA-Z][^<>]{0,2048}>/g, '')
    .replaceAll(/&(?:lt|gt|amp|quot|#34|#39);/g, (entity) => ENTITIES[entity] ?? entity);
}
