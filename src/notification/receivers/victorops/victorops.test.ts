import { describe, expect, it } from 'vitest';
import { hashOfGroup } from '../group-key.ts';
import { exampleGlobal, exampleMessage, resolvedMessage } from '../message.test-support.ts';
import { refusalsOf, stageReceiver } from '../receiver-stage.test-support.ts';
import { victoropsReceiver } from './victorops.ts';

const minimal = { api_key: 'key', routing_key: 'team' };

describe('victorops', () => {
  const { server, send, sent } = stageReceiver(victoropsReceiver, (address) => ({
    api_url: address,
    ...minimal,
  }));

  it('sends an event of a group', async () => {
    await send({ settings: { custom_fields: { agent: '{{ .CommonLabels.agent_id }}' } } });
    expect(server.received[0]?.path).toBe('/key/team');
    expect(sent()).toEqual([
      {
        message_type: 'CRITICAL',
        entity_id: hashOfGroup(exampleMessage().groupKey),
        entity_display_name: 'victorops.default.entity_display_name:firing',
        state_message: 'victorops.default.state_message:firing',
        monitoring_tool: 'victorops.default.monitoring_tool:firing',
        agent: 'w-1',
      },
    ]);
  });

  it.each([
    ['WARNING', 'firing', 'WARNING'],
    ['INFO', 'firing', 'INFO'],
    ['warning', 'firing', 'CRITICAL'],
    ['{{ .CommonLabels.none }}', 'firing', 'CRITICAL'],
    ['WARNING', 'resolved', 'RECOVERY'],
  ])('of type %s while it is %s says %s', async (message_type, status, expected) => {
    const message = status === 'firing' ? exampleMessage() : resolvedMessage();
    await send({ settings: { message_type }, message });
    expect(sent()).toMatchObject([{ message_type: expected }]);
  });

  it('goes to the key and the team that files and labels say, whatever they are made of', async () => {
    const settings = { api_key: null, api_key_file: '/key', routing_key: '{{ .CommonLabels.team }}/x' };
    await send({ settings, files: { '/key': 'a/b\n' } });
    expect(decodeURIComponent(server.received[0]?.path ?? '')).toBe('/a/b/<Ärger> & "Söhne"/x');
    expect(server.received[0]?.path.split('/')).toHaveLength(3);
  });

  it('cuts a message that is too long', async () => {
    await send({ settings: { state_message: 'x'.repeat(20_481) } });
    expect(sent()).toMatchObject([{ state_message: `${'x'.repeat(20_479)}…` }]);
  });

  it.each([
    [{ routing_key: '' }, 'missing Routing key in VictorOps config'],
    [{ api_key_file: '/key' }, 'at most one of api_key & api_key_file must be configured'],
    [
      { custom_fields: { entity_id: 'a' } },
      'the custom field entity_id cannot be used: it is one of the fixed fields',
    ],
  ])('refuses %j', (settings, message) => {
    expect(refusalsOf(victoropsReceiver, { ...minimal, ...settings })).toEqual([message]);
  });

  it('takes key and address from the global block', () => {
    const settings = victoropsReceiver.settings.parse({ routing_key: 'team' });
    expect(victoropsReceiver.complete(settings, exampleGlobal())).toEqual({
      problems: [{ path: [], message: 'no global VictorOps API Key set' }],
    });
    expect(
      victoropsReceiver.complete(settings, exampleGlobal({ victorops_api_key_file: '/key' })),
    ).toMatchObject({
      settings: {
        api_url: 'https://alert.victorops.com/integrations/generic/20131114/alert/',
        api_key: null,
        api_key_file: '/key',
      },
    });
  });
});
