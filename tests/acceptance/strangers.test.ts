import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWriteRequest, snappy } from '../remote-write-request.ts';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { workersOf } from './support/workers.ts';

/*
 * Rules over metrics that anybody may send, with policies that act: who sends them decides whom Omoi acts on. Real
 * servers, real workers, telemetry as it comes over HTTP.
 */
const WORKER = fileURLToPath(new URL('support/computing-worker.ts', import.meta.url));

const RULES = `
groups:
  - name: strangers
    rules:
      - { alert: TooMuchMemory, expr: app_memory_bytes > 100 }
      - { record: "team:memory:max", expr: max by (agent_id) (app_other_bytes) }
      - { alert: TooMuchRecorded, expr: "team:memory:max > 100" }
      - { alert: TooLongQueue, expr: app_queue_length > 100 }
      - { alert: Own, expr: 'agent_heartbeat_age_seconds{agent_id="own-1"} >= 0' }
`;
const policyOf = (name: string, alerts: string, what: string): string => `
name: ${name}
match: ['alertname=~"${alerts}"']
mode: act
${what}
guards: { spare_healthy: false, max_parallel: 10 }
max_attempts: 1
`;
const RESTART = policyOf(
  'restart_it',
  'TooMuch.*|Own|AgentUnresponsive',
  'target: { kind: agent }\nsteps: [{ action: restart, verify: { within: 10s } }]',
);
const SCALE = policyOf(
  'scale_it',
  'TooLongQueue',
  'target: { kind: pool, label: pool_id }\nsteps: [{ action: scale, add: 3, ttl: 1m, release_after: 1m, verify: { within: 10s } }]',
);

const directory = dataDirectory();
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory.path, name), text);
    return join(directory.path, name);
  };
  const config = {
    alerting: { rule_files: [file('rules.yaml', RULES)], disable: ['*'] },
    watchdog: { policy_files: [file('restart.yaml', RESTART), file('scale.yaml', SCALE)], disable: ['*'] },
    fleet: { pools: [poolOf('victims', 9), poolOf('own', 1), poolOf('loud', 2)] },
  };
  server = await OmoiServer.start(directory.path, { configFile: file('omoi.yaml', JSON.stringify(config)) });
  admin = new Client(() => server.url, server.adminToken);
  for (const agentId of ['victims-9', 'own-1', 'loud-2']) {
    await until(async () => (await generationOf(agentId)) !== null, `${agentId} is there`);
  }
});
afterAll(async () => {
  for (const { pid } of workersOf(server)) process.kill(pid, 'SIGKILL');
  await server.stop();
  directory.remove();
});

function poolOf(id: string, desired: number): object {
  const flags = ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning'];
  const command = [process.execPath, ...flags, WORKER];
  return { id, command, desired, max: 9, phase_id: 'PHASE_TESTING', grace: '1s' };
}

async function generationOf(agentId: string): Promise<number | null> {
  const { status, body } = await admin.call(`/api/v1/fleet/agents/${agentId}`);
  return status === 404 ? null : (body as { readonly generation: number }).generation;
}

const secrets = new Map<string, string>();

async function tokenOf(role: string, more: object = {}): Promise<string> {
  const name = `${role} ${JSON.stringify(more)}`;
  const known = secrets.get(name);
  if (known !== undefined) return known;
  const { secret } = await admin.makeToken({ name, role, ...more });
  secrets.set(name, secret);
  return secret;
}

type Labels = Readonly<Record<string, string>>;

async function remoteWrite(token: string | null, name: string, labels: Labels): Promise<void> {
  expect(await answerTo(token, name, labels)).toEqual([204, '']);
}

/** Status and text. */
async function answerTo(
  token: string | null,
  name: string,
  labels: Labels,
): Promise<readonly [number, string]> {
  const samples = [{ timestampMs: Date.now(), value: 999 }];
  const sorted = Object.entries({ __name__: name, ...labels }).sort(([a], [b]) => (a < b ? -1 : 1));
  const answer = await fetch(`${server.url}/prometheus/api/v1/write`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      ...(token !== null && { authorization: `Bearer ${token}` }),
    },
    body: Buffer.from(snappy(encodeWriteRequest([{ labels: sorted, samples }]))),
  });
  return [answer.status, await answer.text()];
}

