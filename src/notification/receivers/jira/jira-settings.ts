import { z } from 'zod';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  checkedBy,
  duration,
  optionalFlag,
  sendResolved,
  text,
  texts,
  url,
} from '../../configuration/setting-schemas.ts';
import { ownHttpSettings } from '../http-calls.ts';
import { isRecord } from '../json-answers.ts';
import type { SettingsProblem, TemplatedField } from '../receiver-kind.ts';
import { templatesOf } from '../payload-template.ts';

const API_TYPES = ['auto', 'cloud', 'datacenter'];

const fieldKeys = z.strictObject({ template: z.string().nullish(), enable_update: optionalFlag() });

export interface JiraField {
  readonly template: string;
  /** Whether it is written again into an issue that exists. */
  readonly isUpdated: boolean;
}

/** A template, or one with `enable_update`. */
function field(absent: string) {
  return z
    .union([z.string(), fieldKeys], 'expected a text, or template and enable_update')
    .nullish()
    .transform((value): JiraField => {
      if (typeof value === 'string') return { template: value, isUpdated: true };
      if (value === null) return { template: '', isUpdated: true };
      return { template: value?.template ?? absent, isUpdated: value?.enable_update ?? true };
    });
}

/** An entry of `jira_configs`, as Alertmanager has it. */
export const jiraSettings = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    api_url: url(),
    api_type: text('auto'),
    project: text(),
    summary: field('{{ template "jira.default.summary" . }}'),
    description: field('{{ template "jira.default.description" . }}'),
    labels: texts(),
    priority: text('{{ template "jira.default.priority" . }}'),
    issue_type: text(),
    reopen_transition: text(),
    resolve_transition: text(),
    wont_fix_resolution: text(),
    reopen_duration: duration(0),
    fields: z
      .unknown()
      .refine(
        (value) => value === undefined || value === null || isRecord(value),
        'expected fields by their names',
      )
      .optional()
      .transform((value) => (isRecord(value) ? value : {})),
  })
  .superRefine(checkedBy(jiraProblems));

export type JiraSettings = z.output<typeof jiraSettings>;

interface Checked {
  readonly project: string;
  readonly issue_type: string;
  readonly api_type: string;
}

function jiraProblems(settings: Checked): readonly SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  if (settings.project === '') problems.push({ path: [], message: 'missing project in jira_config' });
  if (settings.issue_type === '') problems.push({ path: [], message: 'missing issue_type in jira_config' });
  if (!API_TYPES.includes(settings.api_type)) {
    const message = 'unknown api_type on jira_config, must be auto, cloud or datacenter';
    problems.push({ path: ['api_type'], message });
  }
  return problems;
}

export function completeJira(settings: JiraSettings, global: GlobalSettings) {
  const apiUrl = settings.api_url ?? global.jira_api_url;
  if (apiUrl === null) return { problems: [{ path: [], message: 'no global Jira Cloud URL set' }] };
  const http_config = ownHttpSettings(settings.http_config, global.http_config);
  return { settings: { ...settings, http_config, api_url: apiUrl } };
}

export function templatedFieldsOfJira(settings: JiraSettings): readonly TemplatedField[] {
  return [
    ...(['project', 'priority', 'issue_type'] as const).map((key) => ({ path: [key], text: settings[key] })),
    { path: ['summary'], text: settings.summary.template },
    { path: ['description'], text: settings.description.template },
    ...settings.labels.map((label, index) => ({ path: ['labels', index], text: label })),
    ...templatesOf(settings.fields, ['fields']),
  ];
}
