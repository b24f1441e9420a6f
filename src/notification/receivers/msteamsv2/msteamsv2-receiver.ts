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
import { attempt, judgeAnswer, wholeAnswer } from '../answers.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  ownHttpSettings,
  sendJson,
  settingOf,
} from '../http-calls.ts';
import type { ReceiverKind } from '../receiver-kind.ts';
import { truncateBytes } from '../truncation.ts';

/**
 * Teams refuses messages of more than about 28 KB; what is around the two texts takes less than 1 KB, and a character of them at most six
 * bytes in JSON, mostly one.
 * https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
 */
export const maxMessageBytes = 27_000;
const maxTitleBytes = 1_000;

const settingsSchema = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    webhook_url: secretUrl(),
    webhook_url_file: filePath(),
    title: text('{{ template "msteamsv2.default.title" . }}'),
    text: text('{{ template "msteamsv2.default.text" . }}'),
  })
  .superRefine(
    checkedBy((settings) => [
      ...atLeastOne(settings, 'webhook_url', 'webhook_url_file'),
      ...atMostOne(settings, 'webhook_url', 'webhook_url_file'),
    ]),
  );

type TeamsSettings = z.output<typeof settingsSchema>;

/** An adaptive card as a workflow ("when a Teams webhook request is received") takes it. */
function cardOf(title: string, shown: string, color: 'Attention' | 'Good'): unknown {
  const block = { type: 'TextBlock', wrap: true };
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.2',
          body: [
            { ...block, text: title, weight: 'Bolder', size: 'Medium', style: 'heading', color },
            { ...block, text: shown },
          ],
          msteams: { width: 'full' },
        },
      },
    ],
  };
}

/** The card with as much of the text as the limit lets in. */
function boundedCard(title: string, shown: string, color: 'Attention' | 'Good'): unknown {
  const bytesOf = (card: unknown): number => Buffer.byteLength(JSON.stringify(card));
  const shortTitle = truncateBytes(title, maxTitleBytes);
  const whole = cardOf(shortTitle, shown, color);
  const excess = bytesOf(whole) - maxMessageBytes;
  if (excess <= 0) return whole;
  // What is written with escapes takes more bytes than it has: cut by the share that is too much, and by it again at worst.
  let kept = shown;
  let card = whole;
  while (bytesOf(card) > maxMessageBytes) {
    const share = maxMessageBytes / bytesOf(card);
    kept = truncateBytes(kept, Math.floor(Buffer.byteLength(kept) * share * 0.98));
    card = cardOf(shortTitle, kept, color);
  }
  return card;
}

/** A connector may answer 200 and tell in the text that Teams itself refused the message. */
const REFUSED_BY_TEAMS = /HTTP error ([45]\d{2})/;

/** Adaptive cards to a channel or chat of Microsoft Teams by a workflow. */
export const msteamsv2Receiver: ReceiverKind<TeamsSettings> = {
  key: 'msteamsv2_configs',
  type: 'msteamsv2',
  addressKeys: ['webhook_url', 'webhook_url_file'],
  settings: settingsSchema,
  complete: (settings, { http_config }) => ({
    settings: { ...settings, http_config: ownHttpSettings(settings.http_config, http_config) },
  }),
  templatedFields: ({ title, text: body }) => [
    { path: ['title'], text: title },
    { path: ['text'], text: body },
  ],
  create(settings, index, tools) {
    const httpSettings = completedHttpSettings(settings);
    const payloadOf = async (message: Message): Promise<unknown> => {
      const title = await tools.templates.text(settings.title, message);
      const shown = await tools.templates.text(settings.text, message);
      return boundedCard(title, shown, statusOfMessage(message) === 'firing' ? 'Attention' : 'Good');
    };
    return {
      type: 'msteamsv2',
      index,
      sendResolved: settings.send_resolved,
      maxAlerts: defaultMaxAlerts,
      timeoutMs: defaultTimeoutMs,
      send: (message, { signal }) =>
        attempt(async () => {
          const body = await payloadOf(message);
          const url = await settingOf(settings.webhook_url, settings.webhook_url_file, tools);
          const answer = wholeAnswer(await sendJson({ url, body, signal, settings: httpSettings }, tools));
          const [, status] = REFUSED_BY_TEAMS.exec(answer.body) ?? [];
          const isRefused = answer.status === 200 && status !== undefined;
          return judgeAnswer(isRefused ? { ...answer, status: Number(status) } : answer, tools.clock);
        }),
    };
  },
};
