import { createAgent, type Agent } from '@omoi/agent';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresForTests, startPostgres, type PostgresServer } from '../postgres-server.ts';
import { type Answer, Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { TcpWay } from './support/tcp-way.ts';
import { until } from './support/until.ts';

// Two servers on one PostgreSQL: the first stands still (SIGSTOP), the second takes over, the first goes on.

const programs = postgresForTests();
const AGENTS = 20;
/** A database, a server and its agents come up, also on a machine that is busy with much else. */
const HOOK_LIMIT_MS = 300_000;
/** Shorter than the lease, and longer than a busy machine keeps the agents, which run in this process, from beating. */
const TTL_MS = 9000;
const EXIT_FENCED = 75;

interface AgentView {
  readonly agent_id: string;
  readonly status: string;
  readonly last_heartbeat_at: string | null;
}

describe.skipIf(programs === null)('a server that another has followed', () => {
  const [firstData, secondData] = [dataDirectory(), dataDirectory()];
  let postgres: PostgresServer;
  let first: OmoiServer;
  let second: OmoiServer | null = null;
  let way: TcpWay;
  let admin: Client;
  let token: string;
  let agents: readonly Agent[] = [];
  const agentIds = Array.from({ length: AGENTS }, (_, at) => `external-${at}`);

  const startServer = (directory: string, stateExists: boolean): Promise<OmoiServer> =>
    OmoiServer.start(directory, { env: { OMOI_DATABASE_URL: databaseUrl }, stateExists });
  let databaseUrl: string;

  beforeAll(async () => {
    postgres = await startPostgres(programs ?? '');
    databaseUrl = await postgres.createDatabase();
    first = await startServer(firstData.path, false);
    admin = new Client(() => first.url, first.adminToken);
    ({ secret: token } = await admin.makeToken({
      name: 'agents',
      role: 'agent',
      scope: { agent_ids: agentIds },
    }));
    way = await new TcpWay(first.url).open();
    agents = agentIds.map((agentId) =>
      createAgent({
        url: way.url,
        agentId,
        token,
        heartbeatIntervalMs: 300,
        heartbeatTtlMs: TTL_MS,
        handleSigterm: false,
      }),
    );
    for (const agent of agents) agent.work(() => 'done');
    await heardSince(admin, new Date(0));
  }, HOOK_LIMIT_MS);

  afterAll(async () => {
    await Promise.all(agents.map((agent) => agent.drain()));
    if (first.isRunning) first.child.kill('SIGCONT');
    await first.stop();
    await second?.stop();
    way.close();
    await postgres.stop();
    firstData.remove();
    secondData.remove();
  }, HOOK_LIMIT_MS);

  const heardSince = (client: Client, moment: Date) =>
    until(async () => {
      const { agents: seen } = await client.read<{ agents: readonly AgentView[] }>(
        '/api/v1/fleet/agents?limit=500',
      );
      return (
        seen.filter(({ last_heartbeat_at: at }) => at !== null && new Date(at) > moment).length === AGENTS
      );
    }, 'every agent is heard');

  it('ends, and its agents go on under the other', async () => {
    // While the first is well no other starts.
    const refused = await omoi(['serve'], {
      OMOI_DATA_DIRECTORY: secondData.path,
      OMOI_DATABASE_URL: databaseUrl,
      OMOI_HTTP_PORT: '0',
      OMOI_OTLP_PORT: '0',
    });
    expect(refused.stderr).toMatch(/omoi .* pid \d+ .*active.*\(database_busy\)/);

    first.child.kill('SIGSTOP');
    second = await startServer(secondData.path, true);
    const other: Client = admin.at(second.url);
    const lastEvent = (await other.events('watchdog,fleet.agent')).at(-1)?.id ?? 0;
    way.leadTo(second.url);

    // What was sent while it stood still is answered by nobody who is not in charge.
    const asked = Promise.all([
      beatOf(admin),
      admin.as(token).call('/api/v1/fleet/tasks/claim', { method: 'POST', body: claim }),
      admin.call('/readyz'),
    ]);
    first.child.kill('SIGCONT');
    for (const answer of await asked) {
      expect([answer.status, answer.headers.get('retry-after')], answer.text).toEqual([503, '1']);
    }
    const fenced = await until(async () => {
      const answer = await admin.call('/readyz');
      return /server_fenced/.test(answer.text) && answer;
    }, 'the first says that it was fenced');
    expect(fenced.text).toContain(`pid ${second.pid}`);
    expect(await admin.refusal('/api/v1/fleet/agents')).toBe('503 server_fenced');
    const { status, stderr } = await first.ended();
    expect([status, stderr]).toEqual([EXIT_FENCED, expect.stringContaining('has taken over')]);

    await heardSince(other, new Date(Date.now() + TTL_MS));
    const ill = (await other.events('watchdog,fleet.agent'))
      .filter(({ id }) => id > lastEvent)
      .filter(({ event_type: type, payload }) =>
        /UNRESPONSIVE|STALLED|FAILED|"storm"|restart_/.test(`${type} ${JSON.stringify(payload)}`),
      );
    expect(ill).toEqual([]);
    expect((await other.call('/readyz')).status).toBe(200);
    expect((await beatOf(other)).status).not.toBe(503);
  });

  const claim = { agent_id: 'external-0', generation: 1, max_tasks: 1, wait_ms: 0 };

  const beatOf = (client: Client): Promise<Answer> =>
    client.as(token).call('/api/v1/fleet/agents/external-0/heartbeat', {
      method: 'POST',
      body: { generation: 1, sequence: 1, health: 'ok', in_flight: 0 },
    });
});
