import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  MailServer,
  type ReceivedMail,
} from '../../src/notification/receivers/email/mail-server.test-support.ts';
import { encodeWriteRequest, snappy } from '../remote-write-request.ts';
import { Client } from './support/client.ts';
import { dataDirectory, freePort, omoi, OmoiServer } from './support/omoi-process.ts';
import { StartedProcess } from './support/started-process.ts';
import { until } from './support/until.ts';
import { Webhook, type WebhookMessage } from './support/webhook.ts';

/** Alerts of a burst, each in a group of its own. */
const JOBS = 300;
/** Of these so many go to people by mail as well. */
const MAILED = 20;
/** The server is killed when so many messages have come. */
const KILLED_AT = 100;
/** A killed server has sent at most so many messages whose answers it has not written down: on their way, and answered. */
const maxUnwritten = 8 + 64;

const data = dataDirectory();
const files = join(data.path, 'files');
const routing = join(files, 'alertmanager.yml');
const configuration = join(files, 'omoi.yaml');
let port: number;
let token: string;
let server: OmoiServer;
let admin: Client;
let webhook: Webhook;
let mail: MailServer;

beforeAll(async () => {
  mkdirSync(files, { recursive: true });
  [webhook, mail, port] = await Promise.all([Webhook.open(), new MailServer().open(), freePort()]);
  const rules = join(files, 'rules.yaml');
  writeFileSync(
    rules,
    `groups:
  - name: house
    rules:
      - alert: JobBroken
        expr: job_broken > 0
        annotations: { summary: 'job {{ $labels.job }} is broken' }
`,
  );
  writeFileSync(routing, routingFile('burst'));
  writeFileSync(
    configuration,
    `alerting: { disable: ["*"], rule_files: ["${rules}"], resolve_stability: 0s }
watchdog: { disable: ["*"] }
notification: { config_file: "${routing}" }
`,
  );
  server = await OmoiServer.start(data.path, { configFile: configuration, port });
  token = server.adminToken;
  admin = new Client(() => server.url, token);
});

afterAll(async () => {
  await server.stop();
  await Promise.all([webhook.close(), mail.close()]);
  data.remove();
});

/** Where all alerts go, by the path of the webhook. */
function routingFile(path: string): string {
  return `global: { smtp_smarthost: "127.0.0.1:${mail.port}", smtp_from: "omoi@example.com" }
route:
  receiver: hook
  group_wait: 0s
  group_interval: 1s
  group_by: ['...']
  routes:
    - { receiver: mailbox, matchers: ['mailed="yes"'], continue: true }
    - { receiver: hook }
receivers:
  - name: hook
    webhook_configs: [{ url: "${webhook.url}/${path}" }]
  - name: mailbox
    email_configs:
      - to: people@example.com
        send_resolved: true
        tls_config: { insecure_skip_verify: true }
`;
}

async function write(value: number): Promise<void> {
  const series = Array.from({ length: JOBS }, (_, job) => ({
    labels: [
      ['__name__', 'job_broken'],
      ['job', `job-${job}`],
      ['mailed', job < MAILED ? 'yes' : 'no'],
    ] as const,
    samples: [{ timestampMs: Date.now(), value }],
  }));
  const { status } = await fetch(`${server.url}/prometheus/api/v1/write`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-protobuf' },
    body: Buffer.from(snappy(encodeWriteRequest(series))),
  });
  expect(status).toBe(204);
}

/** The jobs of which messages say that they are so. */
function jobsTold(messages: readonly WebhookMessage[], status: 'firing' | 'resolved'): ReadonlySet<string> {
  return new Set(
    messages.flatMap(({ body }) =>
      body.alerts.flatMap((alert) => (alert.status === status ? [alert.labels['job'] ?? ''] : [])),
    ),
  );
}

/** The jobs of which mails say so. */
function jobsMailed(mails: readonly ReceivedMail[], status: 'FIRING' | 'RESOLVED'): ReadonlySet<string> {
  return new Set(
    mails.flatMap(({ content }) => {
      const unfolded = content.replaceAll(/\r\n[ \t]+/g, ' ');
      return new RegExp(`^Subject: \\[${status}[^\\]]*\\].*?(job-\\d+)`, 'm').exec(unfolded)?.[1] ?? [];
    }),
  );
}

async function whenNothingIsPending(): Promise<void> {
  interface Receivers {
    readonly receivers: readonly { readonly integrations: readonly { readonly pending: number }[] }[];
  }
  await until(async () => {
    const { receivers } = await admin.read<Receivers>('/api/v1/alerts/receivers');
    return receivers.flatMap(({ integrations }) => integrations).every(({ pending }) => pending === 0);
  }, 'nothing waits for a receiver');
}

/** The routing in force, as Alertmanager's API shows it. */
async function shownConfiguration(): Promise<string> {
  const { config } = await admin.read<{ config: { original: string } }>('/alertmanager/api/v2/status');
  return config.original;
}

