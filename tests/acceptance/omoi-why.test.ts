import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { workersOf } from './support/workers.ts';

const directory = dataDirectory();
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  server = await OmoiServer.start(directory.path, { demo: true });
  admin = new Client(() => server.url, server.adminToken);
});
afterAll(async () => {
  await server.stop();
  directory.remove();
});

const why = (...args: readonly string[]) => omoi(['why', '--data-directory', directory.path, ...args]);

async function statusOf(agentId: string): Promise<string> {
  const { status, body } = await admin.call(`/api/v1/fleet/agents/${agentId}`);
  return status === 404 ? 'unknown' : (body as { readonly status: string }).status;
}

interface Repair {
  readonly outcome: string | null;
  readonly suppressions: readonly { readonly guard: string }[];
}

async function repairsOf(agentId: string): Promise<readonly Repair[]> {
  const path = `/api/v1/watchdog/remediations?target_id=${agentId}`;
  return (await admin.read<{ remediations: readonly Repair[] }>(path)).remediations;
}

async function hasEnded(agentId: string): Promise<boolean> {
  const events = await admin.events('fleet.agent.exited');
  return events.some(({ payload }) => (payload as { readonly agent_id: string }).agent_id === agentId);
}

async function text(agentId: string): Promise<string> {
  return (await why(agentId)).stdout;
}

it('says why an agent stands as it does, from the illness over the hold to the proven repair', async () => {
  await until(async () => ['IDLE', 'RUNNING'].includes(await statusOf('demo-2')), 'demo-2 is well');
  const well = await text('demo-2');
  expect(well).toMatch(/^demo-2 is (IDLE|RUNNING) for .*: registered$/m);
  expect(well).toMatch(/^ {2}worker, pool demo, generation 1, started by Omoi$/m);
  expect(well).toMatch(/^ {2}heartbeat {2}last heartbeat .*due every/m);
  expect(well).toMatch(/^ {2}process {4}process \d+ of generation 1 runs on \S+ for /m);
  expect(well).toContain('What you can do\n  nothing is to be done');

  await admin.read('/api/v1/watchdog/pause', { method: 'POST', body: { reason: 'a look at it' } });
  const pid = workersOf({ url: server.url, directory: directory.path }).find(
    ({ agentId }) => agentId === 'demo-2',
  )?.pid;
  if (pid === undefined) throw new Error('demo-2 has no process');
  process.kill(pid, 'SIGSTOP');
  await until(async () => {
    const [repair] = await repairsOf('demo-2');
    return repair?.suppressions.some(({ guard }) => guard === 'paused') ?? false;
  }, 'its repair is held by the pause');
  const held = await text('demo-2');
  expect(held).toMatch(/^demo-2 is STALLED for .*: stopped$/m);
  expect(held).toContain('activity   its process is stopped (state T)');
  expect(held).toMatch(/^ {2}fleet\/AgentStalled .*restart_stalled_agent \(act\)$/m);
  expect(held).toMatch(/held by paused: paused by .*: a look at it; lifts when somebody resumes/);
  expect(held).toMatch(
    /What you can do\n {2}the guard paused holds restart_stalled_agent back: you can have the watchdog go on: omoi resume/,
  );

  await admin.read('/api/v1/watchdog/resume', { method: 'POST' });
  await until(
    async () => (await repairsOf('demo-2')).some(({ outcome }) => outcome === 'healed'),
    'its repair is proven',
  );
  // The demo's workers overlap: the stopped one has its grace, while its successor is proven.
  await until(() => hasEnded('demo-2'), 'its process has ended');
  const healed = await text('demo-2');
  expect(healed).toContain('completed, healed');
  expect(healed).toMatch(/on: agent demo-2: generation 1 is STALLED/);
  expect(healed).toContain('did: restart: generation 2 should run (done)');
  expect(healed).toMatch(
    /because: generation 2 is (IDLE|RUNNING), healthy for .*; the alert resolved: re(covered|mediated)/,
  );
  expect(healed).toMatch(/exit {7}generation 1 ended .* ago with SIGKILL/);

  const { stdout } = await why('--json', 'demo-2');
  expect(JSON.parse(stdout)).toMatchObject({ agent: { agent_id: 'demo-2', generation: 2 } });
});

it('names the agent that was probably meant', async () => {
  const { status, stderr } = await why('demo2');
  expect([status, stderr]).toEqual([
    1,
    'omoi: Agent demo2 is unknown; did you mean demo-2? (unknown_agent)\n' +
      `  ${server.url}/docs/errors#unknown_agent\n`,
  ]);
});
