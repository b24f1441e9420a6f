import { statusOfMessage, type Message } from '../../message.ts';
import type { Expand } from '../../templates/message-templates.ts';
import { attempt, judgeAnswer } from '../answers.ts';
import { hashOfGroup } from '../group-key.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  sendJson,
  settingOf,
  type JsonCall,
} from '../http-calls.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import type { Delivery, SendOptions } from '../integration.ts';
import { jsonOf, textIn } from '../json-answers.ts';
import type { IntegrationTools, ReceiverKind } from '../receiver-kind.ts';
import { expandedSecret } from '../secret-template.ts';
import { opsgenieAlert } from './opsgenie-alert.ts';
import {
  completeOpsgenie,
  opsgenieSettings,
  templatedFieldsOfOpsgenie,
  type OpsgenieSettings,
} from './opsgenie-settings.ts';

/** `opsgenie_configs`: an alert a group, closed when all of it is resolved. */
export const opsgenieReceiver: ReceiverKind<OpsgenieSettings> = {
  key: 'opsgenie_configs',
  type: 'opsgenie',
  addressKeys: ['api_url', 'api_key', 'api_key_file'],
  opensIncidents: true,
  settings: opsgenieSettings,
  complete: completeOpsgenie,
  templatedFields: templatedFieldsOfOpsgenie,
  create: (settings, index, tools) => ({
    type: 'opsgenie',
    index,
    sendResolved: settings.send_resolved,
    maxAlerts: defaultMaxAlerts,
    timeoutMs: defaultTimeoutMs,
    send: (message, options) => attempt(() => sendToOpsgenie(message, options, { settings, tools })),
  }),
};

interface Sender {
  readonly settings: OpsgenieSettings;
  readonly tools: IntegrationTools;
}

/** All of it may be done again: an alias that is open is the same alert, one that is closed stays closed. */
async function sendToOpsgenie(message: Message, { signal }: SendOptions, sender: Sender): Promise<Delivery> {
  const { settings, tools } = sender;
  const text = (template: string) => tools.templates.text(template, message);
  const requests = await requestsFor(settings, message, text);
  const written = await settingOf(settings.api_key, settings.api_key_file, tools);
  const key = await expandedSecret('api_key', written, text);
  let delivery: Delivery = { outcome: 'delivered', answer: '' };
  for (const request of requests) {
    const headers = { authorization: `GenieKey ${key}` };
    const call = { ...request, headers, signal, settings: completedHttpSettings(settings) };
    const answer = await sendJson(call, tools);
    delivery = judgeAnswer(answer, tools.clock, { details: detailsOf, secrets: [key] });
    if (delivery.outcome === 'failed') return delivery;
  }
  return delivery;
}

type OpsgenieRequest = Required<Pick<JsonCall, 'method' | 'url' | 'body'>>;

async function requestsFor(
  settings: OpsgenieSettings,
  message: Message,
  text: Expand,
): Promise<readonly OpsgenieRequest[]> {
  const alias = hashOfGroup(message.groupKey);
  const at = (path: string) => addressOf(settings.api_url ?? '', path);
  if (statusOfMessage(message) === 'resolved') {
    const body = { source: await text(settings.source) };
    return [{ method: 'POST', url: at(`v2/alerts/${alias}/close?identifierType=alias`), body }];
  }
  const alert = await opsgenieAlert(settings, message, text);
  const create: OpsgenieRequest = { method: 'POST', url: at('v2/alerts'), body: { alias, ...alert } };
  if (!settings.update_alerts) return [create];
  const description = 'description' in alert ? { description: alert['description'] } : {};
  return [
    create,
    {
      method: 'PUT',
      url: at(`v2/alerts/${alias}/message?identifierType=alias`),
      body: { message: alert.message },
    },
    { method: 'PUT', url: at(`v2/alerts/${alias}/description?identifierType=alias`), body: description },
  ];
}

/** Below the address of the API, which may have a query of its own. */
function addressOf(apiUrl: string, path: string): string {
  const url = new URL(apiUrl);
  const [below = '', query = ''] = path.split('?');
  url.pathname += below;
  for (const [name, value] of new URLSearchParams(query)) url.searchParams.set(name, value);
  return url.href;
}

function detailsOf(answer: HttpAnswer): string {
  return textIn(jsonOf(answer), 'message');
}
