import { beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../message.ts';
import { hashOfGroup } from '../group-key.ts';
import { exampleGlobal, exampleMessage, resolvedMessage } from '../message.test-support.ts';
import type { ReceivedRequest, Reply } from '../receiver-server.test-support.ts';
import { refusalsOf, stageReceiver } from '../receiver-stage.test-support.ts';
import { jiraReceiver } from './jira.ts';

const label = `ALERT{${hashOfGroup(exampleMessage().groupKey)}}`;

/** As much of Jira as the receiver asks for: it keeps issues, and finds them by their label. */
class JiraServer {
  readonly issues = new Map<string, { fields: Record<string, unknown>; isDone: boolean }>();
  /** Whether a search knows of what was made. */
  isIndexed = true;
  transitions = [
    { id: '11', name: 'Reopen' },
    { id: '21', name: 'Resolve' },
  ];
  readonly searches: string[] = [];

  readonly reaction = ({ method, path, body }: ReceivedRequest): Reply => {
    const said = body === '' ? {} : (JSON.parse(body) as Record<string, never>);
    const [, key = '', isTransition] = /\/issue\/([A-Z]+-\d+)(\/transitions)?/.exec(path) ?? [];
    const issue = this.issues.get(key);
    if (path.includes('/search')) return this.#search(said['jql'] ?? '');
    if (method === 'POST' && path.endsWith('/issue')) return this.#create(said['fields'] ?? {});
    if (issue === undefined)
      return { status: 404, body: JSON.stringify({ errorMessages: ['Issue does not exist'] }) };
    if (method === 'PUT') {
      Object.assign(issue.fields, said['fields']);
      return { status: 204 };
    }
    if (isTransition === undefined) return reply(shown(key, issue));
    if (method === 'GET') return reply({ transitions: this.transitions });
    issue.isDone = said['transition']?.['id'] === '21';
    return { status: 204 };
  };

  #search(jql: string): Reply {
    this.searches.push(jql);
    const found = [...this.issues].filter(([, { isDone }]) => !isDone || jql.includes('resolutiondate >= '));
    return reply({ issues: this.isIndexed ? found.map(([key, issue]) => shown(key, issue)) : [] });
  }

  #create(fields: Record<string, unknown>): Reply {
    const key = `OPS-${this.issues.size + 1}`;
    this.issues.set(key, { fields, isDone: false });
    return { status: 201, body: JSON.stringify({ id: '1', key }) };
  }
}

