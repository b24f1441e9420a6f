import type { Role } from './roles.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { isTokenForm } from './secret.ts';

let test: TestApi;

beforeEach(async () => {
  test = await startTestApi({ register: registerDoors, openIngestOnLoopback: true });
});

afterEach(() => test.close());

function registerDoors(app: ApiApp): void {
  const schema = { params: z.object({ door: z.string() }) };
  app.get('/doors/:door', { config: { access: ['viewer', 'operator', 'admin'] }, schema }, () => ({}));
  app.post('/doors/:door', { config: { access: ['operator', 'admin'] }, schema }, () => ({}));
  app.post(
    '/ingest',
    { config: { access: ['ingest', 'agent', 'operator', 'admin'], openOnLoopback: true, reportsOnly: true } },
    () => ({}),
  );
}

/** The token of a generation that Omoi starts. */
function mintFor(agentId: string, generation: number): Promise<string> {
  return test.database.transaction((tx) =>
    test.access.mintAgentToken(tx, { agentId, generation, poolId: null, enqueueFor: [] }),
  );
}

/** What an agent is answered with each of these tokens. */
function statusesOf(secrets: readonly string[]): Promise<readonly number[]> {
  return Promise.all(
    secrets.map(async (secret) => {
      const headers = { authorization: `Bearer ${secret}` };
      return (await test.app.inject({ method: 'POST', url: '/ingest', headers })).statusCode;
    }),
  );
}

/** Logs a browser in and returns what it sends from then on. */
async function openSession(role: Role): Promise<{ readonly cookie: string; readonly csrf: string }> {
  const token = test.as(role).authorization.replace('Bearer ', '');
  const answer = await test.app.inject({ method: 'POST', url: '/api/v1/session', payload: { token } });
  expect(answer.statusCode).toBe(201);
  const [cookie] = answer.cookies;
  expect(cookie).toMatchObject({ name: 'omoi_session', httpOnly: true, sameSite: 'Strict', path: '/' });
  return { cookie: `omoi_session=${cookie?.value}`, csrf: answer.json().csrf_token };
}

describe('who may do what', () => {
  it.each([
    { role: 'ingest', read: 403, change: 403, ingest: 200 },
    { role: 'agent', read: 403, change: 403, ingest: 200 },
    { role: 'viewer', read: 200, change: 403, ingest: 403 },
    { role: 'operator', read: 200, change: 200, ingest: 200 },
    { role: 'admin', read: 200, change: 200, ingest: 200 },
  ] as const)('$role', async ({ role, read, change, ingest }) => {
    const headers = test.as(role);
    expect((await test.app.inject({ url: '/doors/1', headers })).statusCode).toBe(read);
    expect((await test.app.inject({ method: 'POST', url: '/doors/1', headers })).statusCode).toBe(change);
    expect((await test.app.inject({ method: 'POST', url: '/ingest', headers })).statusCode).toBe(ingest);
  });

  it.each([
    { case: 'no token', headers: {} },
    { case: 'another scheme', headers: { authorization: 'Basic b21vaTpvbW9p' } },
    { case: 'a weak token', headers: { authorization: 'Bearer admin' } },
    { case: 'an unknown token', headers: { authorization: `Bearer omoi_admin_${'a'.repeat(43)}` } },
    { case: 'an unknown session', headers: { cookie: `omoi_session=${'a'.repeat(43)}` } },
  ])('$case opens nothing, from loopback neither', async ({ headers }) => {
    for (const request of [{ url: '/doors/1' }, { method: 'POST' as const, url: '/doors/1' }]) {
      const answer = await test.app.inject({ ...request, headers });
      expect([answer.statusCode, answer.json().error]).toEqual([401, 'unauthenticated']);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="omoi"');
    }
  });
});