describe('alerts of a burst, with a server that is killed in the middle of it', () => {
  it('all come to the webhook and the mailbox, and twice only where an answer was lost', async () => {
    expect(server.stderr).toContain('telling    2 receivers: hook, mailbox\n');
    const killed = Promise.withResolvers<void>();
    webhook.beforeAnswer = () => {
      if (webhook.messages.length !== KILLED_AT) return;
      server.child.kill('SIGKILL');
      // This answer is lost for certain.
      return server.ended().then(() => killed.resolve());
    };
    await write(1);
    await killed.promise;
    webhook.beforeAnswer = () => undefined;
    const before = new Set(webhook.messages.map(({ id }) => id));
    expect(jobsTold(webhook.messages, 'firing').size).toBeLessThan(JOBS);

    server = await OmoiServer.start(data.path, { configFile: configuration, port });
    await until(() => jobsTold(webhook.messages, 'firing').size === JOBS, 'every job is told of', 60_000);
    await until(() => jobsMailed(mail.received, 'FIRING').size === MAILED, 'the mails are there', 60_000);
    await whenNothingIsPending();

    const ids = webhook.messages.map(({ id }) => id);
    const again = ids.length - new Set(ids).size;
    expect(again).toBeGreaterThanOrEqual(1);
    expect(again).toBeLessThanOrEqual(maxUnwritten);
    // One message for each group: what came again is the same message.
    expect(new Set(ids).size).toBe(JOBS);
    expect(ids.slice(0, KILLED_AT).every((id) => before.has(id))).toBe(true);
    expect(mail.received.length).toBeGreaterThanOrEqual(MAILED);
  });

  it('are over: everybody who has heard of them hears of that', async () => {
    await write(0);
    await until(() => jobsTold(webhook.messages, 'resolved').size === JOBS, 'every job is over', 60_000);
    await until(() => jobsMailed(mail.received, 'RESOLVED').size === MAILED, 'and by mail', 60_000);
    await whenNothingIsPending();
  });
});

describe('a reload', () => {
  const reload = () => omoi(['reload', '--data-directory', data.path]);

  const SPOILT: readonly (readonly [what: string, spoil: (text: string) => string])[] = [
    ['a receiver that nobody has', (text) => text.replace('receiver: mailbox', 'receiver: letterbox')],
    ['a mistyped matcher', (text) => text.replace('mailed="yes"', 'mailed=yes"')],
    ['a template that cannot be read', (text) => text.replace('/burst', '/{{ if }}')],
    ['half a file', (text) => text.slice(0, text.length / 2)],
  ];

  it('with a mistake changes nothing, and says where it is', async () => {
    const shown = await shownConfiguration();
    for (const [what, spoil] of SPOILT) {
      writeFileSync(routing, spoil(routingFile('burst')));
      const { status, stderr } = await reload();
      expect(status, what).toBe(1);
      expect(stderr, what).toMatch(new RegExp(`${routing}:\\d+`));
      expect(await shownConfiguration(), what).toBe(shown);
    }
    const told = webhook.messages.length;
    await write(1);
    await until(() => jobsTold(webhook.messages.slice(told), 'firing').size === JOBS, 'all are told', 60_000);
    await write(0);
    await until(() => jobsTold(webhook.messages.slice(told), 'resolved').size === JOBS, 'all over', 60_000);
    await whenNothingIsPending();
  });

  it('with another receiver is in force at once', async () => {
    writeFileSync(routing, routingFile('other'));
    expect(await reload()).toMatchObject({ status: 0, stderr: '' });
    await write(1);
    await until(
      () => jobsTold(webhook.to('/other'), 'firing').size === JOBS,
      'the other one is told',
      60_000,
    );
    await whenNothingIsPending();
  });
});

describe('alerts of a Prometheus', () => {
  const folder = join(data.path, 'prometheus');
  let prometheus: StartedProcess | null = null;

  afterAll(async () => {
    prometheus?.kill('SIGKILL');
    await prometheus?.closed;
  });

  it('that names Omoi as its Alertmanager are told of, and told to be over', async () => {
    mkdirSync(folder, { recursive: true });
    const rules = join(folder, 'rules.yml');
    const targets = join(folder, 'targets.json');
    writeFileSync(
      rules,
      `groups:
  - name: theirs
    interval: 1s
    rules: [{ alert: Theirs, expr: 'absent(up{job="job-999"})', labels: { mailed: "yes" } }]
`,
    );
    writeFileSync(targets, '[]');
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `global: { evaluation_interval: 1s, scrape_interval: 1s, external_labels: { region: north } }
rule_files: ["${rules}"]
scrape_configs: [{ job_name: job-999, file_sd_configs: [{ files: ["${targets}"] }] }]
alerting:
  alertmanagers:
    - path_prefix: /alertmanager
      static_configs: [{ targets: ["127.0.0.1:${port}"] }]
`,
    );
    const own = await freePort();
    prometheus = new StartedProcess(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${own}`,
        '--rules.alert.resend-delay=1s',
      ],
      { PATH: process.env['PATH'], HOME: folder },
    );
    const theirs = (status: string) =>
      webhook
        .to('/other')
        .flatMap(({ body }) => body.alerts)
        .find((alert) => alert.labels['alertname'] === 'Theirs' && alert.status === status);
    const firing = await until(() => theirs('firing'), 'the webhook is told of it', 60_000);
    expect(firing.labels).toEqual({ alertname: 'Theirs', job: 'job-999', mailed: 'yes', region: 'north' });
    await until(() => jobsMailed(mail.received, 'FIRING').has('job-999'), 'so are people, by mail');

    // It watches the file, and scrapes itself from now on.
    writeFileSync(`${targets}.new`, JSON.stringify([{ targets: [`127.0.0.1:${own}`] }]));
    renameSync(`${targets}.new`, targets);
    const resolved = await until(() => theirs('resolved'), 'the webhook hears that it is over', 60_000);
    expect(resolved.fingerprint).toBe(firing.fingerprint);
    await until(() => jobsMailed(mail.received, 'RESOLVED').has('job-999'), 'so do people');
    // It never came of Omoi's own rules.
    interface Alerts {
      readonly alerts: readonly { readonly rule_id: string; readonly cause: string | null }[];
    }
    const { alerts } = await admin.read<Alerts>('/api/v1/alerts?limit=1000');
    expect(alerts.filter(({ rule_id: of }) => of === 'posted/Theirs')).toEqual([
      expect.objectContaining({ cause: 'recovered' }),
    ]);
  });
});
