import { afterEach, describe, expect, it } from 'vitest';
import { OmoiError, type Logger } from '#telemetry';
import { z } from 'zod';
import type { ApiApp } from './http/app.ts';
import { startTestApi, type TestApi, type TestApiOptions } from './api.test-support.ts';

let running: TestApi | null = null;

async function start(options: TestApiOptions = {}): Promise<TestApi> {
  running = await startTestApi(options);
  return running;
}

afterEach(async () => {
  await running?.close();
  running = null;
});

/** A route of each kind that the house has to look after. */
function registerProbes(app: ApiApp): void {
  app.post(
    '/probe/:probe_id',
    {
      config: { access: ['operator', 'admin'] },
      schema: {
        params: z.object({ probe_id: z.string() }),
        body: z.strictObject({ count: z.number().int(), note: z.string().optional() }),
        response: { 200: z.object({ count: z.number(), traceparent: z.string().nullable() }) },
      },
    },
    (request) => ({ count: request.body.count, traceparent: request.traceparent }),
  );
  app.get('/probe/refusal', { config: { access: 'public' } }, () => {
    throw new OmoiError('lease_lost', 'worker-2 has the task now');
  });
  app.get('/probe/failure', { config: { access: 'public' } }, () => {
    throw new Error('the secret reason');
  });
  app.get(
    '/probe/broken-answer',
    { config: { access: 'public' }, schema: { response: { 200: z.object({ count: z.number() }) } } },
    () => ({ count: 'three' }) as never,
  );
}

const body = (payload: unknown): { payload: string; headers: { 'content-type': string } } => ({
  payload: JSON.stringify(payload),
  headers: { 'content-type': 'application/json' },
});

describe('bad requests', () => {
  it.each([
    {
      case: 'malformed JSON',
      headers: { 'content-type': 'application/json' },
      payload: '{"count": 1,}',
      status: 400,
      error: 'malformed_json',
      message: /position 12/,
    },
    {
      case: 'an empty body',
      headers: { 'content-type': 'application/json' },
      payload: '',
      status: 400,
      error: 'malformed_json',
      message: /it is empty/,
    },
    {
      case: 'a prototype key',
      headers: { 'content-type': 'application/json' },
      payload: '{"count": 1, "__proto__": {}}',
      status: 400,
      error: 'malformed_json',
      message: /__proto__/,
    },
    {
      case: 'lists too deep in each other',
      headers: { 'content-type': 'application/json' },
      payload: `{"count": ${'['.repeat(3_000)}${']'.repeat(3_000)}}`,
      status: 400,
      error: 'malformed_json',
      message: /more than 500 deep/,
    },
    {
      case: 'a body in another character set',
      headers: { 'content-type': 'application/json; charset=utf-16' },
      payload: '{"count": 1}',
      status: 415,
      error: 'unsupported_media_type',
      message: /charset=utf-16/,
    },
    {
      case: 'a wrong type',
      ...body({ count: 'one' }),
      status: 400,
      error: 'invalid_request',
      message: /^body\.count: .*number.*string/,
    },
    {
      case: 'an unknown field',
      ...body({ count: 1, cuont: 2 }),
      status: 400,
      error: 'unknown_key',
      message: /cuont/,
    },
    {
      case: 'a body over the limit',
      ...body({ count: 1, note: 'x'.repeat(10_000) }),
      status: 413,
      error: 'body_too_large',
      message: /10000 bytes/,
    },
    {
      case: 'another media type',
      headers: { 'content-type': 'text/plain' },
      payload: 'count=1',
      status: 415,
      error: 'unsupported_media_type',
      message: /text\/plain.*send application\/json/,
    },
    {
      case: 'a compressed body',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      payload: '{}',
      status: 415,
      error: 'unsupported_media_type',
      message: /"gzip" is not taken here; send the body as it is/,
    },
  ])('answers $case with $error', async ({ headers, payload, status, error, message }) => {
    const { app, as } = await start({ register: registerProbes });
    const answer = await app.inject({
      method: 'POST',
      url: '/probe/1',
      headers: { ...headers, ...as('operator') },
      payload,
    });
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toEqual({
      error,
      message: expect.stringMatching(message),
      docs: `/docs/errors#${error}`,
    });
    expect(answer.headers['x-request-id']).toMatch(/^req_/);
  });

  it('refuses a body whose parsing would hold up others', async () => {
    const { app, as } = await start({
      register: registerProbes,
      parts: { limits: { maxBodyBytes: 1_000_000 } },
    });
    const post = (payload: string) =>
      app.inject({
        method: 'POST',
        url: '/probe/1',
        headers: { ...body({}).headers, ...as('operator') },
        payload,
      });
    const refused = await post(`{"count":[${'{},'.repeat(60_000)}1]}`);
    expect([refused.statusCode, refused.json().message]).toEqual([
      413,
      expect.stringContaining('maxJsonValues'),
    ]);
    const note = '[{'.repeat(100_000);
    expect((await post(JSON.stringify({ count: 1, note }))).statusCode).toBe(200);
    expect((await post(`{"count":1${' '.repeat(200_000)}`)).json().error).toBe('malformed_json');
  });

  it('reads a list of any length that a route takes, up to the bytes of a body', async () => {
    const { app, as } = await start({
      register: (api) =>
        api.post(
          '/probe/list',
          { config: { access: ['operator'], takesList: true }, schema: { body: z.array(z.unknown()) } },
          ({ body: list }) => ({ elements: list.length }),
        ),
      parts: { limits: { maxBodyBytes: 1_000_000 } },
    });
    const post = (payload: string) =>
      app.inject({
        method: 'POST',
        url: '/probe/list',
        headers: { ...body({}).headers, ...as('operator') },
        payload,
      });
    expect((await post(`[${'{"a":{}},'.repeat(100_000)}1]`)).json()).toEqual({ elements: 100_001 });
    expect((await post(`[${'{"a":{}},'.repeat(10_000)}]`)).json().error).toBe('malformed_json');
    expect((await post(`[${'{"a":{}},'.repeat(10_000)}1e999]`)).json().error).toBe('invalid_request');
    const large = await post(`[{"a":[${'{},'.repeat(60_000)}1]},1]`);
    expect([large.statusCode, large.json().message]).toEqual([413, expect.stringContaining('maxJsonValues')]);
    expect((await post(`[${'{"a":{}},'.repeat(120_000)}1]`)).json().message).toContain('1000000 bytes');
  });

  it('tells a wrong path from a wrong method', async () => {
    const { app } = await start({ register: registerProbes });
    const unknown = await app.inject({ url: '/nowhere' });
    expect([unknown.statusCode, unknown.json().error]).toEqual([404, 'not_found']);
    const wrong = await app.inject({ method: 'PUT', url: '/probe/1' });
    expect([wrong.statusCode, wrong.json().error]).toEqual([405, 'method_not_allowed']);
    expect(wrong.headers.allow).toBe('POST');
  });

  it('survives a path that cannot be decoded', async () => {
    const { app } = await start({ register: registerProbes });
    const answer = await app.inject({ url: '/probe/%E0%A4%A' });
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'invalid_request']);
  });
});

