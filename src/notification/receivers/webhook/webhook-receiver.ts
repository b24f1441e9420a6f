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
  secretTemplateUrl,
  sendResolved,
  wholeNumber,
} from '../../configuration/setting-schemas.ts';
import type { Message } from '../../message.ts';
import { TemplateFailure } from '../../templates/message-templates.ts';
import { attempt, judgeAnswer } from '../answers.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  ownHttpSettings,
  settingOf,
} from '../http-calls.ts';
import type { SendOptions } from '../integration.ts';
import type { IntegrationTools, ReceiverKind } from '../receiver-kind.ts';
import { payloadJson, templatesOf } from '../payload-template.ts';
import { signatureOf } from './signature.ts';
import { webhookPayload } from './webhook-payload.ts';

/** Omoi's own keys. */
const ownSettings = z
  .strictObject({
    signing_secret: secret(),
    signing_secret_file: filePath(),
    /** Whether Alertmanager's payload has those of Omoi, too. */
    links: flag(),
  })
  .superRefine(checkedBy((settings) => atMostOne(settings, 'signing_secret', 'signing_secret_file')));

const settingsSchema = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    url: secretTemplateUrl(),
    url_file: filePath(),
    /** 0: as many as there are, as Alertmanager has it; it also does where nothing is written. */
    max_alerts: wholeNumber(defaultMaxAlerts, { min: 0 }),
    timeout: goDuration(0),
    payload: z.unknown().optional(),
    'x-omoi': ownSettings.nullish(),
  })
  .superRefine(
    checkedBy((settings) => [
      ...atLeastOne(settings, 'url', 'url_file'),
      ...atMostOne(settings, 'url', 'url_file'),
    ]),
  );

type WebhookSettings = z.output<typeof settingsSchema>;

/** It comes with alerts from outside: what is none is no reason to send nothing. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Parts of an address that are no template: they may be secret. */
function literalsOf(template: string): readonly string[] {
  return template.split(/\{\{.*?\}\}/s).filter((part) => part.length > 2);
}

/** The address of a message. @throws TemplateFailure, in words that do not repeat it */
async function addressOf(
  template: string,
  message: Message,
  { templates }: IntegrationTools,
): Promise<string> {
  try {
    const address = (await templates.text(template, message)).trim();
    if (address === '') throw new TemplateFailure('the address is empty after its template was run');
    return address;
  } catch (error) {
    if (!(error instanceof TemplateFailure)) throw error;
    const shown = literalsOf(template).reduce(
      (text, part) => text.replaceAll(part, '<secret>'),
      error.message,
    );
    throw new TemplateFailure(`url: ${shown}`);
  }
}

class Webhook {
  readonly #settings: WebhookSettings;
  readonly #tools: IntegrationTools;
  readonly #httpSettings: ReturnType<typeof completedHttpSettings>;

  constructor(settings: WebhookSettings, tools: IntegrationTools) {
    this.#settings = settings;
    this.#tools = tools;
    this.#httpSettings = completedHttpSettings(settings);
  }

  send(message: Message, { signal }: SendOptions) {
    return attempt(async () => {
      const { url, url_file } = this.#settings;
      const { clock, http } = this.#tools;
      const address = await addressOf(await settingOf(url, url_file, this.#tools), message, this.#tools);
      const body = await this.#body(message);
      const answer = await http.request({
        method: 'POST',
        url: address,
        headers: await this.#headers(message, body),
        body,
        signal,
        settings: this.#httpSettings,
      });
      return judgeAnswer(answer, clock);
    });
  }

  async #body(message: Message): Promise<readonly Uint8Array[]> {
    const { payload } = this.#settings;
    const { writing, templates } = this.#tools;
    if (payload === null || payload === undefined) {
      const form = this.#settings['x-omoi']?.links === true ? '4 with links' : '4';
      return await webhookPayload(message, writing, form);
    }
    const expand = (text: string) => templates.text(text, message);
    const json = await payloadJson(payload, { expand, writing });
    return [Buffer.from(`${json}\n`)];
  }

  async #headers(message: Message, body: readonly Uint8Array[]): Promise<Readonly<Record<string, string>>> {
    const own = this.#settings['x-omoi'];
    const secretText = own ? await settingOf(own.signing_secret, own.signing_secret_file, this.#tools) : '';
    const signature = secretText === '' ? null : await signatureOf(body, secretText, this.#tools);
    return {
      'content-type': 'application/json',
      'idempotency-key': message.notificationId,
      ...(TRACEPARENT.test(message.traceparent ?? '') ? { traceparent: message.traceparent ?? '' } : {}),
      ...(signature === null ? {} : { 'omoi-signature': signature }),
    };
  }
}

/** Alertmanager's generic webhook: its payload or one of the configuration, to whatever listens. */
export const webhookReceiver: ReceiverKind<WebhookSettings> = {
  key: 'webhook_configs',
  type: 'webhook',
  addressKeys: ['url', 'url_file'],
  settings: settingsSchema,
  complete: (settings, { http_config }) => ({
    settings: { ...settings, http_config: ownHttpSettings(settings.http_config, http_config) },
  }),
  templatedFields: ({ url, payload }) => [
    ...(url === null ? [] : [{ path: ['url'], text: url }]),
    ...templatesOf(payload, ['payload']),
  ],
  create(settings, index, tools) {
    const webhook = new Webhook(settings, tools);
    return {
      type: 'webhook',
      index,
      sendResolved: settings.send_resolved,
      maxAlerts: settings.max_alerts === 0 ? Number.MAX_SAFE_INTEGER : settings.max_alerts,
      timeoutMs: settings.timeout > 0 ? settings.timeout : defaultTimeoutMs,
      send: (message, options) => webhook.send(message, options),
    };
  },
};
