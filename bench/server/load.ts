import { Connection } from './connection.ts';

const TASKS_PER_BATCH = 500;
/** What the agents' token may speak for. */
export const BENCH_POOL = 'bench';

export interface Rates {
  readonly agents: number;
  readonly heartbeats_per_second: number;
  readonly heartbeat_p99_ms: number;
  readonly tasks_per_second: number;
  readonly task_p99_ms: number;
}

export interface LoadOptions {
  readonly url: string;
  readonly token: string;
  readonly agents: number;
  readonly forMs: number;
  /** Enough of them that the queue does not run empty. */
  readonly tasks: number;
}

interface SimulatedAgent {
  readonly id: string;
  readonly connection: Connection;
  sequence: number;
}

/** What the server bears of agents that each keep one connection and one request in flight. */
export async function measureRates({ url, token, agents: count, forMs, tasks }: LoadOptions): Promise<Rates> {
  const agents: SimulatedAgent[] = [];
  for (let number = 0; number < count; number++) {
    const id = `bench-${count}-${number}`;
    const connection = await Connection.open(url, token);
    const registration = {
      agent_id: id,
      agent_type: 'worker',
      pool_id: BENCH_POOL,
      nonce: `nonce-of-${id}`,
      ...PACE,
    };
    await connection.post('/api/v1/fleet/agents', JSON.stringify(registration));
    agents.push({ id, connection, sequence: 0 });
  }
  const heartbeats = await inLoop(agents, forMs, beat);
  await enqueue(agents, tasks);
  const settled = await inLoop(agents, forMs, claimAndComplete);
  for (const { connection } of agents) connection.close();
  return {
    agents: count,
    heartbeats_per_second: heartbeats.perSecond,
    heartbeat_p99_ms: heartbeats.p99Ms,
    tasks_per_second: settled.perSecond,
    task_p99_ms: settled.p99Ms,
  };
}

/** The ladder is not what is measured here: nobody is to be found late. */
const PACE = { heartbeat_interval_ms: 60_000, heartbeat_ttl_ms: 600_000 };

async function beat(agent: SimulatedAgent): Promise<boolean> {
  const body = `{"generation":1,"sequence":${++agent.sequence}}`;
  await agent.connection.post(`/api/v1/fleet/agents/${agent.id}/heartbeat`, body);
  return true;
}

async function claimAndComplete({ id, connection }: SimulatedAgent): Promise<boolean> {
  const holder = `"agent_id":"${id}","generation":1`;
  const answer = await connection.post('/api/v1/fleet/tasks/claim', `{${holder}}`);
  // The answer is the server's own.
  const { tasks } = JSON.parse(answer) as { tasks: { task_id: string }[] };
  const [task] = tasks;
  if (!task) return false;
  await connection.post(`/api/v1/fleet/tasks/${task.task_id}/complete`, `{${holder},"result":{"done":true}}`);
  return true;
}

async function enqueue(agents: readonly SimulatedAgent[], count: number): Promise<void> {
  const task = { task_type: 'bench', phase_id: 'PHASE_IMPLEMENTATION', payload: { file: 'a' } };
  const body = JSON.stringify({ tasks: Array.from({ length: TASKS_PER_BATCH }, () => task) });
  for (let enqueued = 0; enqueued < count; enqueued += TASKS_PER_BATCH) {
    await agents[0]?.connection.post('/api/v1/fleet/tasks/batch', body);
  }
}

/** Every agent does `step` over and over; what was done in the time counts. Ends early when nothing is left. */
async function inLoop(
  agents: readonly SimulatedAgent[],
  forMs: number,
  step: (agent: SimulatedAgent) => Promise<boolean>,
): Promise<{ readonly perSecond: number; readonly p99Ms: number }> {
  const durationsMs: number[] = [];
  const startedMs = performance.now();
  const endsMs = startedMs + forMs;
  await Promise.all(
    agents.map(async (agent) => {
      for (let now = performance.now(); now < endsMs;) {
        if (!(await step(agent))) return;
        const done = performance.now();
        durationsMs.push(done - now);
        now = done;
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  durationsMs.sort((a, b) => a - b);
  return {
    perSecond: Math.round(durationsMs.length / seconds),
    p99Ms: Number((durationsMs[Math.floor(durationsMs.length * 0.99)] ?? 0).toFixed(1)),
  };
}
