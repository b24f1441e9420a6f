import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

// A pool of a program that knows nothing of Omoi.

const MAILER = `
require('node:fs').appendFileSync(process.env.PIDS, process.pid + ' ');
setInterval(() => {}, 1000);
`;

const data = dataDirectory();
const pids = join(data.path, 'pids');
let server: OmoiServer;
let admin: Client;

interface Agent {
  readonly status: string;
  readonly status_reason: string;
  readonly generation: number;
}

const agent = () => admin.read<Agent>('/api/v1/fleet/agents/mailers-1');
const lastPid = (): number => Number(readFileSync(pids, 'utf8').trim().split(' ').at(-1));

function becomes(status: string, generation: number): Promise<unknown> {
  const isSo = async (): Promise<boolean> => {
    const found = await admin.call('/api/v1/fleet/agents/mailers-1');
    const { status: now, generation: newest } = found.body as Agent;
    return now === status && newest === generation;
  };
  return until(isSo, `mailers-1/${generation} is ${status}`, 120_000);
}

beforeAll(async () => {
  const script = join(data.path, 'mailer.cjs');
  writeFileSync(script, MAILER);
  const configFile = join(data.path, 'omoi.json');
  const pool = {
    id: 'mailers',
    command: [process.execPath, script],
    env: { PIDS: pids },
    desired: 1,
    max: 1,
    start_within: '2s',
  };
  writeFileSync(configFile, JSON.stringify({ watchdog: { mode: 'act' }, fleet: { pools: [pool] } }));
  server = await OmoiServer.start(data.path, { configFile });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  await admin?.call('/api/v1/fleet/pools/mailers', { method: 'DELETE' });
  await server?.stop();
  data.remove();
});

it('is found out, watched, and started anew when it has ended', async () => {
  await becomes('IDLE', 1);
  expect((await agent()).status_reason).toBe('process_watched');
  const first = lastPid();
  process.kill(first, 'SIGKILL');
  await becomes('IDLE', 2);
  // Omoi beats for it at once; it writes where it is a little later.
  await until(() => lastPid() !== first, 'the next process says where it is');
  process.kill(lastPid(), 'SIGSTOP');
  await becomes('IDLE', 3);
  const stalled = (await admin.events('fleet.agent.status_changed')).map(
    ({ payload }) => (payload as { readonly to: string }).to,
  );
  expect(stalled).toContain('STALLED');
});
