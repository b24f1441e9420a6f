import { afterEach, beforeEach, expect, it } from 'vitest';
import { definePool } from '#telemetry';
import { claimOf, registration, task, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { TaskRow } from '../tasks/task-row.ts';
import { maxOutputWaitMs } from './last-outputs.ts';
import type { Pools } from './pools.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

// What the last holder of a parked task put out is kept, also where the task was parked while nobody wrote that down.

const AGENT = 'coders-1';
const ASKED = { reason: 'test', by: 'tester', traceparent: null };

const test = useTestFleet({ threads: 'one' });
let machine: MemoryMachine;
let pools: Pools;

const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilTrue(test.clock, condition);
const spawned = async (): Promise<number> => (await test.events('fleet.agent.spawned')).length;
const read = (taskId: string): Promise<TaskRow> => test.fleet.tasks.get(taskId);

/** A task whose holder ends over it, at its last attempt. */
async function park(): Promise<string> {
  const [queued] = await test.fleet.tasks.enqueue([task({ maxAttempts: 1 })], null);
  const [claimed] = await test.fleet.tasks.claim(claimOf(AGENT, { leaseMs: 600_000 }));
  expect(claimed?.task_id).toBe(queued?.task.task_id);
  await test.database.transaction((tx) =>
    test.fleet.generations.recordExit(tx, {
      agentId: AGENT,
      generation: 1,
      exitCode: 1,
      signal: null,
      asked: null,
      once: false,
      traceparent: null,
    }),
  );
  const taskId = claimed?.task_id ?? '';
  expect(await read(taskId)).toMatchObject({ state: 'parked' });
  return taskId;
}

beforeEach(async () => {
  machine = new MemoryMachine();
  pools = openTestPools(test, { machine });
  await pools.start();
  await pools.create(definePool({ id: 'coders', command: ['run'], desired: 1, max: 1 }), ASKED);
  await until(async () => (await spawned()) === 1);
  const nonce = machine.starts[0]?.nonce ?? '';
  await test.fleet.agents.register(registration(AGENT, { generation: 1, nonce }));
  // Losses right after the start are held against nobody.
  await test.clock.advance(10_000);
  await until(() => test.fleet.agents.get(AGENT)?.moving === false);
});

afterEach(() => pools.close());

it('at once, where it is parked while Omoi runs', async () => {
  const taskId = await park();
  await until(async () => (await read(taskId)).last_output !== null);
  expect((await read(taskId)).last_output).toBe('ready');
});

it('at the next start, where Omoi ended before it was written down', async () => {
  await pools.close();
  const taskId = await park();
  expect((await read(taskId)).last_output).toBeNull();
  pools = openTestPools(test, { machine });
  await pools.start();
  await until(async () => (await read(taskId)).last_output !== null);
  expect((await read(taskId)).last_output).toBe('ready');
});

it('also where its holder has been replaced meanwhile, and its unit is forgotten', async () => {
  await pools.close();
  const taskId = await park();
  await test.database.transaction((tx) =>
    tx.db.deleteFrom('agent_units').where('agent_id', '=', AGENT).execute(),
  );
  pools = openTestPools(test, { machine });
  await pools.start();
  await until(async () => (await read(taskId)).last_output !== null);
  expect((await read(taskId)).last_output).toBe('ready');
});

it('once, where it put out nothing: others that were parked come to their turn', async () => {
  await pools.close();
  const taskId = await park();
  const [quiet] = await test.fleet.tasks.enqueue([task({})], null);
  const quietId = quiet?.task.task_id ?? '';
  await test.database.transaction((tx) =>
    tx.db
      .updateTable('tasks')
      .set({ state: 'parked', parked_at_ms: 1, agent_id: 'stranger', generation: 1 })
      .where('task_id', '=', quietId)
      .execute(),
  );
  pools = openTestPools(test, { machine });
  await pools.start();
  await until(async () => (await read(quietId)).last_output !== null);
  expect([(await read(taskId)).last_output, (await read(quietId)).last_output]).toEqual(['ready', '']);
});

it('of its last holder only: nothing of an earlier one stays when it is queued again', async () => {
  const taskId = await park();
  await until(async () => (await read(taskId)).last_output !== null);
  await test.fleet.tasks.retry(taskId, { by: 'ann', traceparent: null });
  expect(await read(taskId)).toMatchObject({ state: 'queued', last_output: null });
});

it('never of a task that somebody has queued again meanwhile', async () => {
  await pools.close();
  const taskId = await park();
  await test.fleet.tasks.retry(taskId, { by: 'ann', traceparent: null });
  pools = openTestPools(test, { machine });
  await pools.start();
  await pools.close();
  expect(await read(taskId)).toMatchObject({ state: 'queued', last_output: null });
});

it('with its generation too, whatever ends that, of the newest five', async () => {
  const outputs = async (): Promise<readonly (string | null)[]> => {
    const generations = await test.fleet.directory.generations(AGENT, 20);
    return generations.map((one) => one.last_output);
  };
  const ended = async (count: number): Promise<boolean> =>
    (await test.events('fleet.agent.exited')).length === count;
  machine.end(machine.pidOf(AGENT), { signal: 'SIGKILL' });
  await until(() => ended(1));
  expect(await outputs()).toEqual(['ready']);
  for (let restarts = 1; restarts <= 5; restarts++) {
    await pools.restart({ ...ASKED, agentId: AGENT, expectedGeneration: restarts });
    await until(async () => (await spawned()) === restarts + 1);
    machine.end(machine.pidOf(AGENT), { exitCode: restarts });
    await until(() => ended(restarts + 1));
  }
  expect(await outputs()).toEqual(['ready', 'ready', 'ready', 'ready', 'ready', null]);
});

it('and never holds its end up where it can’t be read', async () => {
  machine.answersOutput = false;
  machine.end(machine.pidOf(AGENT), { signal: 'SIGKILL' });
  await test.clock.advance(maxOutputWaitMs);
  await until(async () => (await test.events('fleet.agent.exited')).length === 1);
  const generations = await test.fleet.directory.generations(AGENT, 2);
  const ended = generations.find(({ generation }) => generation === 1);
  expect(ended).toMatchObject({ last_output: null, exit_signal: 'SIGKILL' });
});
