import { statusOfMessage, type Message } from '../../message.ts';
import type { Expand } from '../../templates/message-templates.ts';
import { attempt, failed, judgeAnswer } from '../answers.ts';
import { hashOfGroup } from '../group-key.ts';
import { defaultMaxAlerts, defaultTimeoutMs } from '../http-calls.ts';
import type { Delivery, SendOptions } from '../integration.ts';
import type { IntegrationTools, ReceiverKind } from '../receiver-kind.ts';
import { JiraApi, type FoundIssue } from './jira-api.ts';
import { issueFields, labelOfGroup, updatedFields } from './jira-issue.ts';
import { completeJira, jiraSettings, templatedFieldsOfJira, type JiraSettings } from './jira-settings.ts';

/** `jira_configs`: an issue a group, by versions 2 and 3 of the REST API (as Alertmanager 0.34 calls it). */
export const jiraReceiver: ReceiverKind<JiraSettings> = {
  key: 'jira_configs',
  type: 'jira',
  addressKeys: ['api_url', 'project'],
  opensIncidents: true,
  settings: jiraSettings,
  complete: completeJira,
  templatedFields: templatedFieldsOfJira,
  create: (settings, index, tools) => ({
    type: 'jira',
    index,
    sendResolved: settings.send_resolved,
    maxAlerts: defaultMaxAlerts,
    timeoutMs: defaultTimeoutMs,
    send: (message, options) => attempt(() => sendToJira(message, options, { settings, tools })),
  }),
};

interface Sender {
  readonly settings: JiraSettings;
  readonly tools: IntegrationTools;
}

async function sendToJira(
  message: Message,
  options: SendOptions,
  { settings, tools }: Sender,
): Promise<Delivery> {
  const isFiring = statusOfMessage(message) === 'firing';
  const expand = (template: string) => tools.templates.text(template, message);
  const fields = await issueFields(settings, hashOfGroup(message.groupKey), {
    expand,
    writing: tools.writing,
  });
  const api = new JiraApi(settings, tools, options.signal);
  const search = await api.search(await jqlFor(settings, message, expand));
  if ('outcome' in search) return search;
  const issue = search.issue ?? (await api.openIssue(options.memory?.['issue'] ?? null));
  if (issue === null) {
    if (!isFiring) return { outcome: 'delivered', answer: 'there is no open issue to resolve' };
    const created = await api.call('POST', 'issue', { fields });
    const delivery = judgeAnswer(created.answer, tools.clock, created.rules);
    const key = created.said?.['key'];
    return delivery.outcome === 'failed' || typeof key !== 'string'
      ? delivery
      : remembering(key, `created ${key}`);
  }
  const updated = await api.call('PUT', `issue/${issue.key}`, { fields: updatedFields(fields, settings) });
  const delivery = judgeAnswer(updated.answer, tools.clock, updated.rules);
  if (delivery.outcome === 'failed') return delivery;
  const name = transitionFor(issue, isFiring, settings);
  const isLeftOpen = !isFiring && !issue.isDone;
  if (name === '') {
    const left = isLeftOpen ? ', left open: resolve_transition is not set' : '';
    return remembering(issue.key, `updated ${issue.key}${left}`);
  }
  return transition(api, { issue, name, tools });
}

async function transition(
  api: JiraApi,
  { issue, name, tools }: { issue: FoundIssue; name: string; tools: IntegrationTools },
): Promise<Delivery> {
  const found = await api.transitionNamed(issue.key, name);
  if ('outcome' in found) return found;
  if (found.id === null) {
    return failed('clientError', `issue ${issue.key} has no transition "${name}" now`, { retryable: false });
  }
  const moved = await api.call('POST', `issue/${issue.key}/transitions`, { transition: { id: found.id } });
  const delivery = judgeAnswer(moved.answer, tools.clock, moved.rules);
  return delivery.outcome === 'failed' ? delivery : remembering(issue.key, `updated ${issue.key}, ${name}`);
}

/** A search finds an issue only some time after it was made: its key is kept with the group. */
function remembering(issue: string, answer: string): Delivery {
  return { outcome: 'delivered', answer, memory: { issue } };
}

/** '' where the issue is as it should be. */
function transitionFor({ isDone }: FoundIssue, isFiring: boolean, settings: JiraSettings): string {
  if (isFiring) return isDone ? settings.reopen_transition : '';
  return isDone ? '' : settings.resolve_transition;
}

/** The group's open issue; while it fires also one that was closed a short time ago and can be reopened. */
async function jqlFor(settings: JiraSettings, message: Message, expand: Expand): Promise<string> {
  const { wont_fix_resolution: wontFix, reopen_transition: reopen, reopen_duration: reopenMs } = settings;
  const minutes = Math.trunc(reopenMs / 60_000);
  const isReopened = statusOfMessage(message) === 'firing' && reopen !== '' && minutes > 0;
  const conditions = [
    // Of an issue without a resolution `!=` is not true.
    ...(wontFix === '' ? [] : [`(resolution is EMPTY or resolution != ${quoted(wontFix)})`]),
    isReopened ? `(resolutiondate is EMPTY OR resolutiondate >= -${minutes}m)` : 'statusCategory != Done',
    `project=${quoted(await expand(settings.project))}`,
    `labels=${quoted(labelOfGroup(hashOfGroup(message.groupKey)))}`,
  ];
  return `${conditions.join(' and ')} order by status ASC,resolutiondate DESC`;
}

/** A text in JQL. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll(/\p{Cc}/gu, ' ')}"`;
}