describe('routes that are open on loopback', () => {
  const post = (headers: Record<string, string>, remoteAddress: string) =>
    test.app.inject({ method: 'POST', url: '/ingest', headers, remoteAddress });

  it.each([
    { case: 'loopback without a token', headers: {}, from: '127.0.0.1', status: 200 },
    { case: 'IPv6 loopback', headers: {}, from: '::1', status: 200 },
    { case: 'another machine', headers: {}, from: '10.0.0.9', status: 401 },
    { case: 'a proxy here', headers: { 'x-forwarded-for': '10.0.0.9' }, from: '127.0.0.1', status: 401 },
    { case: 'a wrong token', headers: { authorization: 'Bearer x' }, from: '127.0.0.1', status: 401 },
    {
      case: 'a page of another origin',
      headers: { origin: 'https://attacker.example' },
      from: '127.0.0.1',
      status: 403,
    },
  ])('$case gets $status', async ({ headers, from, status }) => {
    expect((await post(headers as Record<string, string>, from)).statusCode).toBe(status);
  });

  it('are closed when the switch is off', async () => {
    const closed = await startTestApi({ register: registerDoors, openIngestOnLoopback: false });
    const answer = await closed.app.inject({ method: 'POST', url: '/ingest' });
    await closed.close();
    expect(answer.statusCode).toBe(401);
  });
});

const ALL = { afterId: null, limit: 1000 };

