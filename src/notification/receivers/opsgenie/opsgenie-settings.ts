import { z } from 'zod';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import { withSlashAtEnd } from '../../configuration/go-url.ts';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atMostOne,
  checkedBy,
  filePath,
  flag,
  secret,
  sendResolved,
  text,
  textMap,
  url,
} from '../../configuration/setting-schemas.ts';
import { ownHttpSettings } from '../http-calls.ts';
import type { SettingsProblem, TemplatedField } from '../receiver-kind.ts';

const responder = z.strictObject({ id: text(), name: text(), username: text(), type: text() });

export type Responder = z.output<typeof responder>;

/** An entry of `opsgenie_configs`, as Alertmanager has it. */
export const opsgenieSettings = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    api_key: secret(),
    api_key_file: filePath(),
    api_url: url(),
    message: text('{{ template "opsgenie.default.message" . }}'),
    description: text('{{ template "opsgenie.default.description" . }}'),
    source: text('{{ template "opsgenie.default.source" . }}'),
    details: textMap(),
    entity: text(),
    responders: z
      .array(responder, 'expected a list')
      .nullish()
      .transform((value): readonly Responder[] => value ?? []),
    actions: text(),
    tags: text(),
    note: text(),
    priority: text(),
    update_alerts: flag(),
  })
  .superRefine(
    checkedBy((settings) => [
      ...atMostOne(settings, 'api_key', 'api_key_file'),
      ...settings.responders.flatMap(responderProblems),
    ]),
  );

export type OpsgenieSettings = z.output<typeof opsgenieSettings>;

const RESPONDER_TYPES = ['team', 'teams', 'user', 'escalation', 'schedule'];

function responderProblems(
  { id, name, username, type }: Responder,
  index: number,
): readonly SettingsProblem[] {
  if (id === '' && name === '' && username === '') {
    const message = 'a responder has to have at least one of id, username or name';
    return [{ path: ['responders', index], message }];
  }
  if (type.includes('{{') || RESPONDER_TYPES.includes(type.toLowerCase())) return [];
  const message = `the type of a responder is one of ${RESPONDER_TYPES.join(', ')}, and not "${type}"`;
  return [{ path: ['responders', index, ...(type === '' ? [] : ['type'])], message }];
}

export function completeOpsgenie(settings: OpsgenieSettings, global: GlobalSettings) {
  const completed = {
    ...settings,
    http_config: ownHttpSettings(settings.http_config, global.http_config),
    api_url: withSlashAtEnd(settings.api_url ?? global.opsgenie_api_url),
    api_key: settings.api_key ?? (settings.api_key_file === null ? global.opsgenie_api_key : null),
    api_key_file: settings.api_key_file ?? (settings.api_key === null ? global.opsgenie_api_key_file : null),
  };
  if (completed.api_key !== null || completed.api_key_file !== null) return { settings: completed };
  const message = 'no global OpsGenie API Key set either inline or in a file';
  return { problems: [{ path: [], message }] };
}

export function templatedFieldsOfOpsgenie(settings: OpsgenieSettings): readonly TemplatedField[] {
  const keys = ['message', 'description', 'source', 'entity', 'actions', 'tags', 'note', 'priority'] as const;
  return [
    ...keys.map((key) => ({ path: [key], text: settings[key] })),
    ...Object.entries(settings.details).map(([name, value]) => ({ path: ['details', name], text: value })),
    ...settings.responders.flatMap((each, index) =>
      (['id', 'name', 'username', 'type'] as const).map((key) => ({
        path: ['responders', index, key],
        text: each[key],
      })),
    ),
  ];
}