async function otlp(token: string | null, name: string, labels: Labels): Promise<void> {
  const attributes = Object.entries(labels).map(([key, value]) => ({ key, value: { stringValue: value } }));
  const dataPoints = [{ timeUnixNano: `${Date.now()}000000`, asInt: 999, attributes }];
  const metrics = [{ name, gauge: { dataPoints } }];
  const body = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
  const answer = await admin.as(token).call('/v1/metrics', { method: 'POST', body });
  expect([answer.status, answer.body]).toEqual([200, {}]);
}

/** A forged alert, as Prometheus would post it. */
async function post(token: string | null, agentId: string): Promise<void> {
  const labels = { alertname: 'AgentUnresponsive', agent_id: agentId, severity: 'error' };
  const body = [{ labels, annotations: { summary: 'forged' } }];
  const answer = await admin.as(token).call('/alertmanager/api/v2/alerts', { method: 'POST', body });
  expect([answer.status, answer.body]).toEqual([200, null]);
}

interface Remediation {
  readonly state: string;
  readonly target: { readonly id: string };
  readonly actions: readonly unknown[];
  readonly suppressions: readonly { readonly guard: string; readonly reason: string }[];
}

async function remediationsOf(targetId: string): Promise<readonly Remediation[]> {
  const path = `/api/v1/watchdog/remediations?target_id=${targetId}`;
  return (await admin.read<{ remediations: readonly Remediation[] }>(path)).remediations;
}

/** The reason for which a repair of the target is held back that was planned all the same. */
function refusalOf(targetId: string): Promise<string> {
  return until(async () => {
    const [remediation] = await remediationsOf(targetId);
    return remediation?.suppressions.find(({ guard }) => guard === 'not_authorized')?.reason;
  }, `${targetId} is not acted on`);
}

async function desiredOf(poolId: string): Promise<number> {
  return (await admin.read<{ effective: number }>(`/api/v1/fleet/pools/${poolId}`)).effective;
}

describe('an alert that fires over what somebody else has sent does nothing to', () => {
  it.each<[string, string, () => Promise<void>, RegExp]>([
    [
      'an agent, without a token',
      'victims-1',
      () => remoteWrite(null, 'app_memory_bytes', { agent_id: 'victims-1' }),
      /what somebody without a token sent, who may not speak for agent victims-1.*--speaks-for agent=victims-1/,
    ],
    [
      'an agent, by an ingest token',
      'victims-2',
      async () => otlp(await tokenOf('ingest'), 'app_memory_bytes', { agent_id: 'victims-2' }),
      /what token:ingest \{\} sent/,
    ],
    [
      'an agent, by what a rule has recorded of it',
      'victims-3',
      () => remoteWrite(null, 'app_other_bytes', { agent_id: 'victims-3' }),
      /somebody without a token/,
    ],
    [
      'an agent, by a token that speaks for another',
      'victims-4',
      async () =>
        remoteWrite(await tokenOf('ingest', { speaks_for: { agents: ['victims-5'] } }), 'app_memory_bytes', {
          agent_id: 'victims-4',
        }),
      /token:ingest/,
    ],
    [
      "another's pool, by its name in what an agent sends of itself",
      'victims',
      async () => {
        const token = await tokenOf('agent', { scope: { agent_ids: ['loud-2'] } });
        await otlp(token, 'app_queue_length', { pool_id: 'victims' });
      },
      /what agent:loud-2 sent, who may not speak for pool victims/,
    ],
    [
      'an agent, posted without a token',
      'victims-6',
      () => post(null, 'victims-6'),
      /the alert was posted by somebody without a token, who may not speak for agent victims-6/,
    ],
    [
      'an agent, posted by an ingest token',
      'victims-7',
      async () => post(await tokenOf('ingest'), 'victims-7'),
      /posted by token:ingest \{\}, who may not speak/,
    ],
    [
      'an agent, posted by a token that speaks for another pool',
      'victims-8',
      async () => post(await tokenOf('ingest', { speaks_for: { pools: ['loud'] } }), 'victims-8'),
      /posted by token:ingest .*loud.*, who may not speak/,
    ],
  ])('%s', async (_name, targetId, send, reason) => {
    await send();
    expect(await refusalOf(targetId)).toMatch(reason);
    const [remediation] = await remediationsOf(targetId);
    expect(remediation).toMatchObject({ state: 'planned', actions: [] });
    const alerts = await admin.read<{ alerts: readonly { labels: Labels }[] }>('/api/v1/alerts?state=firing');
    expect(alerts.alerts.map(({ labels }) => labels['agent_id'] ?? labels['pool_id'])).toContain(targetId);
  });
});

