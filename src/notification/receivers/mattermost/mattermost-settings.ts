import { z } from 'zod';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atMostOne,
  checkedBy,
  filePath,
  flag,
  optionalFlag,
  secretUrl,
  sendResolved,
  text,
} from '../../configuration/setting-schemas.ts';
import { ownHttpSettings } from '../http-calls.ts';
import type { SettingsProblem, TemplatedField } from '../receiver-kind.ts';

const field = z
  .strictObject({ title: text(), value: text(), short: optionalFlag() })
  .superRefine(checkedBy(fieldProblems));

const fields = z
  .array(field, 'expected a list')
  .nullish()
  .transform((value) => value ?? []);

/** The parts of an attachment that are texts. */
export const ATTACHMENT_TEXTS = [
  'fallback',
  'color',
  'pretext',
  'text',
  'author_name',
  'author_link',
  'author_icon',
  'title',
  'title_link',
  'thumb_url',
  'footer',
  'footer_icon',
  'image_url',
] as const;

const attachmentKeys = {
  pretext: text(),
  author_name: text(),
  author_link: text(),
  author_icon: text(),
  fields,
  thumb_url: text(),
  footer: text(),
  footer_icon: text(),
  image_url: text(),
};

const attachment = z.strictObject({
  ...attachmentKeys,
  fallback: text(),
  color: text(),
  text: text(),
  title: text(),
  title_link: text(),
});

export type MattermostAttachment = z.output<typeof attachment>;

/** An entry of `mattermost_configs`, as Alertmanager has it. */
export const mattermostSettings = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    webhook_url: secretUrl(),
    webhook_url_file: filePath(),
    channel: text(),
    username: text('{{ template "mattermost.default.username" . }}'),
    ...attachmentKeys,
    text: text('{{ template "mattermost.default.text" . }}'),
    fallback: text('{{ template "mattermost.default.fallback" . }}'),
    color: text('{{ template "mattermost.default.color" . }}'),
    title: text('{{ template "mattermost.default.title" . }}'),
    title_link: text('{{ template "mattermost.default.titlelink" . }}'),
    icon_url: text(),
    icon_emoji: text(),
    attachments: z
      .array(attachment, 'expected a list')
      .nullish()
      .transform((value) => value ?? []),
    type: text(),
    props: z.strictObject({ card: text() }).nullish(),
    priority: z
      .strictObject({ priority: text(), requested_ack: flag(), persistent_notifications: flag() })
      .nullish(),
  })
  .superRefine(checkedBy((settings) => atMostOne(settings, 'webhook_url', 'webhook_url_file')));

export type MattermostSettings = z.output<typeof mattermostSettings>;

function fieldProblems(given: {
  readonly title: string;
  readonly value: string;
}): readonly SettingsProblem[] {
  return (['title', 'value'] as const)
    .filter((key) => given[key] === '')
    .map((key) => ({ path: [], message: `missing ${key} in Mattermost field configuration` }));
}

export function completeMattermost(settings: MattermostSettings, global: GlobalSettings) {
  const hasUrl = settings.webhook_url !== null || settings.webhook_url_file !== null;
  const completed = {
    ...settings,
    http_config: ownHttpSettings(settings.http_config, global.http_config),
    webhook_url: hasUrl ? settings.webhook_url : global.mattermost_webhook_url,
    webhook_url_file: hasUrl ? settings.webhook_url_file : global.mattermost_webhook_url_file,
  };
  if (completed.webhook_url !== null || completed.webhook_url_file !== null) return { settings: completed };
  return {
    problems: [{ path: [], message: 'missing webhook_url or webhook_url_file on mattermost_config' }],
  };
}

export function templatedFieldsOfMattermost(settings: MattermostSettings): readonly TemplatedField[] {
  const own = ['channel', 'username', 'icon_url', 'icon_emoji', 'type'] as const;
  const { props, priority } = settings;
  return [
    ...own.map((key) => ({ path: [key], text: settings[key] })),
    ...templatedInAttachment(settings, []),
    ...settings.attachments.flatMap((each, index) => templatedInAttachment(each, ['attachments', index])),
    ...(props ? [{ path: ['props', 'card'], text: props.card }] : []),
    ...(priority ? [{ path: ['priority', 'priority'], text: priority.priority }] : []),
  ];
}

function templatedInAttachment(
  given: MattermostAttachment,
  below: readonly (string | number)[],
): readonly TemplatedField[] {
  return [
    ...ATTACHMENT_TEXTS.map((key) => ({ path: [...below, key], text: given[key] })),
    ...given.fields.flatMap(({ title, value }, index) => [
      { path: [...below, 'fields', index, 'title'], text: title },
      { path: [...below, 'fields', index, 'value'], text: value },
    ]),
  ];
}