describe('failures', () => {
  it('gives an error of the catalogue with its own status', async () => {
    const { app } = await start({ register: registerProbes });
    const answer = await app.inject({ url: '/probe/refusal' });
    expect([answer.statusCode, answer.json()]).toEqual([
      409,
      { error: 'lease_lost', message: 'worker-2 has the task now', docs: '/docs/errors#lease_lost' },
    ]);
  });

  it.each(['/probe/failure', '/probe/broken-answer'])(
    'keeps the reason of %s in the log alone',
    async (url) => {
      const logged: object[] = [];
      const logger: Logger = {
        debug() {},
        info() {},
        warn() {},
        error: (fields) => void logged.push(fields),
      };
      const { app } = await start({ register: registerProbes, logger });
      const answer = await app.inject({ url });
      expect([answer.statusCode, answer.json().error]).toEqual([500, 'internal_error']);
      expect(answer.body).not.toMatch(/secret reason|three|at .*\.ts/);
      expect(logged).toEqual([
        expect.objectContaining({ request_id: answer.headers['x-request-id'], path: url }),
      ]);
    },
  );

  it('does not start with a route that states no access', async () => {
    const register = (app: ApiApp): void => void app.get('/open', () => 'anybody');
    await expect(startTestApi({ register })).rejects.toThrow('GET /open does not state who may call it');
  });
});

describe('the trace of a request', () => {
  const valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  it.each([
    { sent: valid, kept: valid },
    { sent: 'nonsense', kept: null },
    { sent: '00-00000000000000000000000000000000-00f067aa0ba902b7-01', kept: null },
  ])('keeps $sent as $kept', async ({ sent, kept }) => {
    const { app, as } = await start({ register: registerProbes });
    const answer = await app.inject({
      method: 'POST',
      url: '/probe/1',
      headers: { traceparent: sent, ...as('admin') },
      payload: { count: 1 },
    });
    expect(answer.json()).toEqual({ count: 1, traceparent: kept });
  });
});

