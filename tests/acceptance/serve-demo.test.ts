import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { workersOf } from './support/workers.ts';

const DEMO_AGENTS = ['demo-1', 'demo-2', 'demo-3', 'demo-4', 'demo-feeder-1', 'demo-source-1'];
const RFC_3339_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const data = dataDirectory();
let server: OmoiServer;
let admin: Client;

interface Agent {
  readonly agent_id: string;
  readonly status: string;
  readonly generation: number;
}
interface Sample {
  readonly metric_name: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

beforeAll(async () => {
  server = await OmoiServer.start(data.path, { demo: true });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  await server.stop('SIGKILL');
  for (const { pid } of workersOf(server)) process.kill(pid, 'SIGKILL');
  data.remove();
});

async function mint(name: string, role: string, scope?: object): Promise<Client> {
  const { secret } = await admin.makeToken({ name, role, scope });
  return admin.as(secret);
}

describe('omoi serve --demo', () => {
  it('says in ten lines where it is and what is running', () => {
    const lines = server.stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(10);
    expect(lines[0]).toContain(server.url);
    expect(server.stdout).toMatch(/log in +http\S+\/login\?code=\S+ +\(works once\)/);
    expect(server.stdout).toContain(data.path);
    expect(server.stdout).toContain('4 workers');
    expect(server.stdout).toMatch(
      /log +\S+omoi\.log; .*dashboard: add receivers by OMOI_NOTIFICATION_CONFIG_FILE=alertmanager\.yml\n/,
    );
    expect(server.stdout).toMatch(
      / next +watch it repair something.*: bin\/omoi gameday run worker_hang( --data-directory \S+)?$/m,
    );
  });

  it('runs a fleet of real processes that registers and does tasks', async () => {
    const alive = await until(async () => {
      const { agents } = await admin.read<{ agents: Agent[] }>('/api/v1/fleet/agents');
      const ready = agents.filter(({ status }) => status === 'IDLE' || status === 'RUNNING');
      return ready.length === DEMO_AGENTS.length && ready;
    }, 'the demo’s agents are registered');
    expect(alive.map((agent) => agent.agent_id).sort()).toEqual(DEMO_AGENTS);
    expect(
      workersOf(server)
        .map((worker) => worker.agentId)
        .sort(),
    ).toEqual(DEMO_AGENTS);
    const workers = await until(async () => {
      const samples = await admin.read<Sample[]>('/api/v1/monitor/metrics?metric_name=tasks_completed_total');
      const by = new Set(samples.filter(({ value }) => value > 0).map(({ labels }) => labels['agent_id']));
      return by.size === 4 && [...by];
    }, 'every worker has done tasks');
    expect(new Set(workers)).toEqual(new Set(DEMO_AGENTS.slice(0, 4)));
  });

  it('leaves tasks of another type or pool to others, and takes the next one of its own', async () => {
    const phase_id = 'PHASE_IMPLEMENTATION';
    const enqueue = async (body: object): Promise<string> => {
      const call = { method: 'POST', body: { phase_id, priority: 100, ...body } };
      const { task } = await admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', call);
      return task.task_id;
    };
    const standOf = async (taskId: string) => {
      const path = `/api/v1/fleet/tasks/${taskId}`;
      const { state, attempt } = await admin.read<{ state: string; attempt: number }>(path);
      return `${state} ${attempt}`;
    };
    const ofOthers = [
      await enqueue({ task_type: 'mail' }),
      await enqueue({ task_type: 'fetch', pool_id: 'mailers' }),
    ];
    const own = await enqueue({ task_type: 'fetch' });
    // Of the same priority the oldest comes first.
    await until(async () => (await standOf(own)).startsWith('completed'), 'the demo has done its own task');
    expect(await Promise.all(ofOthers.map(standOf))).toEqual(['queued 0', 'queued 0']);
    for (const taskId of ofOthers)
      await admin.read(`/api/v1/fleet/tasks/${taskId}/cancel`, { method: 'POST' });
  });

  it('takes all that its agents measure of themselves', async () => {
    const url = '/prometheus/api/v1/query?query=agent_measurements_dropped_total';
    await until(async () => {
      const { data } = await admin.read<{ data: { result: readonly object[] } }>(url);
      return data.result.length > 0;
    }, 'an agent has sent its metrics');
    const { text } = await admin.as(null).call('/metrics');
    expect(text).not.toMatch(/^omoi_otlp_refused_total\{.*\} [1-9]/m);
  });

  it('answers supervisors, scrapers and readers of its API without a token', async () => {
    const anonymous = admin.as(null);
    expect(await anonymous.read('/healthz')).toEqual({ status: 'alive' });
    expect(await anonymous.read('/readyz')).toEqual({ status: 'ready' });
    const metrics = await anonymous.call('/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(metrics.text).toMatch(/^# TYPE tasks_completed_total counter$/m);
    expect(metrics.text).toMatch(/^agents_active\{[^}]*agent_type="worker"[^}]*\} \d+$/m);
    expect(metrics.text).toMatch(/^omoi_\w+/m);
    const api = await anonymous.read<{ openapi: string; paths: object }>('/openapi.json');
    expect(api.openapi).toMatch(/^3\./);
    expect(Object.keys(api.paths)).toEqual(
      expect.arrayContaining(['/api/v1/fleet/agents', '/api/v1/monitor/metrics', '/api/v1/alerts']),
    );
  });

  it('tells a phase’s metrics in the words of the contract', async () => {
    const url = '/api/v1/monitor/metrics?phase_id=PHASE_IMPLEMENTATION';
    const names = [
      'tasks_queued_total',
      'tasks_completed_total',
      'agents_active',
      'task_wait_seconds_bucket',
    ];
    const samples = await until(
      async () => {
        const found = await admin.read<Sample[]>(url);
        return names.every((name) => found.some((sample) => sample.metric_name === name)) && found;
      },
      `samples of ${names.join(', ')}`,
    );
    for (const sample of samples) {
      expect(sample).toEqual({
        metric_name: expect.any(String),
        value: expect.any(Number),
        labels: expect.objectContaining({ phase_id: 'PHASE_IMPLEMENTATION' }),
        timestamp: expect.stringMatching(RFC_3339_MS),
      });
    }
  });
});

