import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, freePort, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { workersOf } from './support/workers.ts';

const WORKER = fileURLToPath(new URL('support/orphan.ts', import.meta.url));
/** Of both pools, so that when the one has left the other has been alone for too long too. */
const ORPHAN_TIMEOUT = '1s';

const data = dataDirectory();
let port: number;
let server: OmoiServer;
let admin: Client;

const pool = (onOrphan: string): object => ({
  id: onOrphan,
  command: [process.execPath, '--conditions=omoi-source', '--disable-warning=ExperimentalWarning', WORKER],
  desired: 1,
  max: 1,
  phase_id: 'PHASE_TESTING',
  heartbeat_interval: '200ms',
  orphan_timeout: ORPHAN_TIMEOUT,
  on_orphan: onOrphan,
});

const startServer = (): Promise<OmoiServer> =>
  OmoiServer.start(data.path, {
    port,
    env: { OMOI_FLEET_POOLS: JSON.stringify([pool('leave'), pool('continue')]) },
  });

beforeAll(async () => {
  port = await freePort();
  server = await startServer();
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  await server.stop('SIGKILL');
  for (const { pid } of workersOf(server)) process.kill(pid, 'SIGKILL');
  data.remove();
});

/** `status/generation` of each agent. */
async function standing(): Promise<Readonly<Record<string, string>>> {
  const { agents } = await admin.read<{ agents: { agent_id: string; status: string; generation: number }[] }>(
    '/api/v1/fleet/agents',
  );
  return Object.fromEntries(agents.map((agent) => [agent.agent_id, `${agent.status}/${agent.generation}`]));
}

it('workers whose server is killed and stays away leave or go on, as their pool has it', async () => {
  await until(async () => {
    const agents = await standing();
    return agents['leave-1'] === 'IDLE/1' && agents['continue-1'] === 'IDLE/1';
  }, 'both workers are there');
  const before = workersOf(server);
  expect(before.map(({ poolId }) => poolId).sort()).toEqual(['continue', 'leave']);

  await server.stop('SIGKILL');
  await until(() => workersOf(server).every(({ poolId }) => poolId !== 'leave'), 'the one has left');
  expect(workersOf(server)).toEqual(before.filter(({ poolId }) => poolId === 'continue'));

  server = await startServer();
  await until(async () => {
    const agents = await standing();
    return agents['leave-1'] === 'FAILED/1' && agents['continue-1'] === 'IDLE/1';
  }, 'the server sees who left and who stayed');
  await admin.read('/api/v1/fleet/tasks', {
    method: 'POST',
    body: { task_type: 'any', phase_id: 'PHASE_TESTING', priority: 0, payload: {} },
  });
  await until(
    async () => (await admin.events('fleet.task.completed')).length === 1,
    'who stayed works for the new server',
  );
  expect(workersOf(server)).toEqual(before.filter(({ poolId }) => poolId === 'continue'));
});
