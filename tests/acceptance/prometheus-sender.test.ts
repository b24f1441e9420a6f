import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AlertmanagerApi,
  openAlertmanagerApi,
} from '../../src/api/alertmanager/alertmanager-api.test-support.ts';
import { until } from './support/until.ts';
import { WallClock } from './support/wall-clock.ts';

const installed = spawnSync('prometheus', ['--version']).status === 0;
if (!installed && process.env['CI'] === 'true') {
  throw new Error('prometheus is missing: apt-get install --no-install-recommends prometheus');
}

const LIMIT_MS = 120_000;
const directory = mkdtempSync(join(tmpdir(), 'omoi-prometheus-'));
let opened: AlertmanagerApi;
let prometheus: ChildProcess;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

const RULES = `groups:
  - name: here
    rules:
      - alert: Always
        expr: vector(1) > 0
        labels: { severity: warning, empty: '' }
        annotations: { summary: 'it is {{ $value }}' }
`;

function configurationFor(url: URL): string {
  return `global: { evaluation_interval: 1s, external_labels: { cluster: one } }
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - path_prefix: /alertmanager
      authorization: { credentials: '${opened.api.as('ingest').authorization.replace('Bearer ', '')}' }
      static_configs: [{ targets: ['${url.host}'] }]
`;
}

beforeAll(async () => {
  if (!installed) return;
  opened = await openAlertmanagerApi(false, new WallClock());
  const url = new URL(await opened.api.api.listen({ host: '127.0.0.1', port: 0 }));
  writeFileSync(join(directory, 'rules.yml'), RULES);
  writeFileSync(join(directory, 'prometheus.yml'), configurationFor(url));
  const args = {
    'config.file': join(directory, 'prometheus.yml'),
    'storage.tsdb.path': join(directory, 'data'),
    // What it sends before it has found where to is lost, and sent again so much later.
    'rules.alert.resend-delay': '1s',
    'web.listen-address': `127.0.0.1:${await freePort()}`,
  };
  prometheus = spawn(
    'prometheus',
    Object.entries(args).map(([name, value]) => `--${name}=${value}`),
    { stdio: 'ignore' },
  );
}, LIMIT_MS);

afterAll(async () => {
  if (prometheus?.exitCode === null) {
    prometheus.kill();
    await once(prometheus, 'exit');
  }
  await opened?.close();
  rmSync(directory, { recursive: true });
});

describe.skipIf(!installed)(
  'a real Prometheus (skipped without it: apt-get install --no-install-recommends prometheus)',
  () => {
    it(
      'tells of its alerts, which are listed with where they go',
      async () => {
        const [posted] = await until(
          () => (opened.stage.view.taken.length > 0 ? opened.stage.view.taken : null),
          'Prometheus posts its alert',
          LIMIT_MS,
        );
        expect(posted?.from.sender).toBe('token:the ingest');
        expect(posted?.alerts).toMatchObject([
          {
            labels: { alertname: 'Always', cluster: 'one', severity: 'warning' },
            annotations: { summary: 'it is 1' },
            timesOut: false,
            generatorUrl: expect.stringContaining('/graph?') as string,
          },
        ]);
        const [alert] = posted?.alerts ?? [];
        expect(alert?.endsAtMs).toBeGreaterThan(Date.now());
        const listed = await opened.call('GET alerts?filter=cluster%3Done', { role: 'viewer' });
        expect(listed.body).toMatchObject([
          { receivers: [{ name: 'default' }], status: { state: 'active' } },
        ]);
      },
      LIMIT_MS,
    );
  },
);
