import { afterEach, beforeEach, expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { OPERATORS, ROLES, type Role } from '../access/roles.ts';
import { callBelow, startTestApi, type TestApi } from '../api.test-support.ts';
import { registerReloadRoutes, type Reloaded } from './reload-routes.ts';

const DONE: Reloaded = {
  rules: 12,
  changed: 2,
  removed: 1,
  policies: 4,
  warnings: ['a.yaml: twice'],
  needs_restart: ['http.port'],
};

let api: TestApi;
let outcomes: (Reloaded | OmoiError)[];

beforeEach(async () => {
  outcomes = [];
  const reload = async (): Promise<Reloaded> => {
    const outcome = outcomes.shift();
    if (outcome === undefined || outcome instanceof OmoiError) throw outcome;
    return outcome;
  };
  api = await startTestApi({ register: (app) => registerReloadRoutes(app, { reload }) });
});
afterEach(() => api.close());

const call = (role: Role, path: string) => callBelow('', api, { role, line: `POST ${path}` });

it.each(['/api/v1/reload', '/-/reload'])('POST %s answers what is in force now', async (path) => {
  for (const role of OPERATORS) {
    outcomes.push(DONE);
    expect([role, await call(role, path)]).toEqual([role, { status: 200, body: DONE }]);
  }
});

it('answers why nothing was taken over', async () => {
  outcomes.push(new OmoiError('rule_file_invalid', 'rules.yaml:8:9: unknown key "foor"'));
  expect(await call('admin', '/api/v1/reload')).toMatchObject({
    status: 400,
    body: { error: 'rule_file_invalid', message: expect.stringContaining('rules.yaml:8:9') },
  });
});

it.each(ROLES.filter((role) => !['operator', 'admin'].includes(role)))('is refused to %s', async (role) => {
  outcomes.push(DONE);
  expect((await call(role, '/api/v1/reload')).status).toBe(403);
  expect(outcomes).toHaveLength(1);
});

it('is refused without a token on the same machine, where sending telemetry is not', async () => {
  const open = await startTestApi({
    openIngestOnLoopback: true,
    register: (app) => registerReloadRoutes(app, { reload: () => Promise.resolve(DONE) }),
  });
  for (const url of ['/api/v1/reload', '/-/reload']) {
    const { statusCode } = await open.app.inject({ method: 'POST', url, headers: { host: 'localhost' } });
    expect([url, statusCode]).toEqual([url, 401]);
  }
  await open.close();
});
