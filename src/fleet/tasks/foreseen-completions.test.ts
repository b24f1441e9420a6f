import { expect, it } from 'vitest';
import { claimOf, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';

// Completions are written as memory knows the claims; what it does not know yet is found out by the commit.

const running = useTestFleet();

async function claimed(...agentIds: readonly string[]): Promise<readonly string[]> {
  const { agents, tasks } = running.fleet;
  const taskIds: string[] = [];
  for (const agentId of agentIds) {
    await agents.register(registration(agentId));
    await tasks.enqueue([task()], null);
    const [held] = await tasks.claim(claimOf(agentId));
    taskIds.push(held?.task_id ?? '');
  }
  return taskIds;
}

/** Written behind the server's back: what a commit has changed that memory does not follow yet. */
const startNext = (agentId: string): Promise<unknown> =>
  running.database.transaction((tx) =>
    tx.db.updateTable('agents').set({ generation: 2 }).where('agent_id', '=', agentId).execute(),
  );

const complete = (agentId: string, taskId: string, attempt: number | null = 1) =>
  running.fleet.tasks.complete({ ...heldBy(agentId, taskId), attempt }, '{"done":true}');

it('answers with the row, and tells of it as a question before the commit would', async () => {
  const [taskId = ''] = await claimed('a');
  await running.clock.advance(2500);
  const done = await complete('a', taskId);
  expect(done).toMatchObject({ state: 'completed', result: '{"done":true}', attempt: 1 });
  expect(await running.fleet.tasks.get(taskId)).toEqual(done);
  expect(await running.events('fleet.task.completed')).toEqual([
    {
      task_id: taskId,
      task_type: done.task_type,
      phase_id: done.phase_id,
      agent_id: 'a',
      generation: 1,
      duration_ms: 2500,
    },
  ]);
});

it.each([
  ['a holder that was followed, which memory does not know yet', 1],
  ['one that does not say which attempt it is', null],
])('refuses %s, changes nothing and says so in an event', async (_who, attempt) => {
  const [taskId = ''] = await claimed('a');
  await startNext('a');
  await expect(complete('a', taskId, attempt)).rejects.toMatchObject({ code: 'generation_superseded' });
  expect(await running.fleet.tasks.get(taskId)).toMatchObject({ state: 'claimed', result: null });
  expect(await running.events('fleet.task.completed')).toEqual([]);
  expect(await running.events('fleet.task.refused')).toMatchObject([{ task_id: taskId }]);
});

it('completes those of several that are held, whatever of the others is not as memory says', async () => {
  const taskIds = await claimed('a', 'b', 'c');
  await startNext('b');
  const outcomes = await Promise.allSettled(
    ['a', 'b', 'c'].flatMap((agentId, at) => [
      complete(agentId, taskIds[at] ?? ''),
      // Said twice at once, it is done once.
      complete(agentId, taskIds[at] ?? ''),
    ]),
  );
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
  expect(await running.events('fleet.task.completed')).toMatchObject([
    { task_id: taskIds[0] },
    { task_id: taskIds[2] },
  ]);
});
