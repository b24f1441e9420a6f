import { describe, expect, it } from 'vitest';
import { hashOfGroup } from '../group-key.ts';
import { exampleGlobal, exampleMessage, resolvedMessage } from '../message.test-support.ts';
import { refusalsOf, stageReceiver } from '../receiver-stage.test-support.ts';
import { opsgenieReceiver } from './opsgenie.ts';

const alias = hashOfGroup(exampleMessage().groupKey);

describe('opsgenie', () => {
  const { server, send, sent } = stageReceiver(opsgenieReceiver, (address) => ({
    api_url: address,
    api_key: 'key',
  }));
  const asked = () => server.received.map(({ method, path }) => `${method} ${path}`);

  it('creates an alert of a group', async () => {
    await send();
    expect(asked()).toEqual(['POST /v2/alerts']);
    expect(server.received[0]?.headers).toMatchObject({ authorization: 'GenieKey key' });
    const [alert] = exampleMessage().alerts;
    expect(sent()).toEqual([
      {
        alias,
        message: 'opsgenie.default.message:firing',
        description: 'opsgenie.default.description:firing',
        source: 'opsgenie.default.source:firing',
        details: alert?.labels,
      },
    ]);
  });

  it('closes it when all is resolved', async () => {
    await send({ message: resolvedMessage(), settings: { update_alerts: true } });
    expect(asked()).toEqual([`POST /v2/alerts/${alias}/close?identifierType=alias`]);
    expect(sent()).toEqual([{ source: 'opsgenie.default.source:resolved' }]);
  });

  it('changes what is there already where it is told to', async () => {
    await send({ settings: { update_alerts: true, message: 'm', description: 'd' } });
    expect(asked()).toEqual([
      'POST /v2/alerts',
      `PUT /v2/alerts/${alias}/message?identifierType=alias`,
      `PUT /v2/alerts/${alias}/description?identifierType=alias`,
    ]);
    expect(sent().slice(1)).toEqual([{ message: 'm' }, { description: 'd' }]);
  });

  it('stops at the first refusal, to begin again', async () => {
    server.reaction = ({ path }) => ({ status: path.includes('/message') ? 503 : 202 });
    expect(await send({ settings: { update_alerts: true } })).toMatchObject({
      failure: 'serverError',
      retryable: true,
    });
    expect(server.received).toHaveLength(2);
  });

  it.each([
    ['message', 130],
    ['description', 15_000],
    ['note', 25_000],
    ['entity', 512],
    ['source', 100],
  ])('cuts a %s at %i characters', async (key, most) => {
    await send({ settings: { [key]: 'ä'.repeat(most + 1) } });
    expect(sent()).toMatchObject([{ [key]: `${'ä'.repeat(most - 1)}…` }]);
    server.reset();
    await send({ settings: { [key]: 'ä'.repeat(most) } });
    expect(sent()).toMatchObject([{ [key]: 'ä'.repeat(most) }]);
  });

  it.each([
    ['tags', 20],
    ['actions', 10],
  ])('sends no more %s than %i', async (key, most) => {
    await send({
      settings: { [key]: Array.from({ length: most + 1 }, (_, index) => `word ${index}`).join(',') },
    });
    expect(sent()[0]?.[key]).toHaveLength(most);
    server.reset();
    await send({ settings: { [key]: 'x'.repeat(51) } });
    expect(sent()[0]?.[key]).toEqual([`${'x'.repeat(49)}…`]);
  });

  it.each([
    [
      { name: 'a, b,,c', type: 'teams' },
      [
        { name: 'a', type: 'team' },
        { name: 'b', type: 'team' },
        { name: 'c', type: 'team' },
      ],
    ],
    [{ id: '1', type: 'Schedule' }, [{ id: '1', type: 'schedule' }]],
    [{ username: 'eva@example.org', type: 'user' }, [{ username: 'eva@example.org', type: 'user' }]],
    [{ name: '{{ .CommonLabels.none }}', type: '{{ .CommonLabels.none }}' }, undefined],
  ])('has the responders of %j', async (responder, expected) => {
    await send({ settings: { responders: [responder] } });
    expect(sent()[0]?.['responders']).toEqual(expected);
  });

  it('takes its key from a file, which may be a template', async () => {
    const settings = { api_key: null, api_key_file: '/key' };
    await send({ settings, files: { '/key': 'key-of-{{ .CommonLabels.agent_id }}\n' } });
    expect(server.received[0]?.headers).toMatchObject({ authorization: 'GenieKey key-of-w-1' });
  });

  it('does not tell its key where the template of it fails', async () => {
    const delivery = await send({ settings: { api_key: 'SECRET-{{ fail }}' } });
    expect(delivery).toMatchObject({ failure: 'template', reason: 'api_key: its template cannot be run' });
  });

  it('asks below an address that has a path and a query', async () => {
    await send({ settings: { api_url: `${server.addressAs()}/proxy?tenant=1` }, message: resolvedMessage() });
    expect(asked()).toEqual([`POST /proxy/v2/alerts/${alias}/close?tenant=1&identifierType=alias`]);
  });

  it.each([
    [{ api_key_file: '/key' }, 'at most one of api_key & api_key_file must be configured'],
    [{ responders: [{ type: 'team' }] }, 'a responder has to have at least one of id, username or name'],
    [
      { responders: [{ name: 'a', type: 'squad' }] },
      'the type of a responder is one of team, teams, user, escalation, schedule, and not "squad"',
    ],
    [
      { responders: [{ name: 'a' }] },
      'the type of a responder is one of team, teams, user, escalation, schedule, and not ""',
    ],
  ])('refuses %j', (settings, message) => {
    expect(refusalsOf(opsgenieReceiver, { api_key: 'key', ...settings })).toEqual([message]);
  });

  it('takes key and address from the global block', () => {
    const settings = opsgenieReceiver.settings.parse({});
    expect(opsgenieReceiver.complete(settings, exampleGlobal())).toEqual({
      problems: [{ path: [], message: 'no global OpsGenie API Key set either inline or in a file' }],
    });
    const global = exampleGlobal({
      opsgenie_api_key: 'global',
      opsgenie_api_url: 'https://api.eu.opsgenie.com',
    });
    expect(opsgenieReceiver.complete(settings, global)).toMatchObject({
      settings: { api_url: 'https://api.eu.opsgenie.com/', api_key: 'global', api_key_file: null },
    });
    const own = opsgenieReceiver.settings.parse({ api_key_file: '/own' });
    expect(opsgenieReceiver.complete(own, global)).toMatchObject({
      settings: { api_key: null, api_key_file: '/own' },
    });
  });

  it('names each field that is a template', () => {
    const settings = opsgenieReceiver.settings.parse({
      details: { a: 'A' },
      responders: [{ name: 'N', type: 'team' }],
    });
    const paths = opsgenieReceiver.templatedFields(settings).map(({ path }) => path.join('.'));
    expect(paths).toEqual(
      expect.arrayContaining(['message', 'note', 'details.a', 'responders.0.name', 'responders.0.type']),
    );
  });
});
