// The process of the load generator: one job after the other, told over its channel. Each agent has a connection of
// its own, with one request in flight.
import { setTimeout as delay } from 'node:timers/promises';
import { Connection, RefusedRequest } from '../load/connection.ts';
import { Recorder } from '../load/recorder.ts';
import { everySoOften } from '../load/schedule.ts';
import { BENCH_POOL, type Job, type JobResult, type Work } from './job.ts';

interface SimulatedAgent {
  readonly id: string;
  readonly connection: Connection;
  sequence: number;
  /** When what is due for it was due; the first of them is under way. */
  readonly due: number[];
}

/** New for each job: what one left unanswered is not the next one's. */
let claims = new Recorder();
let requests = new Recorder();

/** The ladder of silence is not what is measured here: nobody is to be found late. */
const PACE = { heartbeat_interval_ms: 60_000, heartbeat_ttl_ms: 600_000 };
const REGISTERED_AT_ONCE = 32;

async function connectAgents({ url, token, agents: count, work }: Job): Promise<readonly SimulatedAgent[]> {
  const agents: SimulatedAgent[] = [];
  for (let number = 0; number < count; number++) {
    const connection = await Connection.open(url, token);
    agents.push({ id: `bench-${number}`, connection, sequence: Date.now(), due: [] });
  }
  if (work.kind === 'query') return agents;
  const rest = agents.values();
  const registering = Array.from({ length: REGISTERED_AT_ONCE }, async () => {
    for (const agent of rest) await register(agent.connection, agent.id);
  });
  await Promise.all(registering);
  if (work.kind === 'heartbeats') await registerHosts(agents, work.agentsOfHost);
  return agents;
}

async function register(connection: Connection, id: string): Promise<void> {
  const registration = {
    agent_id: id,
    agent_type: 'worker',
    pool_id: BENCH_POOL,
    nonce: `nonce-of-${id}`,
    ...PACE,
  };
  await connection.post('/api/v1/fleet/agents', JSON.stringify(registration)).catch((error: unknown) => {
    // What is being measured without agents (a bare route) knows none.
    if (!(error instanceof RefusedRequest && error.status === 404)) throw error;
  });
}

/** Each connection then stands for a host with so many agents. */
async function registerHosts(hosts: readonly SimulatedAgent[], agentsOfHost: number): Promise<void> {
  for (const host of hosts) {
    for (let number = 1; number < agentsOfHost; number++)
      await register(host.connection, agentOfHost(host, number));
  }
}

const agentOfHost = ({ id }: SimulatedAgent, number: number): string =>
  number === 0 ? id : `${id}.${number}`;

/** @returns how many heartbeats, tasks or queries it was */
async function doOnce(agent: SimulatedAgent, work: Work, dueMs: number): Promise<number> {
  const { id, connection } = agent;
  switch (work.kind) {
    case 'heartbeat': {
      const body = `{"generation":1,"sequence":${++agent.sequence}}`;
      await connection.post(`/api/v1/fleet/agents/${id}/heartbeat`, body);
      return 1;
    }
    case 'heartbeats': {
      const sequence = ++agent.sequence;
      const beats = Array.from(
        { length: work.agentsOfHost },
        (_, number) => `{"agent_id":"${agentOfHost(agent, number)}","generation":1,"sequence":${sequence}}`,
      );
      await connection.post('/api/v1/fleet/agents/heartbeats', `{"heartbeats":[${beats.join(',')}]}`);
      return work.agentsOfHost;
    }
    case 'claim_and_complete': {
      const holder = `"agent_id":"${id}","generation":1`;
      const settle = claims.due(dueMs);
      const answer = await connection.post(
        '/api/v1/fleet/tasks/claim',
        `{${holder},"max_tasks":${work.upTo}}`,
      );
      settle('answered');
      // The answer is the server's own.
      const { tasks } = JSON.parse(answer) as { tasks: { task_id: string }[] };
      if (work.completed === 'together') {
        const results = tasks.map(({ task_id: task }) => `{"task_id":"${task}","result":{"done":true}}`);
        if (results.length > 0)
          await completeTogether(connection, `{${holder},"completions":[${results.join(',')}]}`);
        return tasks.length;
      }
      for (const { task_id: task } of tasks) {
        await connection.post(`/api/v1/fleet/tasks/${task}/complete`, `{${holder},"result":{"done":true}}`);
      }
      return tasks.length;
    }
    case 'query':
      await connection.send({ method: 'GET', path: work.path });
      return 1;
  }
}

/** @throws where one of them was refused: an answer of 200 says what became of each */
async function completeTogether(connection: Connection, body: string): Promise<void> {
  const answer = await connection.post('/api/v1/fleet/tasks/complete', body);
  // The answer is the server's own.
  const { completions } = JSON.parse(answer) as { completions: { error?: string }[] };
  const refused = completions.find(({ error }) => error !== undefined);
  if (refused) throw new Error(`a completion was refused: ${refused.error}`);
}

async function run(job: Job): Promise<JobResult> {
  const agents = await connectAgents(job);
  claims = new Recorder();
  requests = new Recorder();
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  let done = 0;
  let failure: unknown = null;
  const once = async (agent: SimulatedAgent, dueMs: number): Promise<void> => {
    const settle = requests.due(dueMs);
    try {
      const count = await doOnce(agent, job.work, dueMs);
      done += count;
      settle('answered');
    } catch (error) {
      failure ??= error;
      settle('failed');
    }
  };
  await (job.pace.kind === 'closed' ? closed(agents, job.forMs, once) : open(agents, job, once));
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const { p50_ms, p99_ms, max_ms, unanswered, failed } = requests.since(startedMs);
  const claimed = claims.since(startedMs);
  for (const { connection } of agents) connection.close();
  if (failure instanceof Error && done === 0) throw failure;
  return {
    done,
    per_second: Math.round(done / seconds),
    p50_ms,
    p99_ms,
    max_ms,
    ...(job.work.kind === 'claim_and_complete' ? { claim_p99_ms: claimed.p99_ms } : {}),
    unanswered,
    failed,
    generator_cpu_seconds: Number(((user + system) / 1e6).toFixed(1)),
  };
}

type Once = (agent: SimulatedAgent, dueMs: number) => Promise<void>;

async function closed(agents: readonly SimulatedAgent[], forMs: number, once: Once): Promise<void> {
  const endsMs = performance.now() + forMs;
  await Promise.all(
    agents.map(async (agent) => {
      while (agent.connection.isOpen && performance.now() < endsMs) await once(agent, performance.now());
    }),
  );
}

/** What is due goes to the agents in turn; one that is busy does it when it is free. */
async function open(agents: readonly SimulatedAgent[], job: Job, once: Once): Promise<void> {
  if (job.pace.kind !== 'open') return;
  let next = 0;
  const schedule = everySoOften(1000 / job.pace.perSecond, (dueMs) => {
    const agent = agents[next++ % agents.length];
    if (!agent) return;
    agent.due.push(dueMs);
    if (agent.due.length === 1) void drain(agent, once);
  });
  await delay(job.forMs);
  schedule.stop();
}

async function drain(agent: SimulatedAgent, once: Once): Promise<void> {
  for (let dueMs = agent.due[0]; dueMs !== undefined; dueMs = agent.due[0]) {
    await once(agent, dueMs);
    agent.due.shift();
  }
}

process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ refused: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
