import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseMatcher } from '#promql';
import { createSeededRandom, silentLogger } from '#telemetry';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { createAccess, type Access } from './access.ts';

let test: TestApi;
beforeEach(async () => {
  test = await startTestApi();
});
afterEach(() => test.close());

const create = (payload: object) =>
  test.app.inject({ method: 'POST', url: '/api/v1/tokens', headers: test.as('admin'), payload });

/** The same database, as the next start finds it. */
async function restarted(): Promise<Access> {
  const { clock, database } = test;
  const parts = { clock, database, random: createSeededRandom(8), logger: silentLogger, parseMatcher };
  const access = createAccess({ ...parts, options: { openIngestOnLoopback: false } });
  await access.loadGrants();
  return access;
}

const GIVEN = { pools: ['mail'], agents: ['w-1'], matchers: ['pool_id=~"batch-.*"'] };

describe('for whom a token speaks', () => {
  it('is nobody, unless it is said', async () => {
    const { token } = (await create({ name: 'ci', role: 'ingest' })).json();
    expect(token.speaks_for).toBeNull();
    expect(test.access.grantOf('token:ci')).toBeNull();
  });

  it('is kept, shown, and known after a restart', async () => {
    const { token } = (await create({ name: 'ci', role: 'ingest', speaks_for: GIVEN })).json();
    expect(token.speaks_for).toEqual(GIVEN);
    const listed = (await test.app.inject({ url: '/api/v1/tokens', headers: test.as('admin') })).json();
    expect(listed.map(({ speaks_for: shown }: { speaks_for: unknown }) => shown)).toContainEqual(GIVEN);
    for (const access of [test.access, await restarted()]) {
      const grant = access.grantOf('token:ci');
      expect(grant).toMatchObject({ pools: ['mail'], agents: ['w-1'] });
      expect(grant?.matchers.map((matcher) => matcher.matches('batch-7'))).toEqual([true]);
    }
  });

  it('ends when the token is revoked', async () => {
    const { token } = (await create({ name: 'ci', role: 'ingest', speaks_for: GIVEN })).json();
    await test.access.revokeToken(token.id, 'ann');
    for (const access of [test.access, await restarted()]) expect(access.grantOf('token:ci')).toBeNull();
  });

  it('ends when the token expires', async () => {
    await create({ name: 'ci', role: 'ingest', speaks_for: GIVEN, expires_in: '1h' });
    await test.clock.advance(3_599_000);
    expect(test.access.grantOf('token:ci')).not.toBeNull();
    await test.clock.advance(1_000);
    expect(test.access.grantOf('token:ci')).toBeNull();
  });

  it('are the agents of its scope, where they are several', async () => {
    await create({ name: 'host', role: 'agent', scope: { agent_ids: ['a', 'b'] } });
    for (const access of [test.access, await restarted()]) {
      expect(access.grantOf('token:host')).toEqual({ pools: [], agents: ['a', 'b'], matchers: [] });
    }
  });

  it.each([
    [{ role: 'viewer', speaks_for: GIVEN }, /^speaks_for: only tokens of the roles ingest, operator, admin/],
    [{ role: 'agent', scope: { pool_id: 'p' }, speaks_for: GIVEN }, /^speaks_for: only tokens of the roles/],
    [{ role: 'ingest', speaks_for: { matchers: ['pool_id'] } }, /^speaks_for: "pool_id" is no matcher like/],
    [
      { role: 'ingest', speaks_for: { matchers: ['team="a"'] } },
      /"team="a"" is about team; matchers are about/,
    ],
  ])('is refused in %j', async (body, message) => {
    const answer = await create({ name: 'x', ...body });
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'invalid_request']);
    expect(answer.json().message).toMatch(message);
    expect(test.access.grantOf('token:x')).toBeNull();
  });
});
