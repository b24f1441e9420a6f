import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const installed = spawnSync('amtool', ['--version']).status === 0;
const data = dataDirectory();
const LIMIT_MS = 120_000;

let server: OmoiServer;
let address: string;

beforeAll(async () => {
  if (!installed) return;
  server = await OmoiServer.start(data.path);
  const made = await omoi(['token', '--data-directory', data.path, 'create', 'ann', '--role', 'operator']);
  const url = new URL('/alertmanager', server.url);
  url.username = 'any';
  url.password = made.stdout.trim();
  address = url.href;
});
afterAll(async () => {
  await server?.stop();
  data.remove();
});

/** Of what has to succeed. */
function amtool(...args: readonly string[]): string {
  const options = { encoding: 'utf8', env: { ...process.env, HOME: '/nonexistent' } } as const;
  const { status, stdout, stderr } = spawnSync('amtool', [...args, `--alertmanager.url=${address}`], options);
  expect({ args, status, stderr }).toMatchObject({ status: 0 });
  return stdout;
}

describe.skipIf(!installed)(
  'amtool and a whole server (skipped without it: apt-get install --no-install-recommends prometheus-alertmanager)',
  () => {
    it('an alert that is posted is listed, silenced over a restart, and listed again', async () => {
      amtool('alert', 'add', 'DiskFull', 'host=a', '--annotation=summary=no room');
      await until(() => amtool('alert', 'query', 'DiskFull').includes('no room'), 'it is listed', LIMIT_MS);
      const id = amtool('silence', 'add', 'DiskFull', '--duration=1h', '--comment=new disks').trim();
      await until(() => !amtool('alert', 'query').includes('DiskFull'), 'it is silenced', LIMIT_MS);
      await server.stop('SIGKILL');
      server = await OmoiServer.start(data.path);
      const url = new URL(address);
      url.port = new URL(server.url).port;
      address = url.href;
      expect(amtool('silence', 'query', '-q').trim()).toBe(id);
      amtool('silence', 'expire', id);
      await until(() => amtool('alert', 'query').includes('DiskFull'), 'it is listed again', LIMIT_MS);
      expect(amtool('config', 'show')).toContain('receiver');
      expect(amtool('cluster', 'show')).toContain('disabled');
    });
  },
);
