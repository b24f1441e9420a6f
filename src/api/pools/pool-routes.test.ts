import { openTestPools, untilTrue } from '../../fleet/pools/pools.test-support.ts';
import type { Role } from '../access/roles.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pools } from '#fleet';
import { useTestFleet } from '../../fleet/fleet.test-support.ts';
import { MemoryMachine } from '../../fleet/runtimes/memory-runtime.test-support.ts';
import { callBelow, startTestApi, type TestAnswer, type TestApi } from '../api.test-support.ts';
import { registerPoolRoutes } from './pool-routes.ts';

const POOL = { pool_id: 'coders', command: ['run'], desired: 1, max: 4, env: { API_KEY: 'hush' } };

const test = useTestFleet({ ticks: 'none' });
let api: TestApi;
let pools: Pools;

function call(role: Role, line: string, payload?: object): Promise<TestAnswer> {
  return callBelow('/api/v1/fleet/', api, { role, line, ...(payload && { payload }) });
}

const settled = (condition: (pool: Record<string, unknown>) => boolean): Promise<void> =>
  untilTrue(test.clock, async () => condition((await call('viewer', 'GET pools/coders')).body));

const units = (pool: Record<string, unknown>): string[] =>
  (pool['replicas'] as { agent_id: string; generation: number; unit: string; desired_state: string }[]).map(
    (replica) => `${replica.agent_id}/${replica.generation} ${replica.unit} ${replica.desired_state}`,
  );

beforeEach(async () => {
  pools = openTestPools(test, { machine: new MemoryMachine() });
  await pools.start();
  api = await startTestApi({ register: (app) => registerPoolRoutes(app, { pools }) });
});

afterEach(async () => {
  await api.close();
  await pools.close();
});

describe('/api/v1/fleet/pools', () => {
  it('lists pools by id in pages, each with its own replicas and overrides', async () => {
    for (const id of ['b', 'coders', 'a']) await call('admin', 'POST pools', { ...POOL, pool_id: id });
    await settled((pool) => units(pool).length === 1);
    await call('operator', 'PUT pools/b/scale-overrides/c1', { add: 1, ttl_ms: 60_000 });
    const listed = async (query: string) => {
      const { body } = await call('viewer', `GET pools?${query}`);
      const page = body['pools'] as { pool_id: string; replicas: object[]; scale_overrides: object[] }[];
      return page.map((pool) => `${pool.pool_id} ${pool.scale_overrides.length}`);
    };
    expect(await listed('')).toEqual(['a 0', 'b 1', 'coders 0']);
    expect(await listed('limit=2')).toEqual(['a 0', 'b 1']);
    expect(await listed('limit=2&after=b')).toEqual(['coders 0']);
    expect(await listed('after=coders')).toEqual([]);
    expect((await call('viewer', 'GET pools?limit=1&after=b')).body).toMatchObject({
      pools: [{ replicas: [{ agent_id: 'coders-1' }] }],
    });
    expect((await call('viewer', 'GET pools?limit=0')).status).toBe(400);
  });

  it('creates, shows, scales, scales for a while, restarts, stops and removes', async () => {
    const created = await call('admin', 'POST pools', POOL);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ pool_id: 'coders', effective: 1, env_names: ['API_KEY'] });
    expect(JSON.stringify(created.body)).not.toContain('hush');
    await settled((pool) => units(pool).join() === 'coders-1/1 running run');

    expect((await call('operator', 'POST pools/coders/scale', { desired: 2 })).body).toMatchObject({
      desired: 2,
    });
    const override = { add: 1, ttl_ms: 60_000 };
    expect((await call('operator', 'PUT pools/coders/scale-overrides/c1', override)).body).toMatchObject({
      effective: 3,
    });
    await settled((pool) => units(pool).filter((text) => text.includes('running')).length === 3);
    expect((await call('operator', 'DELETE pools/coders/scale-overrides/c1')).body).toMatchObject({
      effective: 2,
    });

    const order = { expected_generation: 1 };
    const restarted = { agent_id: 'coders-1', generation: 2 };
    expect((await call('operator', 'POST agents/coders-1/restart', order)).body).toEqual({
      ...restarted,
      opened: true,
    });
    expect((await call('operator', 'POST agents/coders-1/restart', order)).body).toEqual({
      ...restarted,
      opened: false,
    });
    expect((await call('operator', 'POST agents/coders-2/stop', {})).status).toBe(200);
    await settled((pool) => units(pool).includes('coders-2/1 ended stopped'));

    expect((await call('admin', 'DELETE pools/coders')).status).toBe(202);
    await settled((pool) => pool['error'] === 'unknown_pool');
    expect((await call('viewer', 'GET pools')).body).toEqual({ pools: [] });
  });

  it.each<[string, Role, string, object | undefined, number, string]>([
    ['a pool nobody knows', 'viewer', 'GET pools/nobody', undefined, 404, 'unknown_pool'],
    ['a second pool of the id', 'admin', 'POST pools', POOL, 409, 'pool_exists'],
    ['bounds that do not hold', 'admin', 'PATCH pools/coders', { min: 3 }, 400, 'pool_bounds'],
    ['an empty command', 'admin', 'PATCH pools/coders', { command: [] }, 400, 'invalid_request'],
    ['a runtime nobody has', 'admin', 'PATCH pools/coders', { runtime: 'vm' }, 400, 'invalid_request'],
    ['an id that is a path', 'admin', 'POST pools', { ...POOL, pool_id: '../x' }, 400, 'invalid_request'],
    [
      'a count that is a text',
      'operator',
      'POST pools/coders/scale',
      { desired: 'x' },
      400,
      'invalid_request',
    ],
    ['an agent nobody knows', 'operator', 'POST agents/x/restart', {}, 404, 'unknown_agent'],
    [
      'a generation nobody opened',
      'operator',
      'POST agents/coders-1/restart',
      { expected_generation: 7 },
      404,
      'unknown_generation',
    ],
    ['an operator who names commands', 'operator', 'POST pools', POOL, 403, 'forbidden'],
    ['a viewer who scales', 'viewer', 'POST pools/coders/scale', { desired: 2 }, 403, 'forbidden'],
    ['an agent that restarts another', 'agent', 'POST agents/coders-1/restart', {}, 403, 'forbidden'],
  ])('refuses %s', async (_, role, line, payload, status, code) => {
    await call('admin', 'POST pools', POOL);
    const before = await call('viewer', 'GET pools');
    expect(await call(role, line, payload)).toMatchObject({ status, body: { error: code } });
    const after = await call('viewer', 'GET pools');
    expect(JSON.stringify(after.body).includes('"desired":1')).toBe(true);
    expect((after.body['pools'] as unknown[]).length).toBe((before.body['pools'] as unknown[]).length);
  });
});