describe('tokens', () => {
  const create = (payload: object) =>
    test.app.inject({ method: 'POST', url: '/api/v1/tokens', headers: test.as('admin'), payload });
  const readDoor = async (secret: string): Promise<number> =>
    (await test.app.inject({ url: '/doors/1', headers: { authorization: `Bearer ${secret}` } })).statusCode;

  it('are shown once, kept as a hash, and end at once when revoked', async () => {
    const created = (await create({ name: 'reader', role: 'viewer' })).json();
    expect(isTokenForm(created.secret)).toBe(true);
    expect(await readDoor(created.secret)).toBe(200);
    const stored = await test.database.reader
      .selectFrom('access_tokens')
      .selectAll()
      .where('id', '=', created.token.id)
      .executeTakeFirstOrThrow();
    expect(JSON.stringify(stored)).not.toContain(created.secret.slice(-30));
    const listed = await test.app.inject({ url: '/api/v1/tokens', headers: test.as('admin') });
    expect(listed.body).not.toContain(created.secret.slice(-30));

    const url = `/api/v1/tokens/${created.token.id}`;
    const revoked = await test.app.inject({ method: 'DELETE', url, headers: test.as('admin') });
    expect(revoked.json()).toMatchObject({ revoked_by: 'the admin', revoked_at: '2026-11-22T12:00:00.000Z' });
    expect(await readDoor(created.secret)).toBe(401);
  });

  it('are listed in pages, the newest first', async () => {
    const names: string[] = [];
    for (let number = 0; number < 5; number++) {
      await test.clock.advance(1);
      await create({ name: `t-${number}`, role: 'viewer' });
    }
    const listed: { readonly id: string; readonly name: string }[] = [];
    for (;;) {
      const after = listed.at(-1)?.id;
      const query = new URLSearchParams({ limit: '3', ...(after !== undefined && { after }) });
      const url = `/api/v1/tokens?${query.toString()}`;
      const page = (await test.app.inject({ url, headers: test.as('admin') })).json();
      listed.push(...page);
      names.push(page.map(({ name }: { name: string }) => name).join());
      if (page.length < 3) break;
    }
    expect(names.slice(0, 1)).toEqual(['t-4,t-3,t-2']);
    const all = (await test.access.listTokens(ALL)).map(({ id }) => id);
    expect(listed.map(({ id }) => id)).toEqual(all);
    expect(all).toHaveLength(10);
  });

  it('have names that are unique while they live', async () => {
    const first = (await create({ name: 'ci', role: 'operator' })).json();
    const second = await create({ name: 'ci', role: 'viewer' });
    expect([second.statusCode, second.json().error]).toEqual([409, 'token_name_taken']);
    await test.access.revokeToken(first.token.id, 'test');
    expect((await create({ name: 'ci', role: 'viewer' })).statusCode).toBe(201);
  });

  it.each([
    { case: 'an agent token without a scope', body: { name: 'a', role: 'agent' }, message: /^scope/ },
    {
      case: 'a scope with agents and a pool',
      body: { name: 'a', role: 'agent', scope: { agent_ids: ['w'], pool_id: 'p' } },
      message: /^scope/,
    },
    {
      case: 'a scope for a viewer',
      body: { name: 'a', role: 'viewer', scope: { pool_id: 'p' } },
      message: /^scope/,
    },
    { case: 'an unknown role', body: { name: 'a', role: 'root' }, message: /^body\.role/ },
    {
      case: 'a lifetime that is none',
      body: { name: 'a', role: 'viewer', expires_in: 'soon' },
      message: /^body\.expires_in/,
    },
    {
      case: 'a lifetime of any length',
      body: { name: 'a', role: 'viewer', expires_in: '1'.repeat(500) },
      message: /^body\.expires_in.{1,100}$/,
    },
    {
      case: 'a name that another one would become in the database',
      body: { name: 'a\uD800', role: 'viewer' },
      message: /^body\.name/,
    },
    {
      case: 'a name that a terminal obeys',
      body: { name: 'a\u001B[2J', role: 'viewer' },
      message: /^body\.name/,
    },
    {
      case: 'a scope of what no agent is called',
      body: { name: 'a', role: 'agent', scope: { agent_ids: ['a b'] } },
      message: /^body\.scope\.agent_ids/,
    },
  ])('refuse $case', async ({ body, message }) => {
    const answer = await create(body);
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'invalid_request']);
    expect(answer.json().message).toMatch(message);
    expect(await test.access.listTokens(ALL)).toHaveLength(5);
  });

  it('end by themselves', async () => {
    const { secret } = (await create({ name: 'brief', role: 'viewer', expires_in: '1h' })).json();
    await test.clock.advance(3_599_000);
    expect(await readDoor(secret)).toBe(200);
    await test.clock.advance(1_000);
    expect(await readDoor(secret)).toBe(401);
  });

  it('tell when they were used last', async () => {
    const { token, secret } = (await create({ name: 'used', role: 'viewer' })).json();
    const lastUse = async () =>
      (await test.access.listTokens(ALL)).find(({ id }) => id === token.id)?.lastUsedAtMs;
    expect(await lastUse()).toBe(null);
    await readDoor(secret);
    const usedAtMs = test.clock.wallMs();
    // Before it is written down, too: nobody reads that a token was never used which they have just used.
    expect(await lastUse()).toBe(usedAtMs);
    await test.access.stop();
    expect(await lastUse()).toBe(usedAtMs);
  });

  it('of agents outlive one generation, so that the old one can end its work', async () => {
    const generations: string[] = [];
    for (let generation = 1; generation <= 3; generation++)
      generations.push(await mintFor('w_1', generation));
    await mintFor('wx1', 1);
    expect(await statusesOf(generations)).toEqual([401, 200, 200]);
  });

  it('of agents end with the process of their generation, and no other', async () => {
    const own = [await mintFor('w_1', 7), await mintFor('w_1', 8)];
    const others = [await mintFor('wx1', 7), await mintFor('w', 7)];
    // Each has been used: it is known without a look at the database.
    expect(await statusesOf([...own, ...others])).toEqual([200, 200, 200, 200]);
    const end = (generation: number, isLast: boolean) =>
      test.database.transaction((tx) =>
        test.access.endAgentTokens(tx, { agentId: 'w_1', generation, isLast }),
      );
    await end(7, false);
    expect(await statusesOf([...own, ...others])).toEqual([401, 200, 200, 200]);
    await end(7, true);
    await end(8, true);
    expect(await statusesOf([...own, ...others])).toEqual([401, 401, 200, 200]);
    expect(await statusesOf([await mintFor('w_1', 9)])).toEqual([200]);
  });

  it('of agents that an earlier version has made end with the last process', async () => {
    const [first, second] = [await mintFor('old', 1), await mintFor('old', 2)];
    await test.database.transaction((tx) =>
      tx.db
        .updateTable('access_tokens')
        .set({ scope: JSON.stringify({ agent_ids: ['old'], pool_id: null }) })
        .where('created_by', '=', 'runtime')
        .execute(),
    );
    const end = (isLast: boolean) =>
      test.database.transaction((tx) =>
        test.access.endAgentTokens(tx, { agentId: 'old', generation: 1, isLast }),
      );
    await end(false);
    expect(await statusesOf([first, second])).toEqual([200, 200]);
    await end(true);
    expect(await statusesOf([first, second])).toEqual([401, 401]);
  });

  it('of agents that are gone end at a start, however many there are', async () => {
    const alive = await mintFor('alive', 3);
    const person = (await create({ name: 'mine', role: 'agent', scope: { agent_ids: ['gone-1'] } })).json();
    await test.database.transaction(async (tx) => {
      const unit = { pool_id: 'p', runtime: 'process', desired_state: 'run' as const, intended_at_ms: 0 };
      await tx.db
        .insertInto('agent_units')
        .values([
          { ...unit, agent_id: 'alive', generation: 3, state: 'running' },
          { ...unit, agent_id: 'gone-1', generation: 1, state: 'ended' },
        ])
        .execute();
    });
    const gone: string[] = [];
    // More than are looked at together.
    for (let at = 1; at <= 501; at++) gone.push(await mintFor(`gone-${at}`, 1));
    expect(await test.access.endTokensOfGone()).toBe(501);
    expect(await test.access.endTokensOfGone()).toBe(0);
    expect(await statusesOf([alive, person.secret, gone[0] ?? '', gone.at(-1) ?? ''])).toEqual([
      200, 200, 401, 401,
    ]);
  });
});

