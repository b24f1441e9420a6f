import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminOf } from './support/admin.ts';
import type { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { workersOf } from './support/workers.ts';

const directory = dataDirectory();
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  server = await OmoiServer.start(directory.path, { demo: true });
  admin = await adminOf(server, directory.path);
});
afterAll(async () => {
  await server.stop();
  directory.remove();
});

const why = (...args: readonly string[]) => omoi(['why', '--data-directory', directory.path, ...args]);

async function text(agentId: string): Promise<string> {
  return (await why(agentId)).stdout;
}

it('says why an agent stands as it does, from the illness over the hold to the proven repair', async () => {
  const named = new RegExp('^demo-2 is (IDLE|RUNNING) for .*: registered$', 'm');
  await until(async () => named.test(await text('demo-2')), 'demo-2 is well');
  const well = await text('demo-2');
  expect(well).toMatch(/^ {2}worker, pool demo, generation 1, started by Omoi$/m);
  expect(well).toMatch(/^ {2}heartbeat {2}last heartbeat .*due every/m);
  expect(well).toMatch(/^ {2}process {4}process \d+ of generation 1 runs for /m);
  expect(well).toContain('What you can do\n  nothing is to be done');

  await admin.read('/api/v1/watchdog/pause', { method: 'POST', body: { reason: 'a look at it' } });
  const pid = workersOf({ url: server.url, directory: directory.path }).find(
    ({ agentId }) => agentId === 'demo-2',
  )?.pid;
  if (pid === undefined) throw new Error('demo-2 has no process');
  process.kill(pid, 'SIGSTOP');
  const held = await until(async () => {
    const said = await text('demo-2');
    return said.includes('held by paused') && said;
  }, 'its repair is held by the pause');
  expect(held).toMatch(/^demo-2 is STALLED for .*: stopped$/m);
  expect(held).toContain('activity   its process is stopped (state T)');
  expect(held).toMatch(/^ {2}fleet\/AgentStalled .*restart_stalled_agent \(act\)$/m);
  expect(held).toMatch(/held by paused: paused by .*: a look at it; lifts when somebody resumes/);
  expect(held).toMatch(/What you can do\n {2}paused: resume/);

  await admin.read('/api/v1/watchdog/resume', { method: 'POST' });
  const healed = await until(async () => {
    const said = await text('demo-2');
    // The demo's workers overlap: the stopped one has its grace, while its successor is proven.
    return said.includes('completed, healed') && said.includes('generation 1 ended') && said;
  }, 'its repair is proven, and its process has ended');
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
    'omoi: Agent demo2 is unknown; did you mean demo-2? (unknown_agent)\n',
  ]);
});
