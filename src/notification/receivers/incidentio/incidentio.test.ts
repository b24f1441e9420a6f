import { describe, expect, it } from 'vitest';
import type { MessageAlert } from '../../message.ts';
import { DEFAULT_HTTP_SETTINGS } from '../../configuration/http-config-schema.ts';
import { exampleAlert, exampleMessage } from '../message.test-support.ts';
import { refusalsOf, stageReceiver } from '../receiver-stage.test-support.ts';
import { incidentioReceiver } from './incidentio.ts';

const minimal = { alert_source_token: 'of-the-source' };

describe('incidentio', () => {
  const { server, send, sent } = stageReceiver(incidentioReceiver, (address) => ({
    url: address,
    ...minimal,
  }));

  it('sends the payload of Alertmanager with the token of its source', async () => {
    const global = {
      http_config: { ...DEFAULT_HTTP_SETTINGS, authorization: { type: 'Bearer', credentials: 'global' } },
    };
    await send({ global });
    expect(server.received[0]?.headers).toMatchObject({ authorization: 'Bearer of-the-source' });
    expect(sent()).toMatchObject([{ version: '1', status: 'firing', truncatedAlerts: 0 }]);
  });

  it('sends the first alert alone where all are too long', async () => {
    const annotations = { text: 'x'.repeat(100_000) };
    const alerts = Array.from({ length: 6 }, (_, index) =>
      exampleAlert({ alertId: `alrt_${index}`, annotations }),
    );
    await send({ message: exampleMessage({ alerts, truncatedAlerts: 2 }) });
    expect(sent()).toMatchObject([{ alerts: [{}], truncatedAlerts: 7 }]);
    expect(sent()[0]?.['alerts']).toHaveLength(1);
  });

  it('has links where they are asked for', async () => {
    await send({ settings: { 'x-omoi': { links: true } } });
    const { links } = exampleAlert();
    expect(sent()).toMatchObject([
      { version: '1', omoi: {}, alerts: [{ omoi: { links: { silence: links.silence } } }] },
    ]);
    await send();
    expect(sent()[1]).not.toHaveProperty('omoi');
  });

  it.each<[string, Partial<MessageAlert>, object]>([
    [
      'a long annotation',
      { annotations: { text: 'ä'.repeat(600_000), summary: 'short' } },
      { annotations: { text: `${'ä'.repeat(8_190)}…`, summary: 'short' } },
    ],
    [
      'many annotations',
      {
        annotations: Object.fromEntries(
          Array.from({ length: 100 }, (_, at) => [`a${at}`, 'x'.repeat(10_000)]),
        ),
      },
      { annotations: { a99: `${'x'.repeat(1_021)}…` }, labels: exampleAlert().labels },
    ],
    [
      'very many of them, and a long label',
      {
        annotations: Object.fromEntries(
          Array.from({ length: 1_000 }, (_, at) => [`a${at}`, 'x'.repeat(1_000)]),
        ),
        labels: { alertname: 'A', text: 'y'.repeat(600_000) },
      },
      { annotations: {}, labels: { alertname: 'A', text: `${'y'.repeat(61)}…` } },
    ],
  ])(
    'is told of one alert that is too long, the beginning of its texts: %s',
    async (_what, long, expected) => {
      const alerts = [exampleAlert(long), exampleAlert({ alertId: 'alrt_2' })];
      const all = 'http://omoi.test/all';
      const settings = { 'x-omoi': { links: true } };
      const delivery = await send({ settings, message: exampleMessage({ alerts, acknowledgeAll: all }) });
      expect(delivery).toMatchObject({ outcome: 'delivered' });
      expect(sent()).toMatchObject([{ alerts: [expected], truncatedAlerts: 1 }]);
      expect(server.received[0]?.body.length).toBeLessThanOrEqual(512 * 1_024);
      expect(server.received[0]?.body).not.toContain(all);
    },
  );

  it.each([
    ['{"message":"no such source"}', 'no such source'],
    ['{"type":"validation_error","errors":[{"message":"bad token"},"and more"]}', 'bad token, and more'],
    ['{"message":"no","error":"really","errors":[]}', 'no: really'],
  ])('tells what %s says', async (body, reason) => {
    server.reaction = () => ({ status: 422, body });
    expect(await send()).toMatchObject({ failure: 'clientError', reason: `HTTP 422: ${reason}` });
  });

  it.each([
    [{ url: null }, 'one of url or url_file must be configured'],
    [{ url_file: '/url' }, 'at most one of url & url_file must be configured'],
    [
      { alert_source_token_file: '/token' },
      'at most one of alert_source_token & alert_source_token_file must be configured',
    ],
    [
      { http_config: { authorization: { credentials: 'a' } } },
      'cannot specify alert_source_token or alert_source_token_file when using http_config.authorization',
    ],
    [
      { alert_source_token: null, http_config: {} },
      'at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured',
    ],
  ])('refuses %j', (settings, message) => {
    expect(
      refusalsOf(incidentioReceiver, { url: 'https://api.incident.io', ...minimal, ...settings }),
    ).toEqual([message]);
  });
});
