import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { discordReceiver } from './discord/discord-receiver.ts';
import { jiraReceiver } from './jira/jira.ts';
import { mattermostReceiver } from './mattermost/mattermost.ts';
import { incidentioReceiver } from './incidentio/incidentio.ts';
import { exampleAlert, exampleMessage } from './message.test-support.ts';
import { opsgenieReceiver } from './opsgenie/opsgenie.ts';
import { maxEventBytes } from './pagerduty/pagerduty-events.ts';
import { pagerdutyReceiver } from './pagerduty/pagerduty-receiver.ts';
import { createIntegration, loopbackClient } from './receiver-conformance.test-support.ts';
import { ReceiverServer } from './receiver-server.test-support.ts';
import { rocketchatReceiver } from './rocketchat/rocketchat.ts';
import { slackReceiver } from './slack/slack-receiver.ts';
import { victoropsReceiver } from './victorops/victorops.ts';
import { webexReceiver } from './webex/webex.ts';

const server = new ReceiverServer();
const http = loopbackClient();

beforeAll(() => server.open());
beforeEach(() => server.reset());
afterAll(async () => {
  http.close();
  await server.close();
});

const KINDS = {
  discord: { kind: discordReceiver, written: (url: string) => ({ webhook_url: url }) },
  jira: {
    kind: jiraReceiver,
    written: (url: string) => ({ api_url: `${url}/rest/api/2`, project: 'OPS', issue_type: 'Bug' }),
  },
  mattermost: { kind: mattermostReceiver, written: (url: string) => ({ webhook_url: url }) },
  opsgenie: { kind: opsgenieReceiver, written: (url: string) => ({ api_url: url, api_key: 'key' }) },
  pagerduty: { kind: pagerdutyReceiver, written: (url: string) => ({ url, routing_key: 'key' }) },
  rocketchat: {
    kind: rocketchatReceiver,
    written: (url: string) => ({ api_url: url, token: 't', token_id: 'i', channel: '#c' }),
  },
  slack: { kind: slackReceiver, written: (url: string) => ({ api_url: url }) },
  victorops: {
    kind: victoropsReceiver,
    written: (url: string) => ({ api_url: url, api_key: 'key', routing_key: 'team' }),
  },
  webex: {
    kind: webexReceiver,
    written: (url: string) => ({
      api_url: url,
      room_id: 'room',
      http_config: { authorization: { credentials: 'x' } },
    }),
  },
} as const;

