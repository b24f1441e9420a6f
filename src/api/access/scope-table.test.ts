import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registration } from '../../fleet/fleet.test-support.ts';
import { openFleetApi, type FleetApi } from '../fleet-api.test-support.ts';

/*
 * Each route of the fleet × each kind of token × its own or somebody else's object. Pool `pb` belongs to Omoi, `qa` to
 * somebody else; `solo` and `lone` are agents without a pool.
 */
const TOKENS = {
  /** As Omoi gives it to a replica. */
  member: { agentIds: ['pb-1'], poolId: null, memberOf: 'pb' },
  /** Of a whole pool. */
  pool: { agentIds: [], poolId: 'pb' },
  /** Of one agent that is in no pool. */
  solo: { agentIds: ['solo'], poolId: null },
  /** Of another pool, with leave to put tasks into `pb`. */
  feeder: { agentIds: [], poolId: 'qa', enqueueFor: ['pb'] },
} as const;
type Token = keyof typeof TOKENS;

/** Agents, the tasks that each holds and the locks; all are made by an operator. */
const AGENTS = [
  ['pb-1', 'pb'],
  ['pb-2', 'pb'],
  ['qa-1', 'qa'],
  ['solo', null],
  ['lone', null],
] as const;

interface Row {
  /** As Fastify has it; every fleet route that an agent's token may call is in the table. */
  readonly route: string;
  /** With what is asked for: `TASK(pb-1)` is the task that pb-1 holds, `LOCK(…)` the lock. */
  readonly path?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly expect: Readonly<Record<Token, number>>;
}

const by = (agent_id: string) => ({ agent_id, generation: 1 });
const all = (status: number) => ({ member: status, pool: status, solo: status, feeder: status });
/** Refused by the scope before anything is looked at, but for these. */
const only = (allowed: Partial<Record<Token, number>>, otherwise = 403) => ({
  ...all(otherwise),
  ...allowed,
});
const newTask = (pool_id: string | null) => ({ task_type: 't', phase_id: 'PHASE_TESTING', pool_id });