describe('a server that may not be in charge any more', () => {
  const register = (app: ApiApp): void => {
    app.get('/probe/read', { config: { access: ['operator'] } }, () => ({}));
    app.post('/probe/query', { config: { access: ['operator'], readsOnly: true } }, () => ({}));
    app.post('/probe/change', { config: { access: ['operator'], reportsOnly: true } }, () => ({}));
    app.post('/probe/telemetry', { config: { access: ['operator'], openOnLoopback: true } }, () => ({}));
  };
  const asks = [
    ['GET', '/probe/read'],
    ['POST', '/probe/query'],
    ['POST', '/probe/change'],
    ['POST', '/probe/telemetry'],
    ['GET', '/readyz'],
    ['GET', '/healthz'],
  ] as const;

  it.each<{ readonly doubt: OmoiError; readonly refused: readonly string[] }>([
    { doubt: new OmoiError('database_failed', 'nobody says so'), refused: ['/probe/change', '/readyz'] },
    {
      doubt: new OmoiError('server_fenced', 'another is'),
      refused: ['/probe/read', '/probe/query', '/probe/change', '/probe/telemetry', '/readyz'],
    },
  ])('refuses what only that one may answer: $doubt.code', async ({ doubt, refused }) => {
    const { app, as } = await start({ register, parts: { doubt: () => doubt } });
    const answers: {
      readonly url: string;
      readonly status: number;
      readonly error: unknown;
      readonly again: unknown;
    }[] = [];
    for (const [method, url] of asks) {
      const answer = await app.inject({ method, url, headers: as('operator') });
      const { error } = answer.json<{ error?: string }>();
      answers.push({ url, status: answer.statusCode, error, again: answer.headers['retry-after'] });
    }
    const wanted = refused.map((url) => ({ url, status: 503, error: doubt.code, again: '1' }));
    expect(answers.filter(({ status }) => status !== 200)).toEqual(wanted);
  });
});

describe('health', () => {
  it('is alive at once and ready when every part is', async () => {
    const waiting = ['rules'];
    const { app } = await start({ parts: { notReady: () => waiting } });
    expect((await app.inject({ url: '/healthz' })).json()).toEqual({ status: 'alive' });
    const early = await app.inject({ url: '/readyz' });
    expect([early.statusCode, early.json()]).toEqual([
      503,
      { error: 'not_ready', message: 'not ready: rules', docs: '/docs/errors#not_ready' },
    ]);
    waiting.pop();
    expect((await app.inject({ url: '/readyz' })).json()).toEqual({ status: 'ready' });
  });

  it('is ready, and says so, while changes wait for a lock of somebody else', async () => {
    const waitsFor =
      'PostgreSQL: statements of Omoi (2) wait for a lock of somebody else: session 7, on tasks';
    const { app } = await start({ parts: { waitsFor: () => waitsFor } });
    const { statusCode, json } = await app.inject({ url: '/readyz' });
    expect([statusCode, json()]).toEqual([200, { status: 'ready', waits_for: waitsFor }]);
  });

  it('shows its metrics as a Prometheus reads them', async () => {
    const labels = { path: 'C:\\DIR\n"x"' };
    const { app, as, metrics } = await start({
      parts: {
        standardMetrics: () => [
          {
            name: 'task_wait_seconds',
            type: 'histogram',
            help: 'Waiting.',
            points: [
              { suffix: '_bucket', labels: { le: '+Inf' }, value: 2 },
              { suffix: '_sum', labels: {}, value: 0.5 },
              { suffix: '_count', labels: {}, value: 2 },
            ],
          },
          { name: 'never_seen', type: 'gauge', help: 'Nothing.', points: [] },
        ],
      },
    });
    metrics.counter('omoi_probe_total', 'Back\\slash.').add(3, labels);
    const answer = await app.inject({ url: '/metrics', headers: as('viewer') });
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toContain(
      '# HELP task_wait_seconds Waiting.\n# TYPE task_wait_seconds histogram\n' +
        'task_wait_seconds_bucket{le="+Inf"} 2\ntask_wait_seconds_sum 0.5\ntask_wait_seconds_count 2\n',
    );
    expect(answer.body).toContain(
      '# HELP omoi_probe_total Back\\\\slash.\n# TYPE omoi_probe_total counter\n' +
        'omoi_probe_total{path="C:\\\\DIR\\n\\"x\\""} 3\n',
    );
    expect(answer.body).toMatch(/^omoi_build_info\{version="0.0.0-test",node_version="[\d.]+"\} 1$/m);
    expect(answer.body).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(answer.body).not.toContain('never_seen');
  });
});

describe('the description of the API', () => {
  it('names the roles, the error and the schemas of every route', async () => {
    const { app } = await start({ register: registerProbes });
    const { paths, components } = (await app.inject({ url: '/openapi.json' })).json();
    expect(components.securitySchemes).toHaveProperty('token');
    expect(Object.keys(components.schemas)).toEqual(['Error']);
    expect(components.schemas.Error.properties).toHaveProperty('error');
    const probe = paths['/probe/{probe_id}'].post;
    expect(probe['x-omoi-access']).toEqual(['operator', 'admin']);
    expect(probe.requestBody.content['application/json'].schema.properties).toHaveProperty('count');
    expect(probe.responses.default.content['application/json'].schema).toEqual({
      $ref: '#/components/schemas/Error',
    });
    expect(paths['/healthz'].get.security).toEqual([]);
  });
});
