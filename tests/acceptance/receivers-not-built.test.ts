import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, freePort, omoi, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { Webhook } from './support/webhook.ts';

const data = dataDirectory();
const files = join(data.path, 'files');
const routing = join(files, 'alertmanager.yml');
const configuration = join(files, 'omoi.yaml');
const WARNING = `${routing}:5:20: Omoi does not send to sns yet`;
const PROXY_WARNING = `${routing}:7:75: the proxy has the scheme socks5, and only http and https are spoken: every message by it fails; name an HTTP proxy`;
let port: number;
let server: OmoiServer;
let admin: Client;
let webhook: Webhook;

/** @param extras `x-omoi` at the top */
function routingFile(extras: string, receiver = 'cloud'): string {
  return `route: { receiver: ${receiver}, group_wait: 0s, group_interval: 1s, group_by: ['...'] }
receivers:
  - name: cloud
    webhook_configs: []
    sns_configs: [ { topic_arn: a, sigv4: { region: b } } ]
  - name: far
    webhook_configs: [{ url: "${webhook.url}/far", http_config: { proxy_url: "socks5://127.0.0.1:1080" } }]
  - name: hook
    webhook_configs: [{ url: "${webhook.url}/hook" }]
    x-omoi: { rate_limit: { messages: 2, per: 8s } }
  - name: closed
    webhook_configs: [{ url: "http://127.0.0.1:${port}/api/v1/nobody-listens" }]
${extras}`;
}

beforeAll(async () => {
  mkdirSync(files, { recursive: true });
  [webhook, port] = await Promise.all([Webhook.open(), freePort()]);
  writeFileSync(routing, routingFile('x-omoi: { fallback_receiver: hook }\n'));
  writeFileSync(
    configuration,
    `alerting: { disable: ["*"] }
watchdog: { disable: ["*"] }
log: { destination: "${join(files, 'omoi.log')}" }
notification: { config_file: "${routing}" }
`,
  );
  server = await OmoiServer.start(data.path, { configFile: configuration, port });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  await server.stop();
  await webhook.close();
  data.remove();
});

/** Alerts are posted, each a group of its own. */
async function post(...names: readonly string[]): Promise<void> {
  const { status } = await admin.call('/alertmanager/api/v2/alerts', {
    method: 'POST',
    body: names.map((alertname) => ({ labels: { alertname } })),
  });
  expect(status).toBe(200);
}

const namesTold = (path: string): readonly string[] =>
  webhook.to(path).flatMap(({ body }) => body.alerts.map(({ labels }) => labels['alertname'] ?? ''));

it('a strict start and a strict check refuse them, with their place', async () => {
  const named = ['--config', configuration];
  const elsewhere = { OMOI_DATA_DIRECTORY: join(files, 'other'), OMOI_HTTP_PORT: '0', OMOI_OTLP_PORT: '0' };
  const [served, strict, lenient] = await Promise.all([
    omoi(['serve', '--strict', ...named], elsewhere),
    omoi(['check', '--strict', ...named]),
    omoi(['check', ...named]),
  ]);
  expect(served.status).toBe(1);
  expect(served.stderr).toContain(WARNING);
  expect(served.stderr).toContain(PROXY_WARNING);
  expect(strict).toMatchObject({ status: 1 });
  expect(strict.stdout).toContain(`error  notification.config_file: ${WARNING}`);
  expect(strict.stdout).toContain(PROXY_WARNING);
  expect(lenient).toMatchObject({ status: 0 });
  expect(lenient.stdout).toContain(`warning  notification.config_file: ${PROXY_WARNING}`);
  expect(lenient.stdout).toContain(`warning  notification.config_file: ${WARNING}`);
});

it('a start warns of them, and has a metric of them by which ReceiverNotBuilt fires', async () => {
  expect(server.stderr).toContain(`warning    ${WARNING}`);
  expect(server.stderr).toContain(`warning    ${PROXY_WARNING}`);
  const page = await (await fetch(`${server.url}/metrics`)).text();
  expect(page).toContain('omoi_receiver_not_built{receiver="cloud",type="sns"} 1');
});

it('what is for them goes to the fallback receiver, with a note', async () => {
  await post('Elsewhere');
  await until(() => webhook.to('/hook').length > 0, 'the fallback receiver is told');
  expect(webhook.to('/hook')[0]?.body).toMatchObject({
    receiver: 'hook',
    note: 'This is for cloud/sns/0, which Omoi does not send to yet.',
    alerts: [{ labels: { alertname: 'Elsewhere' } }],
  });
});

