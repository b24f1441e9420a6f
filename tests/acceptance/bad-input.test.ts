import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Call, Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { StartedProcess } from './support/started-process.ts';
import { until } from './support/until.ts';

const OMOI = fileURLToPath(new URL('../../bin/omoi', import.meta.url));

const MAX_BODY_BYTES = 65_536;

const data = dataDirectory();
const files = dataDirectory();
let server: OmoiServer;
let admin: Client;

function write(name: string, text: string): string {
  const file = join(files.path, name);
  writeFileSync(file, text);
  return file;
}

beforeAll(async () => {
  const configFile = write(
    'omoi.yaml',
    `
http: { max_body_bytes: ${MAX_BODY_BYTES} }
log: { destination: ${join(files.path, 'omoi.log')} }
fleet:
  pools:
    - { id: broken, command: [/nowhere/worker], desired: 1, max: 2 }
`,
  );
  server = await OmoiServer.start(data.path, { configFile });
  admin = new Client(() => server.url, server.adminToken);
  const body = { agent_id: 'known', agent_type: 'worker', nonce: 'nonce-of-known' };
  await admin.read('/api/v1/fleet/agents', { method: 'POST', body });
  await admin.read('/api/v1/fleet/tasks', {
    method: 'POST',
    body: { task_type: 'fetch', phase_id: 'PHASE_TESTING' },
  });
});

afterAll(async () => {
  await server.stop();
  data.remove();
  files.remove();
});

const post = (body: unknown): Call => ({ method: 'POST', body });
const holder = { agent_id: 'known', generation: 1 };
const registration = { agent_id: 'fresh', agent_type: 'worker', nonce: 'nonce-of-fresh' };

/** Everything that a refused request must leave as it was. */
async function stateOfFleet(): Promise<unknown> {
  const [agents, tasks] = await Promise.all([
    admin.read<{ agents: { agent_id: string; generation: number; registered_at: string }[] }>(
      '/api/v1/fleet/agents',
    ),
    admin.read('/api/v1/fleet/tasks'),
  ]);
  const known = agents.agents.map(({ agent_id: id, generation, registered_at: at }) => [id, generation, at]);
  return { known, tasks };
}

describe('a request that is wrong is told why, and changes nothing', () => {
  const rows: readonly (readonly [string, string, Call, string, RegExp])[] = [
    [
      'an unknown agent',
      '/api/v1/fleet/agents/nobody/heartbeat',
      post({ generation: 1, sequence: 1 }),
      '404 unknown_agent',
      /nobody/,
    ],
    ['an unknown task', '/api/v1/fleet/tasks/task_0/complete', post(holder), '404 unknown_task', /task_0/],
    [
      'an unknown generation',
      '/api/v1/fleet/agents/known/heartbeat',
      post({ generation: 9, sequence: 1 }),
      '404 unknown_generation',
      /9/,
    ],
    ['an unknown pool', '/api/v1/fleet/pools/none/scale', post({ desired: 1 }), '404 unknown_pool', /none/],
    ['an unknown alert', '/api/v1/alerts/alert_0', {}, '404 unknown_alert', /alert_0/],
    ['an unknown path', '/api/v1/nothing', {}, '404 not_found', /\/api\/v1\/nothing/],
    [
      'a method that the path does not take',
      '/api/v1/fleet/agents',
      { method: 'PUT', body: {} },
      '405 method_not_allowed',
      /GET.*POST/,
    ],
    ['malformed JSON', '/api/v1/fleet/agents', post('{"agent_id": '), '400 malformed_json', /JSON/],
    [
      'a body that is too large',
      '/api/v1/fleet/tasks',
      post({ payload: 'x'.repeat(MAX_BODY_BYTES) }),
      '413 body_too_large',
      /65536/,
    ],
    [
      'another type of body',
      '/api/v1/fleet/tasks',
      { ...post('a: 1'), headers: { 'content-type': 'text/yaml' } },
      '415 unsupported_media_type',
      /text\/yaml/,
    ],
    [
      'a number that is a text',
      '/api/v1/fleet/agents/known/heartbeat',
      post({ generation: '1', sequence: 1 }),
      '400 invalid_request',
      /body\.generation/,
    ],
    [
      'a phase that is none',
      '/api/v1/fleet/tasks',
      post({ task_type: 'fetch', phase_id: 'PHASE NONE' }),
      '400 invalid_request',
      /body\.phase_id/,
    ],
    [
      'what is missing',
      '/api/v1/fleet/tasks/batch',
      post({ tasks: [{ task_type: 'fetch' }] }),
      '400 invalid_request',
      /body\.tasks\.0\.phase_id/,
    ],
    [
      'a name that is no name',
      '/api/v1/fleet/agents',
      post({ ...registration, agent_id: '../x' }),
      '400 invalid_request',
      /body\.agent_id/,
    ],
  ];

  it.each(rows)('%s', async (_, path, call, expected, message) => {
    const before = await stateOfFleet();
    const answer = await admin.call(path, call);
    const body = answer.body as { error: string; message: string };
    expect(`${answer.status} ${body.error}`).toBe(expected);
    expect(Object.keys(body).sort((a, b) => a.localeCompare(b))).toEqual(['docs', 'error', 'message']);
    expect(body.message).toMatch(message);
    expect(await stateOfFleet()).toEqual(before);
  });

  it.each([
    ['a missing token', null],
    ['a weak token', 'admin'],
    ['an unknown token', `omoi_admin_${'a'.repeat(43)}`],
  ])('%s', async (_, token) => {
    const before = await stateOfFleet();
    const refusal = await admin.as(token).refusal('/api/v1/fleet/agents', post(registration));
    expect(refusal).toBe('401 unauthenticated');
    expect(await stateOfFleet()).toEqual(before);
  });
});

