import { z } from 'zod';
import { withSlashAtEnd } from '../../configuration/go-url.ts';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atMostOne,
  checkedBy,
  filePath,
  secret,
  sendResolved,
  text,
  textMap,
  url,
} from '../../configuration/setting-schemas.ts';
import { statusOfMessage, type Message } from '../../message.ts';
import type { Expand } from '../../templates/message-templates.ts';
import { attempt, judgeAnswer } from '../answers.ts';
import { inOrder } from '../in-order.ts';
import { hashOfGroup } from '../group-key.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  ownHttpSettings,
  sendJson,
  settingOf,
} from '../http-calls.ts';
import { jsonOf, textIn } from '../json-answers.ts';
import type { ReceiverKind, SettingsProblem } from '../receiver-kind.ts';
import { truncateCharacters } from '../truncation.ts';

/** What Splunk On-Call takes of a message: as Alertmanager has it. */
const maxStateMessageCharacters = 20_480;

const FIRING_TYPES = ['INFO', 'WARNING', 'CRITICAL'];

const RESERVED_FIELDS = [
  'routing_key',
  'message_type',
  'state_message',
  'entity_display_name',
  'monitoring_tool',
  'entity_id',
  'entity_state',
];

const settingsSchema = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    api_key: secret(),
    api_key_file: filePath(),
    api_url: url(),
    routing_key: text(),
    message_type: text('CRITICAL'),
    state_message: text('{{ template "victorops.default.state_message" . }}'),
    entity_display_name: text('{{ template "victorops.default.entity_display_name" . }}'),
    monitoring_tool: text('{{ template "victorops.default.monitoring_tool" . }}'),
    custom_fields: textMap(),
  })
  .superRefine(
    checkedBy((settings) => [
      ...(settings.routing_key === '' ? [MISSING_ROUTING_KEY] : []),
      ...atMostOne(settings, 'api_key', 'api_key_file'),
      ...RESERVED_FIELDS.filter((field) => Object.hasOwn(settings.custom_fields, field)).map(reserved),
    ]),
  );

type VictoropsSettings = z.output<typeof settingsSchema>;

const MISSING_ROUTING_KEY: SettingsProblem = { path: [], message: 'missing Routing key in VictorOps config' };

function reserved(field: string): SettingsProblem {
  const message = `the custom field ${field} cannot be used: it is one of the fixed fields`;
  return { path: ['custom_fields', field], message };
}

/** `victorops_configs`: Splunk On-Call, by its REST endpoint. */
export const victoropsReceiver: ReceiverKind<VictoropsSettings> = {
  key: 'victorops_configs',
  type: 'victorops',
  addressKeys: ['api_url', 'api_key', 'api_key_file', 'routing_key'],
  opensIncidents: true,
  settings: settingsSchema,
  complete(settings, global) {
    const hasKey = settings.api_key !== null || settings.api_key_file !== null;
    const completed = {
      ...settings,
      http_config: ownHttpSettings(settings.http_config, global.http_config),
      api_url: withSlashAtEnd(settings.api_url ?? global.victorops_api_url),
      api_key: hasKey ? settings.api_key : global.victorops_api_key,
      api_key_file: hasKey ? settings.api_key_file : global.victorops_api_key_file,
    };
    if (completed.api_key !== null || completed.api_key_file !== null) return { settings: completed };
    return { problems: [{ path: [], message: 'no global VictorOps API Key set' }] };
  },
  templatedFields: (settings) => [
    ...TEMPLATED.map((key) => ({ path: [key], text: settings[key] })),
    ...Object.entries(settings.custom_fields).map(([name, value]) => ({
      path: ['custom_fields', name],
      text: value,
    })),
  ],
  create: (settings, index, tools) => ({
    type: 'victorops',
    index,
    sendResolved: settings.send_resolved,
    maxAlerts: defaultMaxAlerts,
    timeoutMs: defaultTimeoutMs,
    send: (message, { signal }) =>
      attempt(async () => {
        const expand = (template: string) => tools.templates.text(template, message);
        const body = await payloadOf(settings, message, expand);
        const routingKey = await expand(settings.routing_key);
        const key = await settingOf(settings.api_key, settings.api_key_file, tools);
        const address = new URL(settings.api_url ?? '');
        address.pathname += `${encodeURIComponent(key)}/${encodeURIComponent(routingKey)}`;
        const call = { url: address.href, body, signal, settings: completedHttpSettings(settings) };
        const answer = await sendJson(call, tools);
        return judgeAnswer(answer, tools.clock, {
          details: (said) => textIn(jsonOf(said), 'message'),
          secrets: [key],
        });
      }),
  }),
};

const TEMPLATED = [
  'routing_key',
  'message_type',
  'state_message',
  'entity_display_name',
  'monitoring_tool',
] as const;

async function payloadOf(settings: VictoropsSettings, message: Message, expand: Expand) {
  const type = await expand(settings.message_type);
  const firingType = FIRING_TYPES.includes(type) ? type : 'CRITICAL';
  const custom = await inOrder(
    Object.entries(settings.custom_fields),
    async ([name, value]) => [name, await expand(value)] as const,
  );
  return {
    message_type: statusOfMessage(message) === 'resolved' ? 'RECOVERY' : firingType,
    entity_id: hashOfGroup(message.groupKey),
    entity_display_name: await expand(settings.entity_display_name),
    state_message: truncateCharacters(await expand(settings.state_message), maxStateMessageCharacters),
    monitoring_tool: await expand(settings.monitoring_tool),
    ...Object.fromEntries(custom),
  };
}