it('a test of them goes there, too, and says so', async () => {
  const before = webhook.to('/hook').length;
  const tested = await omoi(['receivers', 'test', 'cloud', '--data-directory', data.path]);
  expect(tested).toMatchObject({ status: 0 });
  expect(tested.stdout).toMatch(/cloud\/sns\/0>hook\/webhook\/0 +delivered/);
  const [told, ...more] = webhook.to('/hook').slice(before);
  expect(more).toEqual([]);
  expect(told?.body.note).toBe('This is a test. This is for cloud/sns/0, which Omoi does not send to yet.');
});

it('and to the log, where there is no fallback receiver', async () => {
  writeFileSync(routing, routingFile(''));
  const reloaded = await omoi(['reload', '--data-directory', data.path]);
  expect(reloaded).toMatchObject({ status: 0 });
  expect(reloaded.stdout).toContain(`warning: ${WARNING}`);
  expect(reloaded.stdout).toContain(`warning: ${PROXY_WARNING}`);
  const tested = await omoi(['receivers', 'test', 'cloud', '--data-directory', data.path]);
  expect(tested).toMatchObject({ status: 1 });
  expect(tested.stdout).toMatch(/cloud\/sns\/0 +not_sent +Omoi does not send to sns yet/);
  await post('Logged');
  const line = 'Alert firing: This is for cloud/sns/0, which Omoi does not send to yet.';
  const log = (): string => readFileSync(join(files, 'omoi.log'), 'utf8');
  await until(
    () =>
      log()
        .split('\n')
        .some((one) => one.includes(line) && one.includes('Logged')),
    'the log has it',
  );
});

it('omoi doctor names a receiver that refuses, since when, what it answers and what to do', async () => {
  const doctor = () => omoi(['doctor', '--data-directory', data.path]);
  const before = (await doctor()).stdout;
  expect(before).toMatch(/^ok +receivers +none of 4 receivers refuses messages$/m);
  writeFileSync(routing, routingFile('', 'closed'));
  expect(await omoi(['reload', '--data-directory', data.path])).toMatchObject({ status: 0 });
  interface Receivers {
    readonly receivers: readonly {
      readonly integrations: readonly { readonly refuses_since: string | null }[];
    }[];
  }
  await until(async () => {
    const { receivers } = await admin.read<Receivers>('/api/v1/alerts/receivers');
    return receivers.some(({ integrations }) => integrations.some((one) => one.refuses_since !== null));
  }, 'what fires is refused there');
  const { status, stdout } = await doctor();
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^problem +receivers +closed\/webhook\/0 takes nothing since \S+Z \(\d+s\), .*: HTTP 404.*\n +→ repair what it answers .*omoi receivers test closed tells/m,
  );
});

it('beyond a rate limit all is told in one digest, also by the server after one that was killed', async () => {
  const before = webhook.to('/hook').length;
  writeFileSync(routing, routingFile('', 'hook'));
  expect(await omoi(['reload', '--data-directory', data.path])).toMatchObject({ status: 0 });
  const told = () => webhook.to('/hook').slice(before);
  // What fires already is told of anew, under the receiver that it has now: two messages at once.
  await until(() => told().length === 2, 'the limit is used up');
  const posted = ['One', 'Two', 'Three'];
  await post(...posted);
  interface Messages {
    readonly messages: readonly { readonly held_until: string | null }[];
  }
  await until(async () => {
    const { messages } = await admin.read<Messages>('/api/v1/alerts/notifications?state=pending');
    return messages.filter(({ held_until: until }) => until !== null).length === posted.length;
  }, 'three messages are held');
  server.child.kill('SIGKILL');
  await server.ended();
  server = await OmoiServer.start(data.path, { configFile: configuration, port });
  await until(() => posted.every((name) => namesTold('/hook').includes(name)), 'the digest has come', 30_000);
  const digests = told().filter(({ body }) => body.notification_reason.startsWith('digest'));
  expect(digests).toHaveLength(1);
  expect(told()).toHaveLength(3);
  expect(digests[0]?.body.alerts.map(({ labels }) => labels['alertname']).toSorted()).toEqual(
    posted.toSorted(),
  );
  expect(digests[0]?.body.note).toMatch(/^Digest of 3 messages beyond 2 messages in 8s since /);
});