function reply(value: unknown): Reply {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

function shown(key: string, { isDone }: { readonly isDone: boolean }) {
  return { key, fields: { status: { name: 'x', statusCategory: { key: isDone ? 'done' : 'new' } } } };
}

describe('jira', () => {
  const stage = stageReceiver(jiraReceiver, (address) => ({
    api_url: `${address}/rest/api/2`,
    project: 'OPS',
    issue_type: 'Bug',
    reopen_transition: 'Reopen',
    resolve_transition: 'Resolve',
  }));
  const { server } = stage;
  let jira = new JiraServer();

  beforeEach(() => {
    jira = new JiraServer();
    server.reaction = jira.reaction;
  });

  const send = (message: Message, settings: Readonly<Record<string, unknown>> = {}, memory = {}) =>
    stage.send({ message, settings, memory });
  const asked = () =>
    server.received.map(({ method, path }) => `${method} ${path.replace('/rest/api/2/', '')}`);

  it('makes an issue for a group that has none', async () => {
    const settings = {
      labels: ['omoi', '{{ .CommonLabels.severity }}'],
      fields: { customfield_1: '[{"value": "red"}]' },
    };
    expect(await send(exampleMessage(), settings)).toEqual({
      outcome: 'delivered',
      answer: 'created OPS-1',
      memory: { issue: 'OPS-1' },
    });
    expect(asked()).toEqual(['POST search', 'POST issue']);
    expect(jira.issues.get('OPS-1')?.fields).toEqual({
      project: { key: 'OPS' },
      issuetype: { name: 'Bug' },
      summary: 'jira.default.summary:firing',
      description: 'jira.default.description:firing',
      priority: { name: 'jira.default.priority:firing' },
      labels: [label, 'critical', 'omoi'],
      customfield_1: [{ value: 'red' }],
    });
    expect(jira.searches).toEqual([
      `statusCategory != Done and project="OPS" and labels="${label}" order by status ASC,resolutiondate DESC`,
    ]);
  });

  it('makes none for what is resolved', async () => {
    expect(await send(resolvedMessage())).toEqual({
      outcome: 'delivered',
      answer: 'there is no open issue to resolve',
    });
    expect(asked()).toEqual(['POST search']);
  });

  it('updates, resolves and reopens the issue of its group', async () => {
    await send(exampleMessage());
    server.received.length = 0;
    expect(await send(exampleMessage(), { summary: 'again' })).toMatchObject({ answer: 'updated OPS-1' });
    expect(jira.issues.get('OPS-1')?.fields['summary']).toBe('again');
    expect(await send(resolvedMessage())).toMatchObject({ answer: 'updated OPS-1, Resolve' });
    expect(jira.issues.get('OPS-1')?.isDone).toBe(true);
    expect(await send(exampleMessage(), { reopen_duration: '2h' })).toMatchObject({
      answer: 'updated OPS-1, Reopen',
    });
    expect(jira.issues.get('OPS-1')?.isDone).toBe(false);
    expect(jira.searches.at(-1)).toContain('(resolutiondate is EMPTY OR resolutiondate >= -120m)');
    expect(jira.issues.size).toBe(1);
  });

  it('says that it leaves an issue open where no transition resolves it', async () => {
    await send(exampleMessage());
    expect(await send(resolvedMessage(), { resolve_transition: '' })).toMatchObject({
      outcome: 'delivered',
      answer: 'updated OPS-1, left open: resolve_transition is not set',
    });
    expect(jira.issues.get('OPS-1')?.isDone).toBe(false);
  });

  it('keeps what is not to be updated', async () => {
    await send(exampleMessage());
    const kept = { template: 'changed', enable_update: false };
    await send(exampleMessage(), { summary: kept, description: kept });
    expect(jira.issues.get('OPS-1')?.fields).toMatchObject({
      summary: 'jira.default.summary:firing',
      description: 'jira.default.description:firing',
    });
  });

  it('finds its issue although the search does not know it yet', async () => {
    jira.isIndexed = false;
    const first = await send(exampleMessage());
    const memory = first.outcome === 'delivered' ? (first.memory ?? {}) : {};
    expect(await send(exampleMessage(), {}, memory)).toMatchObject({ answer: 'updated OPS-1' });
    jira.issues.set('OPS-1', { fields: {}, isDone: true });
    expect(await send(exampleMessage(), {}, memory)).toMatchObject({ answer: 'created OPS-2' });
    jira.issues.clear();
    expect(await send(exampleMessage(), {}, memory)).toMatchObject({ answer: 'created OPS-1' });
  });

  it('leaves alone what will not be fixed', async () => {
    await send(exampleMessage(), { wont_fix_resolution: 'Won\'t "fix"' });
    expect(jira.searches[0]).toMatch(/^\(resolution is EMPTY or resolution != "Won't \\"fix\\""\) and /);
  });

  it('fails where the issue has no such transition', async () => {
    await send(exampleMessage());
    jira.transitions = [];
    expect(await send(resolvedMessage())).toMatchObject({
      failure: 'clientError',
      retryable: false,
      reason: 'issue OPS-1 has no transition "Resolve" now',
    });
  });

  it('tells what Jira says', async () => {
    const body = JSON.stringify({ errorMessages: ['No'], errors: { priority: 'is unknown' } });
    server.reaction = (request) =>
      request.path.includes('search') ? jira.reaction(request) : { status: 400, body };
    expect(await send(exampleMessage())).toMatchObject({ reason: 'HTTP 400: No; priority: is unknown' });
  });

  it('sends documents to version 3 of the API, and searches there where it is the cloud', async () => {
    const document = { type: 'doc', version: 1, content: [] };
    const api_url = `${server.addressAs()}/rest/api/3`;
    const description = JSON.stringify(document);
    await send(exampleMessage(), { description, api_type: 'cloud', api_url: `${api_url}/` });
    expect(server.received[0]?.path).toBe('/rest/api/3/search/jql');
    expect(jira.issues.get('OPS-1')?.fields['description']).toEqual(document);
    expect(await send(exampleMessage(), { description: 'words', api_url })).toMatchObject({
      failure: 'template',
      retryable: false,
    });
  });

  it('searches at version 3 of the cloud where the rest is version 2', async () => {
    await send(exampleMessage(), { api_type: 'cloud' });
    expect(asked()).toEqual(['POST /rest/api/3/search/jql', 'POST issue']);
  });

  it.each([
    [{ project: '' }, 'missing project in jira_config'],
    [{ issue_type: '' }, 'missing issue_type in jira_config'],
    [{ api_type: 'server' }, 'unknown api_type on jira_config, must be auto, cloud or datacenter'],
    [{ fields: ['a'] }, 'expected fields by their names'],
    [{ summary: ['a'] }, 'expected a text, or template and enable_update'],
  ])('refuses %j', (settings, message) => {
    const written = { project: 'OPS', issue_type: 'Bug', ...settings };
    expect(refusalsOf(jiraReceiver, written)).toEqual([message]);
  });

  it('needs an address', () => {
    const settings = jiraReceiver.settings.parse({ project: 'OPS', issue_type: 'Bug' });
    expect(jiraReceiver.complete(settings, exampleGlobal())).toEqual({
      problems: [{ path: [], message: 'no global Jira Cloud URL set' }],
    });
    const global = exampleGlobal({ jira_api_url: 'https://jira.example.org/rest/api/2' });
    expect(jiraReceiver.complete(settings, global)).toMatchObject({
      settings: { api_url: 'https://jira.example.org/rest/api/2' },
    });
  });

  it('asks for nothing where a template fails', async () => {
    expect(await send(exampleMessage(), { summary: '{{ fail }}' })).toMatchObject({ failure: 'template' });
    expect(server.received).toEqual([]);
  });
});
