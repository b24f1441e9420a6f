import { z } from 'zod';

import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atMostOne,
  checkedBy,
  filePath,
  goDuration,
  secret,
  sendResolved,
  text,
  url,
} from '../../configuration/setting-schemas.ts';
import { templatesOf } from '../payload-template.ts';
import type { SettingsProblem, TemplatedField } from '../receiver-kind.ts';

/** What an event tells of its alerts, unless the configuration has a detail of the same name. */
const DEFAULT_DETAILS: Readonly<Record<string, string>> = {
  firing: '{{ .Alerts.Firing | toJson }}',
  resolved: '{{ .Alerts.Resolved | toJson }}',
  num_firing: '{{ .Alerts.Firing | len }}',
  num_resolved: '{{ .Alerts.Resolved | len }}',
};

export const pagerdutySettingsSchema = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    /** Of the first version of the Events API, which is called where there is one. */
    service_key: secret(),
    service_key_file: filePath(),
    routing_key: secret(),
    routing_key_file: filePath(),
    url: url(),
    client: text('{{ template "pagerduty.default.client" . }}'),
    client_url: text('{{ template "pagerduty.default.clientURL" . }}'),
    description: text('{{ template "pagerduty.default.description" .}}'),
    details: z.record(z.string(), z.unknown()).nullish(),
    images: z.array(z.strictObject({ src: text(), alt: text(), href: text() }), 'expected a list').nullish(),
    links: z.array(z.strictObject({ href: text(), text: text() }), 'expected a list').nullish(),
    source: text(),
    severity: text(),
    class: text(),
    component: text(),
    group: text(),
    timeout: goDuration(0),
  })
  .superRefine(
    checkedBy((settings) => [
      ...missingKey(settings),
      ...atMostOne(settings, 'routing_key', 'routing_key_file'),
      ...atMostOne(settings, 'service_key', 'service_key_file'),
    ]),
  )
  .transform((settings) => ({
    ...settings,
    source: settings.source === '' ? settings.client : settings.source,
    severity: settings.severity === '' ? 'error' : settings.severity,
    details: { ...DEFAULT_DETAILS, ...settings.details },
  }));

export type PagerdutySettings = z.output<typeof pagerdutySettingsSchema>;

const KEYS = ['routing_key', 'service_key', 'routing_key_file', 'service_key_file'] as const;

function missingKey(
  settings: Readonly<Record<(typeof KEYS)[number], string | null>>,
): readonly SettingsProblem[] {
  if (KEYS.some((key) => settings[key] !== null)) return [];
  return [{ path: [], message: 'missing service or routing key in PagerDuty config' }];
}

const TEMPLATED = [
  'client',
  'client_url',
  'description',
  'source',
  'severity',
  'class',
  'component',
  'group',
] as const;

export function templatedFieldsOfPagerduty(settings: PagerdutySettings): readonly TemplatedField[] {
  const ofDetails = Object.entries(settings.details).flatMap(([name, detail]) =>
    templatesOf(detail, ['details', name]),
  );
  const ofLists = (['images', 'links'] as const).flatMap((list) =>
    (settings[list] ?? []).flatMap((item, index) =>
      Object.entries(item).map(([key, value]) => ({ path: [list, index, key], text: value })),
    ),
  );
  const keys = (['routing_key', 'service_key'] as const).flatMap((key) => {
    const template = settings[key];
    return template === null ? [] : [{ path: [key], text: template }];
  });
  return [
    ...TEMPLATED.map((key) => ({ path: [key], text: settings[key] })),
    ...keys,
    ...ofDetails,
    ...ofLists,
  ];
}
