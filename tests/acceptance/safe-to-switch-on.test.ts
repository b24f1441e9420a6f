import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer, type Ended } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { workersOf } from './support/workers.ts';

const WORKER = fileURLToPath(new URL('support/computing-worker.ts', import.meta.url));
const COMMAND = [
  process.execPath,
  '--conditions=omoi-source',
  '--disable-warning=ExperimentalWarning',
  WORKER,
];
const INTERVAL_MS = 500;
const REPLICAS = 3;
const WITHIN_MS = 90_000;

interface PoolView {
  readonly roll: { readonly stopped: boolean; readonly reason: string; readonly remaining: number } | null;
}

interface AgentView {
  readonly agent_id: string;
  readonly status: string;
  readonly generation: number;
}

const data = dataDirectory();
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  const pool = {
    id: 'rollers',
    command: COMMAND,
    env: { RELEASE: '1' },
    desired: REPLICAS,
    max: REPLICAS,
    phase_id: 'PHASE_TESTING',
    heartbeat_interval: `${INTERVAL_MS}ms`,
    grace: '2s',
  };
  server = await OmoiServer.start(data.path, {
    env: { OMOI_WATCHDOG_MODE: 'act', OMOI_FLEET_POOLS: JSON.stringify([pool]) },
  });
  admin = new Client(() => server.url, server.adminToken);
  await until(async () => (await well()).length === REPLICAS, 'all work', WITHIN_MS);
});

afterAll(async () => {
  for (const { pid } of workersOf(server)) process.kill(pid, 'SIGKILL');
  await server.stop();
  data.remove();
});

async function well(): Promise<readonly AgentView[]> {
  const { agents } = await admin.read<{ agents: readonly AgentView[] }>(
    '/api/v1/fleet/agents?pool_id=rollers',
  );
  return agents.filter(({ status }) => status === 'IDLE' || status === 'RUNNING');
}

interface AlertView {
  readonly id: string;
  readonly maintenance_id: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

async function firing(): Promise<readonly AlertView[]> {
  return (await admin.read<{ alerts: readonly AlertView[] }>('/api/v1/alerts?state=firing')).alerts;
}

const roll = async (): Promise<PoolView['roll']> =>
  (await admin.read<PoolView>('/api/v1/fleet/pools/rollers')).roll;
const change = (body: object): Promise<unknown> =>
  admin.read('/api/v1/fleet/pools/rollers', { method: 'PATCH', body });
const pids = (): readonly number[] => workersOf(server).map(({ pid }) => pid);
const releases = (): readonly string[] =>
  pids().map((pid) => /\0RELEASE=(\w+)/.exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1] ?? 'none');
const command = (...args: readonly string[]): Promise<Ended> =>
  omoi([...args, '--data-directory', data.path]);

describe('a pool whose definition changes', () => {
  it('is brought to it one replica at a time', async () => {
    let fewest = REPLICAS;
    await change({ env: { RELEASE: '2' } });
    await until(
      async () => {
        fewest = Math.min(fewest, (await well()).length);
        return (await roll()) === null;
      },
      'the roll is over',
      WITHIN_MS,
    );
    expect(releases()).toEqual(['2', '2', '2']);
    expect(fewest).toBe(REPLICAS - 1);
    const told = (await admin.events('fleet.pool.roll_changed')).map(({ payload }) => payload);
    expect(told).toMatchObject([{ state: 'rolling' }, { state: 'completed' }]);
  });

  it('stops after the first where that does not prove itself, and begins anew with the next change', async () => {
    const before = pids();
    await change({ command: [process.execPath, '-e', 'process.exit(3)'] });
    const stopped = await until(
      async () => {
        const state = await roll();
        return state?.stopped ? state : null;
      },
      'the roll has stopped',
      WITHIN_MS,
    );
    expect(stopped.reason).toMatch(/^generation \d+ of rollers-\d ended with code 3 before it had been well/);
    // The watchdog repairs the one that ended: with the definition that worked.
    await until(async () => (await well()).length === REPLICAS, 'all work', WITHIN_MS);
    expect(await roll()).toMatchObject({ stopped: true, remaining: REPLICAS });
    expect(pids().filter((pid) => before.includes(pid))).toHaveLength(REPLICAS - 1);
    await change({ command: COMMAND });
    await until(
      async () => (await roll()) === null && (await well()).length === REPLICAS,
      'all work',
      WITHIN_MS,
    );
    // Those that had never left the old definition are the same processes.
    expect(pids().filter((pid) => before.includes(pid))).toHaveLength(REPLICAS - 1);
  });
});