describe('sessions', () => {
  it('change nothing without their CSRF token', async () => {
    const { cookie, csrf } = await openSession('operator');
    const change = (headers: object) =>
      test.app.inject({ method: 'POST', url: '/doors/1', headers: { cookie, ...headers } });
    expect((await test.app.inject({ url: '/doors/1', headers: { cookie } })).statusCode).toBe(200);
    expect((await change({})).json().error).toBe('csrf_token_missing');
    expect((await change({ 'x-omoi-csrf': 'guessed' })).json().error).toBe('csrf_token_missing');
    expect((await change({ 'x-omoi-csrf': csrf })).statusCode).toBe(200);
  });

  it('tell who is logged in', async () => {
    const { cookie, csrf } = await openSession('viewer');
    const answer = await test.app.inject({ url: '/api/v1/session', headers: { cookie } });
    expect(answer.json()).toMatchObject({
      principal: { kind: 'session', name: 'the viewer', role: 'viewer' },
      csrf_token: csrf,
    });
  });

  it('end with logging out', async () => {
    const { cookie, csrf } = await openSession('viewer');
    const headers = { cookie, 'x-omoi-csrf': csrf };
    const answer = await test.app.inject({ method: 'DELETE', url: '/api/v1/session', headers });
    expect(answer.statusCode).toBe(204);
    expect((await test.app.inject({ url: '/doors/1', headers: { cookie } })).statusCode).toBe(401);
  });

  it('end with their token, and with their time', async () => {
    const ended = await openSession('viewer');
    const { id } = (await test.access.listTokens(ALL)).find(({ role }) => role === 'viewer') ?? { id: '' };
    await test.access.revokeToken(id, 'test');
    expect((await test.app.inject({ url: '/doors/1', headers: ended })).statusCode).toBe(401);

    const late = await openSession('operator');
    test.clock.stepWallClock(7 * 86_400_000 - 1000);
    expect((await test.app.inject({ url: '/doors/1', headers: late })).statusCode).toBe(200);
    await test.clock.advance(1000);
    expect((await test.app.inject({ url: '/doors/1', headers: late })).statusCode).toBe(401);
  });

  it('are fifty for a token: the oldest ends where one more is opened, also within one millisecond', async () => {
    const opens = async ({ cookie }: { readonly cookie: string }) =>
      (await test.app.inject({ url: '/doors/1', headers: { cookie } })).statusCode === 200;
    const oldest = await openSession('viewer');
    await test.clock.advance(1);
    const others = [];
    for (let at = 1; at < 50; at++) others.push(await openSession('viewer'));
    expect(await opens(oldest)).toBe(true);
    others.push(await openSession('viewer'));
    expect(await opens(oldest)).toBe(false);
    expect(await Promise.all(others.map(opens))).toEqual(others.map(() => true));
    // All that are left are of the same millisecond.
    const newest = await openSession('viewer');
    expect(await opens(newest)).toBe(true);
    expect((await Promise.all(others.map(opens))).filter((isOpen) => !isOpen)).toHaveLength(1);
  });

  it('are not for agents', async () => {
    const token = test.as('agent').authorization.replace('Bearer ', '');
    const answer = await test.app.inject({ method: 'POST', url: '/api/v1/session', payload: { token } });
    expect([answer.statusCode, answer.cookies]).toEqual([403, []]);
  });
});