describe('who may do what', () => {
  const order = { method: 'POST', body: { reason: 'because' } };
  const quarantine = '/api/v1/fleet/agents/demo-1/quarantine';

  it('lets nobody change anything without a name, on loopback either', async () => {
    const changes = [quarantine, '/api/v1/fleet/tasks', '/api/v1/tokens', '/api/v1/fleet/pools/demo/scale'];
    for (const path of changes) expect(await admin.as(null).refusal(path, order)).toBe('401 unauthenticated');
    expect(await admin.as('omoi_admin_guessed').refusal(quarantine, order)).toBe('401 unauthenticated');
    expect(await admin.as(null).refusal('/api/v1/fleet/agents')).toBe('401 unauthenticated');
  });

  it('lets a viewer look and change nothing', async () => {
    const viewer = await mint('a viewer', 'viewer');
    expect((await viewer.call('/api/v1/fleet/agents')).status).toBe(200);
    expect(await viewer.refusal(quarantine, order)).toBe('403 forbidden');
    expect(await viewer.refusal('/api/v1/tokens')).toBe('403 forbidden');
  });

  it('lets an agent speak for itself alone', async () => {
    const agent = await mint('an agent', 'agent', { agent_ids: ['external-1'] });
    const registration = (agentId: string) => ({
      method: 'POST',
      body: { agent_id: agentId, agent_type: 'worker', nonce: 'nonce-of-external' },
    });
    expect((await agent.call('/api/v1/fleet/agents', registration('external-1'))).status).toBe(200);
    expect(await agent.refusal('/api/v1/fleet/agents', registration('external-2'))).toBe('403 token_scope');
    const beat = { method: 'POST', body: { generation: 1, sequence: 1_000_000 } };
    expect((await agent.call('/api/v1/fleet/agents/external-1/heartbeat', beat)).status).toBe(200);
    expect(await agent.refusal('/api/v1/fleet/agents/demo-1/heartbeat', beat)).toBe('403 token_scope');
    expect(await agent.refusal(quarantine, order)).toBe('403 forbidden');
    const leave = { method: 'POST', body: { generation: 1, reason: 'done' } };
    expect((await agent.call('/api/v1/fleet/agents/external-1/deregister', leave)).status).toBe(200);
  });

  it('logs a browser in by link once, and takes changes by session with their CSRF token alone', async () => {
    const link = /log in +(\S+)/.exec(server.stdout)?.[1] ?? '';
    const anonymous = admin.as(null);
    const first = await anonymous.call(link);
    expect(first.status).toBe(303);
    const setCookie = first.headers.get('set-cookie') ?? '';
    expect(setCookie).toMatch(/; ?HttpOnly/i);
    expect(setCookie).toMatch(/; ?SameSite=Strict/i);
    expect(await anonymous.refusal(link)).toBe('401 login_link_invalid');

    const cookie = setCookie.split(';')[0] ?? '';
    const { csrf_token: csrf } = await anonymous.read<{ csrf_token: string }>('/api/v1/session', {
      headers: { cookie },
    });
    const scale = (headers: Record<string, string>) =>
      anonymous.call('/api/v1/fleet/pools/demo/scale', {
        method: 'POST',
        body: { desired: 4, reason: 'as it is' },
        headers: { cookie, ...headers },
      });
    expect(await scale({})).toMatchObject({ status: 403, body: { error: 'csrf_token_missing' } });
    expect((await scale({ 'x-omoi-csrf': csrf })).status).toBe(200);
    expect((await scale({ 'x-omoi-csrf': csrf, origin: 'http://attacker.example' })).status).toBe(403);
  });

  it('writes down who changed what, and when', async () => {
    const operator = await mint('the night shift', 'operator');
    const since = Date.now();
    await operator.read('/api/v1/fleet/pools/demo/scale', { method: 'POST', body: { desired: 4 } });
    const entries = await admin.read<{ at: string }[]>('/api/v1/audit?limit=5');
    expect(entries[0]).toMatchObject({
      actor: { kind: 'token', name: 'the night shift' },
      action: 'POST /api/v1/fleet/pools/:pool_id/scale',
      entity: 'pool_id=demo',
      outcome: 'succeeded',
    });
    expect(Date.parse(entries[0]?.at ?? '')).toBeGreaterThanOrEqual(since);
  });

  it('lets the owner of the data directory make, list and revoke tokens and login links', async () => {
    const token = (...args: string[]) => omoi(['token', '--data-directory', data.path, ...args]);
    const created = await token('create', 'ci', '--role', 'agent', '--pool', 'builders');
    expect(created.stderr).toMatch(/^token \S+ \(agent\)/);
    const secret = created.stdout.trim();
    const register = (poolId: string) => ({
      method: 'POST',
      body: { agent_id: `${poolId}-x`, agent_type: 'worker', pool_id: poolId, nonce: 'nonce-of-builder' },
    });
    expect((await admin.as(secret).call('/api/v1/fleet/agents', register('builders'))).status).toBe(200);
    expect(await admin.as(secret).refusal('/api/v1/fleet/agents', register('demo'))).toBe('403 token_scope');

    const listed = await token('list');
    const row = listed.stdout.split('\n').find((line) => line.endsWith(' ci')) ?? '';
    expect(row).toMatch(/ agent +live /);
    expect((await token('revoke', row.split(' ')[0] ?? '')).status).toBe(0);
    expect(await admin.as(secret).refusal('/api/v1/fleet/agents', register('builders'))).toBe(
      '401 unauthenticated',
    );
    const login = await token('login');
    expect((await admin.as(null).call(login.stdout.trim())).status).toBe(303);
  });
});

describe('one server a data directory', () => {
  it('refuses a second one, and the first lives on', async () => {
    const second = await omoi(['serve'], {
      OMOI_DATA_DIRECTORY: data.path,
      OMOI_HTTP_PORT: '0',
      OMOI_OTLP_PORT: '0',
    });
    expect(second.status).toBe(1);
    expect(second.stderr).toMatch(/^omoi: .*\(database_busy\)$/m);
    expect(second.stderr).toContain(data.path);
    expect((await admin.call('/readyz')).status).toBe(200);
  });
});

describe('Ctrl-C', () => {
  it('stops the demo fleet too', async () => {
    const before = workersOf(server);
    expect(before.length).toBeGreaterThanOrEqual(DEMO_AGENTS.length);
    const ended = await server.stop('SIGINT');
    expect(ended.status).toBe(0);
    expect(workersOf(server)).toEqual([]);
  });
});
