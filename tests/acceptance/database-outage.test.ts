import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createAgent, type Agent } from '@omoi/agent';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLong } from '../long-tests.ts';
import { postgresForTests, startPostgres, type PostgresServer } from '../postgres-server.ts';
import { type Answer, Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { TcpWay } from './support/tcp-way.ts';
import { until } from './support/until.ts';
import { workersOf } from './support/workers.ts';

// A whole server with a managed pool and agents of an SDK, whose PostgreSQL is away for longer than any heartbeat TTL.

const programs = postgresForTests();
const AGENTS = 20;
/** A database, a server and its agents come up, also on a machine that is busy with much else. */
const HOOK_LIMIT_MS = 300_000;
/** At least; in any case until the lease has run out, which takes longer than any heartbeat TTL here. */
const AWAY_MS = isLong ? 20_000 : 0;
const TTL_MS = 5000;

interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly error?: string;
}

interface AgentView {
  readonly agent_id: string;
  readonly status: string;
  readonly last_heartbeat_at: string | null;
}

describe.skipIf(programs === null)('a database that is away', () => {
  const data = dataDirectory();
  let postgres: PostgresServer;
  let way: TcpWay;
  let server: OmoiServer;
  let admin: Client;
  let agents: readonly Agent[] = [];

  beforeAll(async () => {
    postgres = await startPostgres(programs ?? '');
    way = await new TcpWay(await postgres.createDatabase()).open();
    server = await OmoiServer.start(data.path, { demo: true, env: { OMOI_DATABASE_URL: way.url } });
    admin = new Client(() => server.url, server.adminToken);
    const { secret: token } = await admin.makeToken({
      name: 'agents',
      role: 'agent',
      scope: { agent_ids: agentIds() },
    });
    agents = agentIds().map((agentId) =>
      createAgent({
        url: server.url,
        agentId,
        token,
        heartbeatIntervalMs: 300,
        heartbeatTtlMs: TTL_MS,
        handleSigterm: false,
      }),
    );
    for (const agent of agents) agent.work(() => 'done');
    await heardSince(new Date(0));
  }, HOOK_LIMIT_MS);

  afterAll(async () => {
    await Promise.all(agents.map((agent) => agent.drain()));
    await server.stop('SIGINT');
    const left = workersOf(server);
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    way.close();
    await postgres.stop();
    data.remove();
    expect(left).toEqual([]);
  }, HOOK_LIMIT_MS);

  const agentIds = (): readonly string[] => Array.from({ length: AGENTS }, (_, at) => `external-${at}`);

  const fleet = async (): Promise<readonly AgentView[]> =>
    (await admin.read<{ agents: readonly AgentView[] }>('/api/v1/fleet/agents?limit=500')).agents;

  /** Until each agent of the SDK has been heard after that moment. */
  const heardSince = (moment: Date) =>
    until(async () => {
      const heard = (await fleet()).filter(
        ({ agent_id: id, last_heartbeat_at: at }) =>
          id.startsWith('external-') && at !== null && new Date(at) > moment,
      );
      return heard.length === AGENTS;
    }, 'every agent is heard');

  const logLines = (): readonly LogLine[] =>
    readFileSync(join(data.path, 'omoi.log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogLine);

  const enqueue = (): Promise<Answer> =>
    admin.call('/api/v1/fleet/tasks', {
      method: 'POST',
      body: { task_type: 'nothing', phase_id: 'PHASE_IMPLEMENTATION' },
    });

  it.each(
    [
      {
        what: 'behind a network that swallows all',
        leave: async () => way.swallow(),
        comeBack: async () => way.letThrough(),
      },
      {
        what: 'stopped and started again',
        leave: () => postgres.halt(),
        comeBack: () => postgres.restart(),
      },
    ].slice(0, isLong ? 2 : 1),
  )('makes nobody ill, and is told in two lines: $what', async ({ leave, comeBack }) => {
    const linesBefore = logLines().length;
    const lastEvent = (await admin.events('watchdog,fleet.agent')).at(-1)?.id ?? 0;

    await leave();
    const awaySince = performance.now();
    // Whoever asks is told so, and soon: also where nothing answers.
    const refused = await enqueue();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    const unready = await until(async () => {
      const answer = await admin.call('/readyz');
      return answer.status === 503 && answer;
    }, 'the server says that it is not ready');
    expect(unready.headers.get('retry-after')).toBe('1');
    const unproven = await until(async () => {
      const answer = await admin.call('/api/v1/fleet/agents/external-0/heartbeat', {
        method: 'POST',
        body: {},
      });
      return answer.status === 503 && answer;
    }, 'heartbeats are refused, since another server may have taken over');
    expect(unproven.headers.get('retry-after')).toBe('1');
    await delay(Math.max(0, AWAY_MS - (performance.now() - awaySince)));
    const backAt = new Date();
    await comeBack();

    await until(async () => (await admin.call('/readyz')).status === 200, 'the server is ready again');
    expect((await enqueue()).status).toBe(201);
    await heardSince(backAt);
    // By then the TTL of all is over since the database came back.
    await heardSince(new Date(Date.now() + TTL_MS));

    const events = (await admin.events('watchdog,fleet.agent')).filter(({ id }) => id > lastEvent);
    const ill = events.filter(({ event_type: type, payload }) =>
      /UNRESPONSIVE|STALLED|FAILED|"storm"|restart_/.test(`${type} ${JSON.stringify(payload)}`),
    );
    expect(ill).toEqual([]);
    expect(
      (await fleet()).filter(({ status }) => !['IDLE', 'RUNNING', 'TERMINATED'].includes(status)),
    ).toEqual([]);
    const told = logLines()
      .slice(linesBefore)
      .filter(
        ({ level, message, error }) => level !== 'info' && /PostgreSQL|state can/.test(`${message} ${error}`),
      );
    expect(told.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^The state can’t be written/),
      'The state can be written again.',
    ]);
    expect(logLines().length - linesBefore).toBeLessThan(50);
  });
});
