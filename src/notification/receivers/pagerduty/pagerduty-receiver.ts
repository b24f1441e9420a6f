import { z } from 'zod';

import type { Message } from '../../message.ts';
import type { Expand } from '../../templates/message-templates.ts';
import { attempt, failed, judgeAnswer } from '../answers.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  ownHttpSettings,
  settingOf,
} from '../http-calls.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import type { Delivery } from '../integration.ts';
import type { IntegrationTools, ReceiverKind } from '../receiver-kind.ts';
import { eventV1, eventV2 } from './pagerduty-events.ts';
import {
  type PagerdutySettings,
  pagerdutySettingsSchema,
  templatedFieldsOfPagerduty,
} from './pagerduty-settings.ts';

/** The first version of the API, on the host of the second. */
const V1_PATH = '/generic/2010-04-15/create_event.json';

const refusalSchema = z.object({ message: z.string(), errors: z.array(z.string()).default([]) });

/** `{"status":"invalid event","message":"Event object is invalid","errors":["…"]}` */
function detailsOf({ body }: HttpAnswer): string {
  try {
    const refusal = refusalSchema.safeParse(JSON.parse(body));
    return refusal.success ? `${refusal.data.message}: ${refusal.data.errors.join(',')}` : '';
  } catch {
    return '';
  }
}

class Pagerduty {
  readonly #settings: PagerdutySettings;
  readonly #tools: IntegrationTools;
  readonly #httpSettings: ReturnType<typeof completedHttpSettings>;

  constructor(settings: PagerdutySettings, tools: IntegrationTools) {
    this.#settings = settings;
    this.#tools = tools;
    this.#httpSettings = completedHttpSettings(settings);
  }

  send(message: Message, signal: AbortSignal): Promise<Delivery> {
    return attempt(async () => {
      const { service_key, service_key_file, routing_key, routing_key_file } = this.#settings;
      const expand: Expand = (template) => this.#tools.templates.text(template, message);
      if (service_key !== null || service_key_file !== null) {
        const serviceKey = await expand(await settingOf(service_key, service_key_file, this.#tools));
        if (serviceKey === '') return missing('service_key');
        const body = await eventV1(this.#settings, message, {
          serviceKey,
          expand,
          writing: this.#tools.writing,
        });
        // A 403 of this version is a rate limit.
        const rules = { retryStatuses: [403], details: detailsOf, secrets: [serviceKey] };
        return judgeAnswer(await this.#call(this.#urlV1, body, signal), this.#tools.clock, rules);
      }
      const routingKey = await expand(await settingOf(routing_key, routing_key_file, this.#tools));
      if (routingKey === '') return missing('routing_key');
      const body = await eventV2(this.#settings, message, {
        routingKey,
        expand,
        writing: this.#tools.writing,
      });
      const rules = { details: detailsOf, secrets: [routingKey] };
      return judgeAnswer(await this.#call(this.#url, body, signal), this.#tools.clock, rules);
    });
  }

  get #url(): string {
    return this.#settings.url ?? '';
  }

  get #urlV1(): string {
    return new URL(V1_PATH, this.#url).href;
  }

  #call(url: string, body: string, signal: AbortSignal): Promise<HttpAnswer> {
    return this.#tools.http.request({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json' },
      body,
      signal,
      settings: this.#httpSettings,
    });
  }
}

function missing(key: string): Delivery {
  return failed('clientError', `${key} is empty after its template was run`, { retryable: false });
}

/** Incidents of PagerDuty by its Events API: version 2 for a `routing_key`, 1 for a `service_key`. */
export const pagerdutyReceiver: ReceiverKind<PagerdutySettings> = {
  key: 'pagerduty_configs',
  type: 'pagerduty',
  addressKeys: ['url', 'routing_key', 'routing_key_file', 'service_key', 'service_key_file'],
  opensIncidents: true,
  settings: pagerdutySettingsSchema,
  complete: (settings, { http_config, pagerduty_url }) => ({
    settings: {
      ...settings,
      http_config: ownHttpSettings(settings.http_config, http_config),
      url: settings.url ?? pagerduty_url,
    },
  }),
  templatedFields: templatedFieldsOfPagerduty,
  create(settings, index, tools) {
    const pagerduty = new Pagerduty(settings, tools);
    return {
      type: 'pagerduty',
      index,
      sendResolved: settings.send_resolved,
      maxAlerts: defaultMaxAlerts,
      timeoutMs: settings.timeout > 0 ? settings.timeout : defaultTimeoutMs,
      send: (message, { signal }) => pagerduty.send(message, signal),
    };
  },
};