it('is asked about from elsewhere by every command, with a token in the environment', async () => {
  const from = ['--json', '--url', server.url];
  const env = { OMOI_TOKEN: server.adminToken };
  for (const args of [
    ['maintenance', 'list'],
    ['policies', 'list'],
    ['tasks', 'parked'],
    ['token', 'list'],
    ['token', 'login'],
  ]) {
    const { status, stdout } = await omoi([...args, ...from], env);
    expect([args, status, typeof JSON.parse(stdout)]).toEqual([args, 0, 'object']);
  }
  const started = await omoi(
    ['maintenance', 'start', 'rollers', '--for', '10m', '--reason', 'from elsewhere', ...from],
    env,
  );
  const { id } = JSON.parse(started.stdout) as { id: string };
  expect(await omoi(['maintenance', 'end', id, '--url', server.url], env)).toMatchObject({
    status: 0,
    stdout: `maintenance ${id} has ended\n`,
  });
  const refused = await omoi(['maintenance', 'list', '--url', server.url]);
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('unauthenticated')]);
});

describe('a maintenance', () => {
  it('keeps a killed worker down, marks its alert, and ends by hand: then it is repaired', async () => {
    await until(async () => (await firing()).length === 0, 'nothing fires any more', WITHIN_MS);
    const started = await command(
      'maintenance',
      'start',
      'rollers',
      '--for',
      '10m',
      '--reason',
      'new disks',
      '--json',
    );
    const { id, target } = JSON.parse(started.stdout) as { id: string; target: unknown };
    expect(target).toEqual({ kind: 'pool', id: 'rollers' });
    const listed = await command('maintenance', 'list');
    expect(listed.stdout).toMatch(new RegExp(`^${id}  pool:rollers  \\S+  .*  new disks$`, 'm'));
    const [victim] = workersOf(server);
    if (!victim) throw new Error('no worker runs');
    process.kill(victim.pid, 'SIGKILL');
    const alert = await until(
      async () => (await firing()).find(({ labels }) => labels['agent_id'] === victim.agentId),
      'its alert fires',
      WITHIN_MS,
    );
    expect(alert.maintenance_id).toBe(id);
    const held = async (): Promise<readonly string[]> => {
      const { remediations } = await admin.read<{
        remediations: readonly {
          state: string;
          suppressions: readonly { guard: string; reason: string }[];
        }[];
      }>(`/api/v1/watchdog/remediations?alert_id=${alert.id}`);
      return remediations.flatMap(({ suppressions }) => suppressions.map(({ guard }) => guard));
    };
    await until(async () => (await held()).includes('maintenance'), 'the guard holds it', WITHIN_MS);
    expect((await well()).map(({ agent_id: agentId }) => agentId)).not.toContain(victim.agentId);
    expect((await command('maintenance', 'end', id)).stdout).toBe(`maintenance ${id} has ended\n`);
    await until(async () => (await well()).length === REPLICAS, 'it is repaired', WITHIN_MS);
    expect((await command('maintenance', 'list')).stderr).toBe('omoi: nothing is under maintenance\n');
  });

  it('of what nobody knows is refused', async () => {
    const refused = await command('maintenance', 'start', 'nobody', '--for', '1m', '--reason', 'x');
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain('There is no pool, host or agent "nobody"');
  });
});

describe('omoi policies list', () => {
  it('says what each does', async () => {
    const { stdout } = await command('policies', 'list');
    expect(stdout).toMatch(/^restart_failed_agent +act +An agent whose process/m);
  });
});
