import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiProcess, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

interface AgentView {
  readonly agent_id: string;
  readonly status: string;
  readonly status_reason: string;
  readonly generation: number;
}
interface AlertView {
  readonly rule_id: string;
  readonly labels: Readonly<Record<string, string>>;
}

const WITHIN_MS = 120_000;
const POOL = 'idlers';
const data = dataDirectory();
let server: OmoiServer;
let admin: Client;
const commands: OmoiProcess[] = [];

beforeAll(async () => {
  server = await OmoiServer.start(data.path);
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  for (const command of commands) await command.stop('SIGKILL');
  await server.stop();
  data.remove();
});

function run(...command: readonly string[]): OmoiProcess {
  const flags = ['--pool', POOL, '--stall-after', '2s', '--data-directory', data.path];
  const started = new OmoiProcess(['run', ...flags, '--', ...command]);
  commands.push(started);
  return started;
}

async function agents(): Promise<readonly AgentView[]> {
  const answer = await admin.read<{ agents: readonly AgentView[] }>(`/api/v1/fleet/agents?pool_id=${POOL}`);
  return answer.agents;
}

async function first(): Promise<AgentView | undefined> {
  return (await agents())[0];
}

async function firing(rule: string): Promise<readonly AlertView[]> {
  const { alerts } = await admin.read<{ alerts: readonly AlertView[] }>('/api/v1/alerts?state=firing');
  return alerts.filter(({ rule_id: id }) => id === `fleet/${rule}`);
}

describe('what is run again and again in one directory', () => {
  it('is one agent, and two while two run at once; idle for too long they are STALLED', async () => {
    const one = run('sleep', '600');
    await until(async () => (await agents()).length === 1, 'the first is an agent', WITHIN_MS);
    const two = run('sleep', '600');
    const stalled = async (): Promise<boolean> => {
      const seen = await agents();
      return seen.length === 2 && seen.every(({ status }) => status === 'STALLED');
    };
    await until(stalled, 'both are STALLED', WITHIN_MS);
    const [a, b] = await agents();
    expect(a?.agent_id).toMatch(/^idlers-.+-[0-9a-f]{6}$/);
    expect(b?.agent_id).toBe(`${a?.agent_id}-2`);
    expect(a?.status_reason).toBe('no_activity');
    await until(async () => (await firing('AgentStalled')).length === 2, 'the rule says so', WITHIN_MS);
    await one.stop('SIGTERM');
    await two.stop('SIGTERM');
    expect((await agents()).map(({ status }) => status)).toEqual(['TERMINATED', 'TERMINATED']);
  });

  it('fails as the next generation, with its last words, until it is run again', async () => {
    const failed = await run('/bin/sh', '-c', 'echo last words >&2; exit 9').ended();
    expect(failed.status).toBe(9);
    const agent = await first();
    expect(agent).toMatchObject({ status: 'FAILED', status_reason: 'exit 9', generation: 2 });
    const { generations } = await admin.read<{ generations: readonly object[] }>(
      `/api/v1/fleet/agents/${agent?.agent_id}`,
    );
    expect(generations[0]).toMatchObject({ generation: 2, exit_code: 9, last_output: 'last words' });
    await until(async () => (await firing('AgentFailed')).length === 1, 'it is alerted on', WITHIN_MS);
    expect((await run('true').ended()).status).toBe(0);
    await until(async () => (await firing('AgentFailed')).length === 0, 'the alert ends', WITHIN_MS);
    expect(await first()).toMatchObject({ status: 'TERMINATED', generation: 3 });
  });
});
