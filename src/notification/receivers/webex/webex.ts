import { z } from 'zod';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import { checkedBy, sendResolved, text, url } from '../../configuration/setting-schemas.ts';
import { attempt, judgeAnswer } from '../answers.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  ownHttpSettings,
  sendJson,
} from '../http-calls.ts';
import { jsonOf, textIn } from '../json-answers.ts';
import type { ReceiverKind } from '../receiver-kind.ts';
import { truncateBytes } from '../truncation.ts';

/** What Webex takes of a message before it encrypts it: 7,439 bytes, as Alertmanager and clients that quote its documentation have it. */
export const maxMessageBytes = 7_439;

const settingsSchema = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    api_url: url(),
    message: text('{{ template "webex.default.message" . }}'),
    room_id: text(),
  })
  .superRefine(
    checkedBy((settings) => [
      ...(settings.room_id === '' ? [{ path: [], message: 'missing room_id on webex_config' }] : []),
      ...(settings.http_config?.authorization === undefined
        ? [{ path: [], message: 'missing webex_configs.http_config.authorization' }]
        : []),
    ]),
  );

type WebexSettings = z.output<typeof settingsSchema>;

/** `webex_configs`: a message to a room, as a bot whose token stands in `http_config.authorization`. */
export const webexReceiver: ReceiverKind<WebexSettings> = {
  key: 'webex_configs',
  type: 'webex',
  addressKeys: ['api_url', 'room_id'],
  settings: settingsSchema,
  complete: (settings, global) => ({
    settings: {
      ...settings,
      http_config: ownHttpSettings(settings.http_config, global.http_config),
      api_url: settings.api_url ?? global.webex_api_url,
    },
  }),
  templatedFields: ({ message, room_id: room }) => [
    { path: ['message'], text: message },
    { path: ['room_id'], text: room },
  ],
  create: (settings, index, tools) => ({
    type: 'webex',
    index,
    sendResolved: settings.send_resolved,
    maxAlerts: defaultMaxAlerts,
    timeoutMs: defaultTimeoutMs,
    send: (message, { signal }) =>
      attempt(async () => {
        const expand = (template: string) => tools.templates.text(template, message);
        const body = {
          markdown: truncateBytes(await expand(settings.message), maxMessageBytes),
          roomId: await expand(settings.room_id),
        };
        const call = { url: settings.api_url ?? '', body, signal, settings: completedHttpSettings(settings) };
        const answer = await sendJson(call, tools);
        return judgeAnswer(answer, tools.clock, { details: (said) => textIn(jsonOf(said), 'message') });
      }),
  }),
};