const TABLE: readonly Row[] = [
  // reading: what is another's does not exist
  { route: 'GET /api/v1/fleet/tasks', expect: all(200) },
  { route: 'GET /api/v1/fleet/tasks/finished', expect: all(200) },
  {
    route: 'GET /api/v1/fleet/tasks/:task_id',
    path: '/api/v1/fleet/tasks/TASK(pb-1)',
    expect: only({ member: 200, pool: 200 }, 404),
  },
  {
    route: 'GET /api/v1/fleet/tasks/:task_id',
    path: '/api/v1/fleet/tasks/TASK(qa-1)',
    expect: only({ feeder: 200 }, 404),
  },
  {
    route: 'GET /api/v1/fleet/tasks/:task_id',
    path: '/api/v1/fleet/tasks/TASK(solo)',
    expect: only({ solo: 200 }, 404),
  },
  { route: 'GET /api/v1/fleet/tasks/:task_id', path: '/api/v1/fleet/tasks/TASK(lone)', expect: all(404) },
  { route: 'GET /api/v1/fleet/agents', expect: all(200) },
  {
    route: 'GET /api/v1/fleet/agents/:agent_id',
    path: '/api/v1/fleet/agents/pb-2',
    expect: only({ member: 200, pool: 200 }, 404),
  },
  { route: 'GET /api/v1/fleet/agents/:agent_id', path: '/api/v1/fleet/agents/lone', expect: all(404) },
  { route: 'GET /api/v1/fleet/locks', expect: all(200) },
  {
    route: 'GET /api/v1/fleet/locks/:lock_id',
    path: '/api/v1/fleet/locks/LOCK(qa-1)',
    expect: only({ feeder: 200 }, 404),
  },
  // enqueueing: the own pool, the common queue, what enqueue_for names
  { route: 'POST /api/v1/fleet/tasks', body: newTask(null), expect: all(201) },
  {
    route: 'POST /api/v1/fleet/tasks',
    body: newTask('pb'),
    expect: only({ member: 201, pool: 201, feeder: 201 }),
  },
  { route: 'POST /api/v1/fleet/tasks', body: newTask('qa'), expect: only({ feeder: 201 }) },
  {
    route: 'POST /api/v1/fleet/tasks/batch',
    body: { tasks: [newTask(null), newTask('qa')] },
    expect: only({ feeder: 201 }),
  },
  // tasks of agents: who speaks for them
  {
    route: 'POST /api/v1/fleet/tasks/claim',
    body: by('pb-2'),
    expect: only({ pool: 200 }),
  },
  {
    route: 'POST /api/v1/fleet/tasks/:task_id/renew',
    path: '/api/v1/fleet/tasks/TASK(pb-1)/renew',
    body: by('pb-1'),
    expect: only({ member: 200, pool: 200 }),
  },
  {
    route: 'POST /api/v1/fleet/tasks/:task_id/renew',
    path: '/api/v1/fleet/tasks/TASK(qa-1)/renew',
    body: by('pb-1'),
    expect: only({ member: 409, pool: 409 }),
  },
  {
    route: 'POST /api/v1/fleet/tasks/:task_id/handoff',
    path: '/api/v1/fleet/tasks/TASK(solo)/handoff',
    body: { ...by('solo'), to_agent_id: 'qa-1' },
    expect: all(403),
  },
  {
    route: 'POST /api/v1/fleet/tasks/:task_id/complete',
    path: '/api/v1/fleet/tasks/TASK(qa-1)/complete',
    body: by('qa-1'),
    expect: only({ feeder: 200 }),
  },
  {
    route: 'POST /api/v1/fleet/tasks/complete',
    body: { ...by('qa-1'), completions: [{ task_id: 'TASK(qa-1)' }] },
    expect: only({ feeder: 200 }),
  },
  {
    route: 'POST /api/v1/fleet/tasks/:task_id/fail',
    path: '/api/v1/fleet/tasks/TASK(lone)/fail',
    body: { ...by('lone'), error: 'no' },
    expect: all(403),
  },
  // locks
  {
    route: 'POST /api/v1/fleet/locks',
    body: { ...by('pb-2'), resource_type: 'file', resource_name: 'a' },
    expect: only({ pool: 200 }),
  },
  {
    route: 'POST /api/v1/fleet/locks/:lock_id/renew',
    path: '/api/v1/fleet/locks/LOCK(qa-1)/renew',
    body: by('qa-1'),
    expect: only({ feeder: 200 }),
  },
  {
    route: 'POST /api/v1/fleet/locks/:lock_id/renew',
    path: '/api/v1/fleet/locks/LOCK(qa-1)/renew',
    body: by('pb-1'),
    expect: only({ member: 409, pool: 409 }),
  },
  {
    route: 'POST /api/v1/fleet/locks/:lock_id/release',
    path: '/api/v1/fleet/locks/LOCK(lone)/release',
    body: by('lone'),
    expect: all(403),
  },
  // agents
  {
    route: 'POST /api/v1/fleet/agents',
    body: { agent_id: 'solo', nonce: 'solo-nonce', agent_type: 'worker', pool_id: 'qa' },
    expect: all(403),
  },
  {
    route: 'POST /api/v1/fleet/agents',
    body: { agent_id: 'solo', nonce: 'solo-nonce', agent_type: 'worker' },
    expect: only({ solo: 200 }),
  },
  {
    route: 'POST /api/v1/fleet/agents',
    body: { agent_id: 'pb-4', nonce: 'pb-4-nonce', agent_type: 'worker', pool_id: 'pb' },
    expect: only({ pool: 409 }),
  },
  {
    route: 'POST /api/v1/fleet/agents/:agent_id/heartbeat',
    path: '/api/v1/fleet/agents/qa-1/heartbeat',
    body: { generation: 1, sequence: 1 },
    expect: only({ feeder: 200 }),
  },
  {
    route: 'POST /api/v1/fleet/agents/heartbeats',
    body: { heartbeats: [{ ...by('lone'), sequence: 1 }] },
    expect: all(200),
  },
  {
    route: 'POST /api/v1/fleet/agents/:agent_id/deregister',
    path: '/api/v1/fleet/agents/lone/deregister',
    body: { generation: 1, reason: 'gone' },
    expect: all(403),
  },
];

let fleetApi: FleetApi;
const bearers = new Map<string, { readonly authorization: string }>();
const made = new Map<string, string>();

