import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, freePort, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

interface AgentView {
  readonly agent_id: string;
  readonly managed: boolean;
  readonly status: string;
  readonly generation: number;
}

const OMOI = fileURLToPath(new URL('../../bin/omoi', import.meta.url));
const data = dataDirectory();
const gate = join(data.path, 'gate');
let port: number;
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  port = await freePort();
  server = await OmoiServer.start(data.path, { port });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  for (const pool of ['wrapped', 'jobs', 'asked']) {
    await admin.call(`/api/v1/fleet/pools/${pool}/scale`, { method: 'POST', body: { desired: 0 } });
    await until(async () => !(await agentsOf(pool)).some(isThere), `no agent of ${pool} is left`);
  }
  await server.stop();
  data.remove();
});

const isThere = ({ status }: AgentView): boolean => ['IDLE', 'RUNNING', 'SPAWNING'].includes(status);

async function agentsOf(pool: string): Promise<readonly AgentView[]> {
  const { agents } = await admin.read<{ agents: readonly AgentView[] }>('/api/v1/fleet/agents');
  return agents.filter((agent) => agent.agent_id.startsWith(`${pool}-`));
}

async function only(pool: string): Promise<AgentView | undefined> {
  return (await agentsOf(pool))[0];
}

const makePool = (id: string, flags: readonly string[], script: string): Promise<unknown> =>
  admin.read('/api/v1/fleet/pools', {
    method: 'POST',
    body: {
      pool_id: id,
      command: [process.execPath, OMOI, 'run', ...flags, '--', '/bin/sh', '-c', script],
      desired: 1,
      max: 1,
      env: { OMOI_DATA_DIRECTORY: join(data.path, 'none') },
    },
  });

describe('a pool whose command is `omoi run … -- program`', () => {
  it('has the program for its managed agent, restarts and failures included', async () => {
    await makePool(
      'wrapped',
      ['--pool', 'other'],
      `while [ ! -e "${gate}" ]; do sleep 0.05; done; rm "${gate}"; exit 0`,
    );
    const runs = (generation: number) => async (): Promise<boolean> => {
      const agent = await only('wrapped');
      return agent?.generation === generation && ['IDLE', 'RUNNING'].includes(agent.status);
    };
    await until(runs(1), 'the program is the agent');
    expect(await only('wrapped')).toMatchObject({ agent_id: 'wrapped-1', managed: true });
    const restart = { method: 'POST', body: { reason: 'test' } };
    await admin.read('/api/v1/fleet/agents/wrapped-1/restart', restart);
    await until(runs(2), 'the next generation is the agent');
    // It was to run for ever, as all in a pool: that it ends is a failure although its exit code is 0.
    writeFileSync(gate, '');
    await until(async () => (await only('wrapped'))?.status === 'FAILED', 'its end is seen');
    expect(existsSync(join(data.path, 'none'))).toBe(false);
  });

  it('has ended on purpose where a person ends it, though an earlier server started it and nobody sees its code', async () => {
    await makePool('asked', [], "trap 'exit 0' TERM; while :; do sleep 0.05; done");
    const isUp = async (): Promise<boolean> => (await only('asked'))?.status === 'IDLE';
    await until(isUp, 'the program is the agent');
    await server.stop();
    server = await OmoiServer.start(data.path, { port });
    const { replicas } = await admin.read<{ replicas: readonly { pid: number }[] }>(
      '/api/v1/fleet/pools/asked',
    );
    process.kill(replicas[0]?.pid ?? 0, 'SIGTERM');
    await until(
      async () =>
        (await admin.events('fleet.agent.exited')).some(({ entity_id: agentId }) => agentId === 'asked-1'),
      'its end is seen',
    );
    expect((await admin.events('fleet.agent.exited')).at(-1)?.payload).toMatchObject({
      agent_id: 'asked-1',
      exit_code: null,
      expected: true,
    });
    expect(await only('asked')).toMatchObject({ status: 'TERMINATED', status_reason: 'stopped by SIGTERM' });
  });

  it('lets the exit code of a one-shot decide', async () => {
    await makePool('jobs', ['--expect', 'once'], 'exit 0');
    await until(async () => (await only('jobs'))?.status === 'TERMINATED', 'the one-shot is finished');
  });
});
