import { type Expand, TemplateFailure } from '../../templates/message-templates.ts';
import { truncateCharacters } from '../truncation.ts';
import { inOrder } from '../in-order.ts';
import { payloadValue, type PayloadTools } from '../payload-template.ts';
import type { JiraSettings } from './jira-settings.ts';

/** What Jira takes of a field, in characters. */
const maxSummaryCharacters = 255;
const maxDescriptionCharacters = 32_767;

/** By which a group's issue is found again. */
export function labelOfGroup(groupHash: string): string {
  return `ALERT{${groupHash}}`;
}

/**
 * The fields of a group's issue.
 * @throws TemplateFailure also where the API wants a document as description, and the template makes none
 */
export async function issueFields(
  settings: JiraSettings,
  groupHash: string,
  tools: PayloadTools,
): Promise<Readonly<Record<string, unknown>>> {
  const { expand } = tools;
  const priority = await expand(settings.priority);
  const description = await descriptionOf(settings, expand);
  const labels = [...(await inOrder(settings.labels, expand)), labelOfGroup(groupHash)];
  return {
    summary: truncateCharacters(await expand(settings.summary.template), maxSummaryCharacters),
    ...(description === null ? {} : { description }),
    issuetype: { name: await expand(settings.issue_type) },
    labels: labels.sort(),
    ...(priority === '' ? {} : { priority: { name: priority } }),
    project: { key: await expand(settings.project) },
    ...Object.fromEntries(
      await inOrder(Object.entries(settings.fields), async ([name, value]) => [
        name,
        await payloadValue(value, tools),
      ]),
    ),
  };
}

/** What is written into an issue that exists. */
export function updatedFields(
  fields: Readonly<Record<string, unknown>>,
  settings: JiraSettings,
): Readonly<Record<string, unknown>> {
  const kept = new Set<string>();
  if (!settings.summary.isUpdated) kept.add('summary');
  if (!settings.description.isUpdated) kept.add('description');
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !kept.has(name)));
}

/** A text for version 2 of the API, a document (ADF) for version 3; null where the template makes nothing. */
async function descriptionOf(
  { description, api_url: apiUrl }: JiraSettings,
  expand: Expand,
): Promise<unknown> {
  const text = truncateCharacters(await expand(description.template), maxDescriptionCharacters);
  const isVersion3 = new URL(apiUrl ?? '').pathname.replace(/\/+$/, '').endsWith('/3');
  if (!isVersion3) return text === '' ? null : text;
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new TemplateFailure(
      'description: the API at …/rest/api/3 takes a document of JSON (ADF), and the template makes none; use …/rest/api/2 for texts',
    );
  }
}
