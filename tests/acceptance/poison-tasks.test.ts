import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLong } from '../long-tests.ts';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

// Several tasks at once end whoever has them: the tasks are given up, and no worker.

const WORKER = fileURLToPath(new URL('support/poisoned-worker.ts', import.meta.url));
const WORKERS = 5;
const POISON_TASKS = 4;
const GOOD_TASKS = 40;
const TASK_ATTEMPTS = 3;
/** Some 30 s, and room for a busy machine. */
const DONE_WITHIN_MS = 240_000;

const POLICY = `
name: restart_failed_agent
match: ['alertname="AgentFailed"']
mode: act
target: { kind: agent, label: agent_id }
steps:
  - action: restart
    verify: { within: 20s }
guards: { cooldown: 500ms }
max_attempts: 3
guardian: operators
`;

describe.runIf(isLong)('several tasks that end whoever has them', () => {
  const data = dataDirectory();
  let server: OmoiServer;
  let admin: Client;

  beforeAll(async () => {
    const policies = join(data.path, 'policies');
    mkdirSync(policies);
    writeFileSync(join(policies, 'failed.yaml'), POLICY);
    const configFile = join(data.path, 'omoi.json');
    const pool = {
      id: 'workers',
      command: [
        process.execPath,
        '--conditions=omoi-source',
        '--disable-warning=ExperimentalWarning',
        WORKER,
      ],
      desired: WORKERS,
      max: WORKERS,
      heartbeat_interval: '500ms',
      grace: '500ms',
    };
    const config = {
      watchdog: { policy_files: [policies], disable: ['*'] },
      fleet: { pools: [pool] },
    };
    writeFileSync(configFile, JSON.stringify(config));
    server = await OmoiServer.start(data.path, { configFile });
    admin = new Client(() => server.url, server.adminToken);
  });

  afterAll(async () => {
    await admin.call('/api/v1/fleet/pools/workers', { method: 'DELETE' });
    await until(
      async () => (await admin.read<{ pools: unknown[] }>('/api/v1/fleet/pools')).pools.length === 0,
      'the pool has ended',
    );
    await server.stop();
    data.remove();
  });

  /** How many tasks have come to an end of that kind. */
  async function countOf(end: 'completed' | 'parked'): Promise<number> {
    const events = await admin.events(`fleet.task.${end}`);
    return new Set(events.map(({ entity_id: taskId }) => taskId)).size;
  }

  async function enqueue(count: number, payload: object, priority: number): Promise<void> {
    for (let enqueued = 0; enqueued < count; enqueued++) {
      const task = {
        task_type: 'fetch',
        phase_id: 'PHASE_TESTING',
        priority,
        payload,
        max_attempts: TASK_ATTEMPTS,
      };
      await admin.read('/api/v1/fleet/tasks', { method: 'POST', body: task });
    }
  }

  it(
    'are parked, all good ones are done, and no worker is given up',
    { timeout: DONE_WITHIN_MS + 60_000 },
    async () => {
      await enqueue(WORKERS, {}, 5);
      // Losses right after a start are held against no task.
      const startedAt = performance.now();
      await until(
        async () => (await countOf('completed')) === WORKERS && performance.now() - startedAt > 10_000,
        'the workers have worked for a while',
        60_000,
      );
      await enqueue(POISON_TASKS, { poison: true }, 9);
      await enqueue(GOOD_TASKS, { work_ms: 200 }, 5);
      await until(
        async () => (await countOf('parked')) === POISON_TASKS,
        'the poison tasks are parked',
        DONE_WITHIN_MS,
      );
      await until(
        async () => (await countOf('completed')) === WORKERS + GOOD_TASKS,
        'the good tasks are done',
        DONE_WITHIN_MS,
      );
      const wellWorkers = async (): Promise<number> => {
        const { agents } = await admin.read<{ agents: { status: string }[] }>('/api/v1/fleet/agents');
        return agents.filter(({ status }) => status === 'IDLE' || status === 'RUNNING').length;
      };
      await until(async () => (await wellWorkers()) === WORKERS, 'all workers are well', 60_000);
      expect(await admin.events('watchdog.escalated')).toEqual([]);
      const orders = await admin.events('fleet.agent.restart_requested');
      // What goes with many at once is held against no task: as often again, at most.
      expect(orders.length).toBeLessThanOrEqual(2 * POISON_TASKS * TASK_ATTEMPTS);
    },
  );
});
