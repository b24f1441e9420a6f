import { z } from 'zod';

import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atLeastOne,
  atMostOne,
  checkedBy,
  filePath,
  secretUrl,
  sendResolved,
  text,
} from '../../configuration/setting-schemas.ts';
import { type Message, statusOfMessage } from '../../message.ts';
import { attempt, cappedWaitMs, judgeAnswer } from '../answers.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  ownHttpSettings,
  sendJson,
  settingOf,
} from '../http-calls.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import type { ReceiverKind } from '../receiver-kind.ts';
import { truncateCharacters } from '../truncation.ts';

/** https://discord.com/developers/docs/resources/message#embed-object-embed-limits */
const maxTitleCharacters = 256;
const maxDescriptionCharacters = 4096;
const maxContentCharacters = 2000;

const RED = 0x99_2d_22;
const GREEN = 0x2e_cc_71;

const settingsSchema = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    webhook_url: secretUrl(),
    webhook_url_file: filePath(),
    content: text(),
    title: text('{{ template "discord.default.title" . }}'),
    message: text('{{ template "discord.default.message" . }}'),
    username: text(),
    avatar_url: text(),
  })
  .superRefine(
    checkedBy((settings) => [
      ...atLeastOne(settings, 'webhook_url', 'webhook_url_file'),
      ...atMostOne(settings, 'webhook_url', 'webhook_url_file'),
    ]),
  );

type DiscordSettings = z.output<typeof settingsSchema>;

/** `{"message": "You are being rate limited.", "retry_after": 0.3, "global": false}`, in seconds and exacter than the header. */
const rateLimit = z.object({ retry_after: z.number() });

function retryAfterMs({ body }: HttpAnswer): number | null {
  try {
    const parsed = rateLimit.safeParse(JSON.parse(body));
    return parsed.success ? cappedWaitMs(parsed.data.retry_after * 1000) : null;
  } catch {
    return null;
  }
}

/**
 * Asks for the answer that tells what became of the message: without `wait` Discord says 204 also where it has not kept one. (Alertmanager
 * does not ask.) What the address says of it stands.
 */
function confirmed(written: string): string {
  const url = URL.parse(written);
  if (url === null || url.searchParams.has('wait')) return written;
  url.searchParams.set('wait', 'true');
  return url.href;
}

/** Messages to a channel of Discord by its webhook. */
export const discordReceiver: ReceiverKind<DiscordSettings> = {
  key: 'discord_configs',
  type: 'discord',
  addressKeys: ['webhook_url', 'webhook_url_file'],
  settings: settingsSchema,
  complete: (settings, { http_config }) => ({
    settings: { ...settings, http_config: ownHttpSettings(settings.http_config, http_config) },
  }),
  templatedFields: (settings) =>
    (['title', 'message', 'content'] as const).map((key) => ({ path: [key], text: settings[key] })),
  create(settings, index, tools) {
    const httpSettings = completedHttpSettings(settings);
    const payloadOf = async (message: Message): Promise<unknown> => {
      const expand = async (template: string, max: number): Promise<string> =>
        truncateCharacters(await tools.templates.text(template, message), max);
      return {
        content: await expand(settings.content, maxContentCharacters),
        embeds: [
          {
            title: await expand(settings.title, maxTitleCharacters),
            description: await expand(settings.message, maxDescriptionCharacters),
            color: statusOfMessage(message) === 'firing' ? RED : GREEN,
          },
        ],
        ...(settings.username === '' ? {} : { username: settings.username }),
        ...(URL.canParse(settings.avatar_url) ? { avatar_url: settings.avatar_url } : {}),
      };
    };
    return {
      type: 'discord',
      index,
      sendResolved: settings.send_resolved,
      maxAlerts: defaultMaxAlerts,
      timeoutMs: defaultTimeoutMs,
      send: (message, { signal }) =>
        attempt(async () => {
          const body = await payloadOf(message);
          const written = await settingOf(settings.webhook_url, settings.webhook_url_file, tools);
          const url = confirmed(written);
          const answer = await sendJson({ url, body, signal, settings: httpSettings }, tools);
          return judgeAnswer(answer, tools.clock, { retryAfterMs });
        }),
    };
  },
};
