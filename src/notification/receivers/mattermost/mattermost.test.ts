import { describe, expect, it } from 'vitest';
import { exampleGlobal } from '../message.test-support.ts';
import { refusalsOf, stageReceiver } from '../receiver-stage.test-support.ts';
import { mattermostReceiver } from './mattermost.ts';

describe('mattermost', () => {
  const { server, send, sent } = stageReceiver(mattermostReceiver, (address) => ({
    webhook_url: `${address}/hooks/x`,
  }));

  it('sends one attachment of its own', async () => {
    await send({
      settings: { fields: [{ title: 'a', value: '{{ .CommonLabels.agent_id }}', short: true }] },
    });
    expect(sent()).toEqual([
      {
        username: 'mattermost.default.username:firing',
        attachments: [
          {
            fallback: 'mattermost.default.fallback:firing',
            color: 'mattermost.default.color:firing',
            title: 'mattermost.default.title:firing',
            title_link: 'mattermost.default.titlelink:firing',
            text: 'mattermost.default.text:firing',
            fields: [{ title: 'a', value: 'w-1', short: true }],
          },
        ],
      },
    ]);
  });

  it('sends the attachments that are written, below its text', async () => {
    const settings = {
      username: '',
      text: 'above',
      attachments: [{ text: 'one' }, { title: 'two', footer: 'f' }],
    };
    await send({ settings });
    expect(sent()).toEqual([
      { text: 'above', attachments: [{ text: 'one' }, { title: 'two', footer: 'f' }] },
    ]);
  });

  it('cuts texts that are too long', async () => {
    await send({ settings: { text: 'x'.repeat(16_384) } });
    expect(sent()).toMatchObject([{ attachments: [{ text: `${'x'.repeat(16_382)}…` }] }]);
  });

  it.each([
    [
      { priority: 'Urgent', requested_ack: true, persistent_notifications: true },
      { priority: 'urgent', requested_ack: true, persistent_notifications: true },
    ],
    [
      { priority: 'important', requested_ack: true, persistent_notifications: true },
      { priority: 'important', requested_ack: true },
    ],
    [{ priority: 'standard', requested_ack: true }, { priority: 'standard' }],
    [{ priority: 'loud' }, { priority: 'standard' }],
    [{ requested_ack: true }, undefined],
  ])('with the priority %j says %j', async (priority, expected) => {
    await send({ settings: { priority } });
    expect(sent()[0]?.['priority']).toEqual(expected);
  });

  it('has a card and an address of a file', async () => {
    const settings = { webhook_url: null, webhook_url_file: '/hook', props: { card: '{{ .Status }}' } };
    await send({ settings, files: { '/hook': `${server.addressAs()}/hooks/y\n` } });
    expect(server.received[0]?.path).toBe('/hooks/y');
    expect(sent()).toMatchObject([{ props: { card: 'firing' } }]);
  });

  it.each([
    [{ webhook_url_file: '/hook' }, 'at most one of webhook_url & webhook_url_file must be configured'],
    [{ fields: [{ title: 'a' }] }, 'missing value in Mattermost field configuration'],
    [{ attachments: [{ fields: [{ value: 'a' }] }] }, 'missing title in Mattermost field configuration'],
    [{ webhook_url: 'ftp://example.org' }, 'unsupported scheme "ftp" for URL'],
  ])('refuses %j', (settings, message) => {
    expect(refusalsOf(mattermostReceiver, { webhook_url: 'https://example.org', ...settings })).toEqual([
      message,
    ]);
  });

  it('takes its address from the global block', () => {
    const settings = mattermostReceiver.settings.parse({});
    expect(mattermostReceiver.complete(settings, exampleGlobal())).toEqual({
      problems: [{ path: [], message: 'missing webhook_url or webhook_url_file on mattermost_config' }],
    });
    const global = exampleGlobal({ mattermost_webhook_url_file: '/hook' });
    expect(mattermostReceiver.complete(settings, global)).toMatchObject({
      settings: { webhook_url: null, webhook_url_file: '/hook' },
    });
  });

  it('names each field that is a template', () => {
    const settings = mattermostReceiver.settings.parse({
      attachments: [{ fields: [{ title: 't', value: 'v' }] }],
      props: { card: 'c' },
      priority: { priority: 'p' },
    });
    const paths = mattermostReceiver.templatedFields(settings).map(({ path }) => path.join('.'));
    expect(paths).toEqual(
      expect.arrayContaining([
        'channel',
        'text',
        'attachments.0.title',
        'attachments.0.fields.0.value',
        'props.card',
        'priority.priority',
      ]),
    );
  });
});
