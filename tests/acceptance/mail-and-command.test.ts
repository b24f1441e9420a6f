import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_AUTHORITY_CERTIFICATE } from '../../src/notification/receivers/certificates.test-support.ts';
import { headersOf, MailServer } from '../../src/notification/receivers/email/mail-server.test-support.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const data = dataDirectory();
const path = (name: string): string => join(data.path, name);
const PASSWORD = 'SECRET-mail-password';

/** Mails that were handed over whole, each with what says yes to it. */
const arrived: { readonly content: string; readonly take: () => void }[] = [];

const mails = new MailServer({
  authOptional: false,
  onAuth: ({ username, password }, _, callback) =>
    callback(null, username === 'omoi' && password === PASSWORD ? { user: username } : {}),
  onData: (stream, _, callback) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => {
      arrived.push({ content: Buffer.concat(pieces).toString('utf8'), take: () => callback(null, 'Ok') });
    });
  },
});

const RULES = `groups:
  - name: test
    rules:
      - alert: AlwaysThere
        expr: vector(1)
        labels: { severity: critical }
        annotations: { summary: it is always there }
`;

function configuration(): string {
  return `global:
  smtp_smarthost: localhost:${mails.port}
  smtp_from: Omoi <omoi@example.org>
  smtp_auth_username: omoi
  smtp_auth_password_file: mail-password
  smtp_tls_config:
    ca_file: authority.pem
route:
  receiver: nobody
  routes:
    - receiver: ops
      matchers: [alertname="AlwaysThere"]
      group_wait: 0s
receivers:
  - name: nobody
  - name: ops
    email_configs:
      - to: ops@example.org
        text: '{{ template "__subject" . }}'
    x-omoi:
      command_configs:
        - command: ${path('page')}
          args: [${path('paged.json')}, '{{ .CommonLabels.severity }}']
x-omoi:
  allowed_commands: [${path('page')}]
`;
}

let server: OmoiServer;
const start = (): Promise<OmoiServer> => OmoiServer.start(data.path, { configFile: path('omoi.yaml') });

beforeAll(async () => {
  await mails.open();
  writeFileSync(path('rules.yaml'), RULES);
  writeFileSync(path('alertmanager.yml'), configuration());
  writeFileSync(path('mail-password'), `${PASSWORD}\n`, { mode: 0o600 });
  writeFileSync(path('authority.pem'), TEST_AUTHORITY_CERTIFICATE);
  writeFileSync(path('page'), '#!/bin/sh\ncat > "$1.new" && echo "$2" >> "$1.new" && mv "$1.new" "$1"\n', {
    mode: 0o755,
  });
  writeFileSync(
    path('omoi.yaml'),
    `alerting:\n  rule_files: [${path('rules.yaml')}]\nnotification:\n  config_file: ${path('alertmanager.yml')}\n`,
  );
  server = await start();
});

afterAll(async () => {
  await server.stop('SIGINT');
  await mails.close();
  data.remove();
});

describe('an alert', () => {
  it('starts the command of its receiver', async () => {
    await until(() => existsSync(path('paged.json')), 'the command has run');
    const [payload = '', severity] = readFileSync(path('paged.json'), 'utf8').trim().split('\n');
    expect(JSON.parse(payload)).toMatchObject({ version: '4', receiver: 'ops', status: 'firing' });
    expect(severity).toBe('critical');
  });

  it('is told by mail, once more where nobody heard that it had arrived', async () => {
    const first = await until(() => arrived[0], 'a mail has come');
    await server.stop('SIGKILL');
    server = await start();
    const second = await until(() => arrived[1], 'it has come again');
    second.take();
    expect(headersOf(second.content)).toMatchObject({
      from: 'Omoi <omoi@example.org>',
      to: 'ops@example.org',
    });
    expect(headersOf(second.content)['message-id']).toBe(headersOf(first.content)['message-id']);
    expect(second.content).toContain('AlwaysThere');
    expect(server.stdout + server.stderr).not.toContain(PASSWORD);
  });
});