beforeAll(async () => {
  fleetApi = await openFleetApi();
  const { api, fleet } = fleetApi;
  for (const [name, scope] of Object.entries(TOKENS)) {
    const { secret } = await api.access.mintToken({
      name,
      role: 'agent',
      scope,
      createdBy: 'test',
      expiresAtMs: null,
    });
    bearers.set(name, { authorization: `Bearer ${secret}` });
  }
  for (const [agentId, poolId] of AGENTS) {
    await fleet.agents.register(registration(agentId, { poolId, nonce: `${agentId}-nonce` }));
    await ask('operator', 'POST', '/api/v1/fleet/tasks', {
      ...newTask(poolId),
      task_type: agentId,
      payload: `secret of ${agentId}`,
    });
    const claimed = await ask('operator', 'POST', '/api/v1/fleet/tasks/claim', {
      ...by(agentId),
      task_types: [agentId],
    });
    made.set(`TASK(${agentId})`, claimed.json<{ tasks: [{ task_id: string }] }>().tasks[0].task_id);
    const lock = await ask('operator', 'POST', '/api/v1/fleet/locks', {
      ...by(agentId),
      resource_type: 'agent',
      resource_name: agentId,
    });
    made.set(`LOCK(${agentId})`, lock.json<{ lock_id: string }>().lock_id);
  }
  // Last: from now on the names of its replicas are reserved.
  await declarePool(fleetApi, 'pb');
});

afterAll(() => fleetApi.close());

/** A pool's row: what reserves its names. */
async function declarePool({ database }: FleetApi, poolId: string): Promise<void> {
  await database.transaction(({ db }) =>
    db
      .insertInto('pools')
      .values({
        pool_id: poolId,
        definition: '{}',
        state: 'active',
        spawn_failures: 0,
        last_error: null,
        next_attempt_at_ms: null,
        created_at_ms: 0,
        updated_at_ms: 0,
      })
      .execute(),
  );
}

function ask(as: Token | 'operator', method: string, path: string, body?: object) {
  const fill = (text: string): string =>
    text.replace(/(?:TASK|LOCK)\([^)]*\)/g, (name) => made.get(name) ?? 'missing');
  return fleetApi.api.app.inject({
    method: method as 'GET' | 'POST',
    url: fill(path),
    headers: as === 'operator' ? fleetApi.api.as('operator') : (bearers.get(as) ?? {}),
    ...(body && { payload: JSON.parse(fill(JSON.stringify(body))) as object }),
  });
}