describe('telemetry that is wrong', () => {
  const ids = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) };
  const far = '9007199254740992000';
  const traces = (span: object) => ({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, ...span }] }] }] });
  const now = `${Date.now()}000000`;
  const withValue = (value: object) =>
    traces({ startTimeUnixNano: now, endTimeUnixNano: now, attributes: [{ key: 'a', value }] });
  const nested = `${'{"arrayValue":{"values":['.repeat(5000)}{}${']}}'.repeat(5000)}`;

  it.each<[string, string, unknown, number, RegExp]>([
    [
      'a span of the year 2255',
      'traces',
      traces({ startTimeUnixNano: far, endTimeUnixNano: far }),
      200,
      /"rejectedSpans":"1".*a span more than a day ahead/,
    ],
    ['a list of null', 'traces', withValue({ arrayValue: null }), 200, /^\{\}$/],
    ['a list that is none', 'traces', withValue({ arrayValue: { values: 5 } }), 200, /values is no list/],
    ['a list of nothing', 'traces', withValue({ arrayValue: { values: [null] } }), 200, /^\{\}$/],
    [
      'a map of no entries',
      'traces',
      withValue({ kvlistValue: { values: [5, null] } }),
      200,
      /values is no object/,
    ],
    [
      'an attribute nested 5,000 deep',
      'logs',
      `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"a","value":${nested}}]}]}]}]}`,
      400,
      /maxJsonDepth/,
    ],
  ])('%s is answered, and what is stored can be read', async (_, signal, body, status, answered) => {
    const answer = await fetch(`${server.url}/v1/${signal}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${server.adminToken}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    expect([answer.status, await answer.text()]).toEqual([status, expect.stringMatching(answered)]);
    for (const list of ['traces', 'logs']) {
      expect((await admin.call(`/api/v1/observability/${list}`)).status).toBe(200);
    }
  });
});

describe('a pool whose command does not exist', () => {
  it('says so and backs off; the server lives', async () => {
    const failures = await until(async () => {
      const events = await admin.events('fleet.pool.spawn_failed');
      return events.length >= 3 && events;
    }, 'three attempts');
    const waits = failures.map((event) => {
      if (event.event_type !== 'fleet.pool.spawn_failed') throw new Error(event.event_type);
      expect(event.payload).toMatchObject({
        pool_id: 'broken',
        error: expect.stringContaining('/nowhere/worker'),
      });
      return event.payload.retry_in_ms;
    });
    expect(waits[2]).toBeGreaterThan(waits[0] ?? Infinity);
    const pool = await admin.read<{ spawn_failures: number; next_attempt_at: string }>(
      '/api/v1/fleet/pools/broken',
    );
    expect(pool).toMatchObject({ last_error: expect.stringMatching(/\/nowhere\/worker.*was not found/) });
    expect(pool.spawn_failures).toBeGreaterThanOrEqual(3);
    expect(Date.parse(pool.next_attempt_at)).not.toBeNaN();
    expect((await admin.call('/readyz')).status).toBe(200);
  });
});

describe('a file that is wrong refuses the start with its place', () => {
  const RULES = 'groups:\n  - name: own\n    rules:\n      - alert: A\n        expr: up ==\n';
  const RULES_KEY = 'groups:\n  - name: own\n    rules:\n      - alert: A\n        exprr: up == 0\n';
  const POLICY = 'name: own\ndescription: x\nmatch: [\'alertname="A"\']\nmodus: act\n';

  it.each([
    [
      'an unknown key',
      'c1.yaml',
      'http:\n  prot: 1\n',
      /c1\.yaml:2:3: unknown key "http\.prot"; did you mean "port"\?/,
      'config_invalid',
    ],
    ['a wrong type', 'c2.yaml', 'http:\n  port: many\n', /c2\.yaml:2:\d+: "http\.port"/, 'config_invalid'],
    ['no YAML', 'c3.yaml', 'http: {\n', /c3\.yaml:\d+/, 'config_invalid'],
  ])('the configuration: %s', async (_, name, text, message, code) => {
    await expectRefusedStart(write(name, text), message, code);
  });

  it.each([
    [
      'a rule file, in its expression',
      'alerting: { rule_files',
      RULES,
      /own\.yaml:5:\d+: /,
      'rule_file_invalid',
    ],
    [
      'a rule file, in a key',
      'alerting: { rule_files',
      RULES_KEY,
      /own\.yaml:5:\d+: unknown key .*did you mean "expr"\?/,
      'rule_file_invalid',
    ],
    [
      'a policy file',
      'watchdog: { policy_files',
      POLICY,
      /own\.yaml:4:1: unknown key "modus"; did you mean "mode"\?/,
      'policy_file_invalid',
    ],
  ])('%s', async (title, key, text, message, code) => {
    const folder = join(files.path, title);
    mkdirSync(folder);
    const file = join(folder, 'own.yaml');
    writeFileSync(file, text);
    await expectRefusedStart(write(`${title}.yaml`, `${key}: ['${folder}'] }\n`), message, code);
  });

  it.each([[[]], [['--demo']]])('the data directory, below a file (serve %j)', async (flags) => {
    const inTheWay = write('data', '');
    const refused = await omoi(['serve', ...flags], {
      OMOI_DATA_DIRECTORY: join(inTheWay, 'omoi'),
      OMOI_HTTP_PORT: '0',
      OMOI_OTLP_PORT: '0',
    });
    expectRefusal(refused, /data is a file; move it away/, 'data_directory_unusable');
  });

  it.each([[[]], [['--demo']]])('the data directory, where nothing can be made (serve %j)', async (flags) => {
    const refused = await omoi(['serve', ...flags], {
      OMOI_DATA_DIRECTORY: '/proc/omoi/data',
      OMOI_HTTP_PORT: '0',
      OMOI_OTLP_PORT: '0',
    });
    expectRefusal(
      refused,
      /nothing can be made in \/proc; name a directory on a disk/,
      'data_directory_unusable',
    );
  });

  it('its check says so by its status, though nobody reads what it prints', async () => {
    const file = write('unread.yaml', 'http: { prot: 1 }\n');
    const piped = new StartedProcess(
      'bash',
      ['-c', `"$0" "$1" check --config "$2" | true; exit "\${PIPESTATUS[0]}"`, process.execPath, OMOI, file],
      { PATH: process.env['PATH'] },
    );
    await piped.closed;
    expect([piped.exitCode, piped.stderr]).toEqual([1, '']);
  });

  async function expectRefusedStart(configFile: string, message: RegExp, code: string): Promise<void> {
    const refused = await omoi(['serve', '--config', configFile], {
      OMOI_DATA_DIRECTORY: join(files.path, 'never'),
      OMOI_HTTP_PORT: '0',
      OMOI_OTLP_PORT: '0',
    });
    expectRefusal(refused, message, code);
  }

  function expectRefusal(
    refused: { readonly status: number | null; readonly stderr: string },
    message: RegExp,
    code: string,
  ): void {
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(message);
    expect(refused.stderr).toContain(`(${code})`);
    expect(refused.stderr).not.toMatch(/^ +at /m);
  }
});

it('output that has no room is said in one line', async () => {
  const script = '"$0" "$1" --help > /dev/full';
  const started = new StartedProcess('/bin/sh', ['-c', script, process.execPath, OMOI], {
    ...(process.env as Record<string, string>),
  });
  await started.closed;
  expect([started.exitCode, started.stderr]).toEqual([
    1,
    expect.stringMatching(/^omoi: what is put out can't be written: ENOSPC[^\n]*\n$/),
  ]);
});