describe('login links', () => {
  const follow = (path: string, accept = '*/*') => test.app.inject({ url: path, headers: { accept } });

  it('log in once', async () => {
    const made = await test.app.inject({
      method: 'POST',
      url: '/api/v1/login-links',
      headers: test.as('operator'),
    });
    const { path } = made.json();
    const [first, second] = await Promise.all([follow(path), follow(path)]);
    expect(new Set([first.statusCode, second.statusCode])).toEqual(new Set([303, 401]));
    const entered = first.statusCode === 303 ? first : second;
    expect(entered.headers.location).toBe('/');
    const cookie = `omoi_session=${entered.cookies[0]?.value}`;
    const session = await test.app.inject({ url: '/api/v1/session', headers: { cookie } });
    expect(session.json().principal.role).toBe('operator');
  });

  it('do not last', async () => {
    const made = await test.app.inject({
      method: 'POST',
      url: '/api/v1/login-links',
      headers: test.as('admin'),
    });
    await test.clock.advance(15 * 60_000);
    const { path } = made.json();
    expect((await follow(path)).json().error).toBe('login_link_invalid');
    expect((await follow(path, 'text/html')).headers.location).toBe('/login?error=login_link_invalid');
  });
});

describe('the first start', () => {
  it('makes one admin token and one login link', async () => {
    for (const { id, role } of await test.access.listTokens(ALL)) {
      if (role === 'admin') await test.access.revokeToken(id, 'test');
    }
    const first = await test.access.ensureAdmin();
    expect(await test.access.ensureAdmin()).toBeNull();
    const headers = { authorization: `Bearer ${first?.token}` };
    expect((await test.app.inject({ url: '/api/v1/tokens', headers })).statusCode).toBe(200);
    const entered = await test.app.inject({ url: `/login?code=${first?.loginCode}` });
    expect(entered.statusCode).toBe(303);
  });
});

describe('the audit log', () => {
  it('holds each change by a person with its outcome, and no hot path', async () => {
    await test.app.inject({ method: 'POST', url: '/doors/front', headers: test.as('operator') });
    await test.app.inject({ method: 'POST', url: '/ingest', headers: test.as('agent') });
    await test.app.inject({ method: 'POST', url: '/ingest', headers: test.as('operator') });
    await test.app.inject({ url: '/doors/front', headers: test.as('operator') });
    const { cookie, csrf } = await openSession('admin');
    const headers = { cookie, 'x-omoi-csrf': csrf };
    await test.app.inject({ method: 'DELETE', url: '/api/v1/tokens/tok_unknown', headers });
    const answer = await test.app.inject({ url: '/api/v1/audit', headers: test.as('admin') });
    expect(answer.json()).toMatchObject([
      {
        actor: { kind: 'session', name: 'the admin' },
        action: 'DELETE /api/v1/tokens/:token_id',
        entity: 'token_id=tok_unknown',
        outcome: 'refused',
        details: { status: 404 },
      },
      { actor: { kind: 'session', name: 'the admin' }, action: 'POST /api/v1/session' },
      {
        at: '2026-11-22T12:00:00.000Z',
        actor: { kind: 'token', name: 'the operator' },
        action: 'POST /doors/:door',
        entity: 'door=front',
        outcome: 'succeeded',
      },
    ]);
    expect(answer.json()).toHaveLength(3);
  });
});