describe('what an agent’s token reaches', () => {
  const rows = TABLE.flatMap((row) =>
    (Object.keys(TOKENS) as Token[]).map((token) => ({
      ...row,
      token,
      status: row.expect[token],
      asked: `${row.path ?? ''} ${JSON.stringify(row.body ?? null)}`,
    })),
  );

  it.each(rows)('$status for $token: $route $asked', async ({ route, path, body, token, status }) => {
    const [method = '', url = ''] = route.split(' ');
    const answer = await ask(token, method, path ?? url, body);
    expect({ status: answer.statusCode, body: answer.body }).toMatchObject({ status });
    if (status === 403) expect(answer.json()).toMatchObject({ error: 'token_scope' });
    if (status === 404) expect(answer.json<{ error: string }>().error).toMatch(/^unknown_/);
  });

  it('is in the table for every route of the fleet that agents may call', () => {
    const inTable = new Set(TABLE.map(({ route }) => route));
    const missing = fleetApi.agentRoutes.filter((route) => !inTable.has(route));
    expect(missing).toEqual([]);
    expect(fleetApi.agentRoutes.length).toBeGreaterThan(15);
  });

  it('is of a list only what is its own, page by page', async () => {
    const seen = async (token: Token, list: 'tasks' | 'agents' | 'locks', key: string) => {
      const answer = await ask(token, 'GET', `/api/v1/fleet/${list}?limit=1000`);
      const found = answer.json<Record<string, Record<string, unknown>[]>>()[list] ?? [];
      const ids = new Set(found.map((entry) => entry[key]).filter((id) => typeof id === 'string'));
      return [...ids].toSorted();
    };
    expect(await seen('member', 'agents', 'agent_id')).toEqual(['pb-1', 'pb-2']);
    expect(await seen('solo', 'agents', 'agent_id')).toEqual(['solo']);
    expect(await seen('feeder', 'locks', 'agent_id')).toEqual(['qa-1']);
    expect(await seen('member', 'tasks', 'agent_id')).toEqual(['pb-1', 'pb-2']);
    expect(await seen('solo', 'tasks', 'agent_id')).toEqual(['solo']);
  });

  it('is of what has ended only what is its own', async () => {
    const made = await ask('operator', 'POST', '/api/v1/fleet/tasks', newTask('qa'));
    const { task_id: id } = made.json<{ task: { task_id: string } }>().task;
    await ask('operator', 'POST', `/api/v1/fleet/tasks/${id}/cancel`, {});
    const sees = async (token: Token | 'operator') => {
      const answer = await ask(token, 'GET', '/api/v1/fleet/tasks/finished?limit=1000');
      return answer.json<{ tasks: { task_id: string }[] }>().tasks.some((task) => task.task_id === id);
    };
    expect(await Promise.all((['operator', 'feeder', 'pool', 'solo'] as const).map(sees))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('never is the content of a task that another agent holds', async () => {
    const claim = { agent_id: 'pb-2', generation: 1 };
    const said = await ask('pool', 'POST', '/api/v1/fleet/tasks/TASK(pb-2)/renew', {
      ...claim,
      progress: 'secret of pb-2',
    });
    expect(said.statusCode).toBe(200);
    const content = async (token: Token, task: string) =>
      (await ask(token, 'GET', `/api/v1/fleet/tasks/${task}`)).json<{
        payload: unknown;
        content_hidden?: true;
      }>();
    expect(await content('member', 'TASK(pb-1)')).toMatchObject({ payload: 'secret of pb-1' });
    expect(await content('member', 'TASK(pb-2)')).toMatchObject({
      payload: null,
      progress: null,
      content_hidden: true,
    });
    expect(await content('pool', 'TASK(pb-2)')).toMatchObject({
      payload: 'secret of pb-2',
      progress: 'secret of pb-2',
    });
  });

  it('is its own idempotency keys: the same key of another is another task', async () => {
    const enqueue = async (token: Token | 'operator') => {
      const body = { ...newTask(null), idempotency_key: 'nightly', payload: token };
      const answer = await ask(token, 'POST', '/api/v1/fleet/tasks', body);
      return answer.json<{ created: boolean; task: { payload: string; idempotency_key: string } }>();
    };
    for (const token of ['operator', 'pool', 'solo', 'feeder'] as const) {
      expect(await enqueue(token)).toMatchObject({
        created: true,
        task: { payload: token, idempotency_key: 'nightly' },
      });
      expect(await enqueue(token)).toMatchObject({ created: false, task: { payload: token } });
    }
    // Of one pool, whichever token it has.
    expect(await enqueue('member')).toMatchObject({ created: false, task: { payload: 'pool' } });
  });

  it('is so many agents; who leaves makes room', async () => {
    const { api } = fleetApi;
    const { secret } = await api.access.mintToken({
      name: 'two',
      role: 'agent',
      scope: { agentIds: [], poolId: 'ci', maxAgents: 2 },
      createdBy: 'test',
      expiresAtMs: null,
    });
    const post = (path: string, body: object) =>
      api.app.inject({
        method: 'POST',
        url: `/api/v1/fleet/agents${path}`,
        headers: { authorization: `Bearer ${secret}` },
        payload: body,
      });
    const register = async (agent_id: string) =>
      (
        await post('', { agent_id, nonce: `nonce-${agent_id}`, agent_type: 'worker', pool_id: 'ci' })
      ).json<object>();
    expect(await register('ci-a')).toMatchObject({ fresh: true });
    expect(await register('ci-b')).toMatchObject({ fresh: true });
    expect(await register('ci-c')).toMatchObject({ error: 'agent_limit_reached' });
    expect(await register('ci-b')).toMatchObject({ fresh: false });
    await post('/ci-a/deregister', { generation: 1, reason: 'done' });
    expect(await register('ci-c')).toMatchObject({ fresh: true });
    expect(await register('ci-a')).toMatchObject({ error: 'agent_limit_reached' });
  });
});