/** A value within what was sent, at whatever depth it has that name first. */
function valueAt(sent: unknown, name: string): unknown {
  if (typeof sent !== 'object' || sent === null) return undefined;
  if (Object.hasOwn(sent, name)) return (sent as Readonly<Record<string, unknown>>)[name];
  for (const inner of Object.values(sent)) {
    const found = valueAt(inner, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One character, of one, two and four bytes, and one that is shown together with the one before it. */
const CHARACTERS = ['x', 'ä', '😀', '\u0301'];

it.each<
  [of: keyof typeof KINDS, setting: string, sentAs: string, most: number, unit: 'characters' | 'bytes']
>([
  ['discord', 'content', 'content', 2000, 'characters'],
  ['discord', 'title', 'title', 256, 'characters'],
  ['discord', 'message', 'description', 4096, 'characters'],
  ['jira', 'summary', 'summary', 255, 'characters'],
  ['jira', 'description', 'description', 32_767, 'characters'],
  ['mattermost', 'text', 'text', 16_383, 'characters'],
  ['opsgenie', 'message', 'message', 130, 'characters'],
  ['opsgenie', 'description', 'description', 15_000, 'characters'],
  ['opsgenie', 'note', 'note', 25_000, 'characters'],
  ['opsgenie', 'entity', 'entity', 512, 'characters'],
  ['opsgenie', 'source', 'source', 100, 'characters'],
  ['pagerduty', 'description', 'summary', 1024, 'characters'],
  ['rocketchat', 'title', 'title', 1024, 'characters'],
  ['slack', 'title', 'title', 1024, 'characters'],
  ['slack', 'message_text', 'text', 40_000, 'characters'],
  ['slack', 'pretext', 'pretext', 40_000, 'characters'],
  ['slack', 'fallback', 'fallback', 40_000, 'characters'],
  ['victorops', 'state_message', 'state_message', 20_480, 'characters'],
  ['webex', 'message', 'markdown', 7439, 'bytes'],
])(
  '%s takes a %s, as %s, of %i %s whole, and gets a longer one cut',
  async (of, setting, sentAs, most, unit) => {
    const { kind, written } = KINDS[of];
    const sentOf = async (text: string): Promise<unknown> => {
      server.reset();
      const all = { ...written(server.addressAs()), [setting]: text };
      const integration = createIntegration({ kind: kind as never }, { written: all, http });
      await integration.send(exampleMessage(), { signal: new AbortController().signal, memory: null });
      const bodies = server.received.map(({ body }) => (body.startsWith('{') ? JSON.parse(body) : null));
      return valueAt(bodies, sentAs);
    };
    for (const character of CHARACTERS) {
      const size = unit === 'bytes' ? Buffer.byteLength(character) : 1;
      const count = Math.floor(most / size);
      const longest = `${'x'.repeat(most - count * size)}${character.repeat(count)}`;
      expect(await sentOf(longest), `${most} of ${character}`).toBe(longest);
      const cut = String(await sentOf(`${longest}x`));
      expect(cut.endsWith('…'), `${most + 1} of ${character}`).toBe(true);
      expect(longest.startsWith(cut.slice(0, -1))).toBe(true);
      const length = unit === 'bytes' ? Buffer.byteLength(cut) : Array.from(cut).length;
      expect(length).toBeLessThanOrEqual(most);
      expect(length).toBeGreaterThan(most - 4);
    }
  },
);

const options = () => ({ signal: new AbortController().signal, memory: null });

it(`PagerDuty gets an event of ${maxEventBytes} bytes whole, and a longer one without its long details`, async () => {
  const sentWith = async (detail: string): Promise<string> => {
    server.reset();
    const written = { url: server.addressAs(), routing_key: 'key', details: { own: `"${detail}"` } };
    const integration = createIntegration({ kind: pagerdutyReceiver }, { written, http });
    await integration.send(exampleMessage(), options());
    return server.received[0]?.body ?? '';
  };
  const around = Buffer.byteLength(await sentWith('x')) - 1;
  const longest = 'x'.repeat(512_000 - around);
  const whole = await sentWith(longest);
  expect([Buffer.byteLength(whole), whole.includes(longest)]).toEqual([512_000, true]);
  const cut = await sentWith(`${longest}x`);
  expect([cut.includes('xxx'), cut.includes('exceeds the maximum size of 512KB')]).toEqual([false, true]);
});

it('incident.io gets 512 KiB whole, and the first alert alone of what is longer', async () => {
  const sentWith = async (text: string): Promise<string> => {
    server.reset();
    const written = { url: server.addressAs(), alert_source_token: 't' };
    const alerts = [exampleAlert(), exampleAlert({ alertId: 'alrt_2', annotations: { text } })];
    const integration = createIntegration({ kind: incidentioReceiver }, { written, http });
    await integration.send(exampleMessage({ alerts }), options());
    return server.received[0]?.body ?? '';
  };
  const around = Buffer.byteLength(await sentWith('x')) - 1;
  const longest = 'x'.repeat(512 * 1024 - around);
  expect(Buffer.byteLength(await sentWith(longest))).toBe(512 * 1024);
  const cut = JSON.parse(await sentWith(`${longest}x`)) as Readonly<Record<string, readonly unknown[]>>;
  expect([cut['alerts']?.length, cut['truncatedAlerts']]).toEqual([1, 1]);
});