describe('an alert acts that fires over what was sent by', () => {
  it.each<[string, string, () => Promise<void>]>([
    ['Omoi itself', 'own-1', () => Promise.resolve()],
    [
      'the agent itself',
      'loud-1',
      async () => {
        const token = await tokenOf('agent', { scope: { agent_ids: ['loud-1'] } });
        await otlp(token, 'app_memory_bytes', { agent_id: 'loud-1' });
      },
    ],
    [
      'a token that speaks for it, as the command line makes it',
      'victims-5',
      async () => {
        const of = ['token', '--data-directory', directory.path, 'create', 'exporter'];
        const made = await omoi([...of, '--role', 'ingest', '--speaks-for', 'agent=victims-5']);
        expect(made.stderr).toContain('shown this once');
        await remoteWrite(made.stdout.trim(), 'app_memory_bytes', { agent_id: 'victims-5' });
      },
    ],
    [
      'who posts it and speaks for the agent, whoever posts it beside',
      'victims-9',
      async () => {
        await post(await tokenOf('ingest', { speaks_for: { agents: ['victims-9'] } }), 'victims-9');
        await post(null, 'victims-9');
      },
    ],
  ])('%s', async (_name, agentId, send) => {
    await send();
    await until(async () => ((await generationOf(agentId)) ?? 0) >= 2, `${agentId} is restarted`);
  });
});

it('after all that the others run as they did', async () => {
  for (const agentId of [...[1, 2, 3, 4, 6, 7, 8].map((at) => `victims-${at}`), 'loud-2']) {
    expect([agentId, await generationOf(agentId)]).toEqual([agentId, 1]);
  }
  expect(await desiredOf('victims')).toBe(9);
});

it('agents post no alerts', async () => {
  const client = admin.as(await tokenOf('agent', { scope: { pool_id: 'loud' } }));
  const body = [{ labels: { alertname: 'AgentUnresponsive', agent_id: 'victims-8' } }];
  const answer = await client.call('/alertmanager/api/v2/alerts', { method: 'POST', body });
  expect(answer.status).toBe(403);
});

it('a series of one token takes nothing from another', async () => {
  const token = await tokenOf('ingest', { speaks_for: { agents: ['victims-2'] } });
  const answer = await answerTo(token, 'app_memory_bytes', { agent_id: 'victims-2' });
  expect(answer).toEqual([400, expect.stringContaining('series_owned')]);
  expect(await generationOf('victims-2')).toBe(1);
});

it('omoi policies check names the policies that a stranger could set off, and fails', async () => {
  const config = join(directory.path, 'omoi.yaml');
  const { status, stdout } = await omoi(['policies', 'check', '--config', config]);
  expect([status, stdout.match(/^policy \S+ \(act\): rule strangers\/\S+ reads \S+/gm)]).toEqual([
    1,
    [
      'policy restart_it (act): rule strangers/TooMuchMemory reads app_memory_bytes,',
      'policy restart_it (act): rule strangers/TooMuchRecorded reads team:memory:max,',
      'policy scale_it (act): rule strangers/TooLongQueue reads app_queue_length,',
    ],
  ]);
  expect((await omoi(['policies', 'check'])).status).toBe(0);
});
