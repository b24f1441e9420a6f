import { afterEach, beforeEach, expect, it } from 'vitest';
import { openFleetApi, type FleetApi } from '../fleet-api.test-support.ts';

let served: FleetApi;
beforeEach(async () => {
  served = await openFleetApi();
});
afterEach(() => served.close());

async function call(path: string, body?: object) {
  const answer = await served.api.app.inject({
    method: body === undefined ? 'GET' : 'POST',
    url: `/api/v1/fleet${path}`,
    headers: served.api.as('operator'),
    ...(body === undefined ? {} : { payload: body }),
  });
  return answer.json<Record<string, unknown>>();
}

const fetsh = { task_type: 'fetsh', phase_id: 'PHASE_TESTING' };
const REASON = 'no living agent claims it (agents claim: "fetch"); did you mean "fetch"?';

it('answers with a task, alone and in a list, that nobody serves it, and no more when it has been claimed', async () => {
  const worker = { agent_id: 'w', agent_type: 'worker', nonce: 'a nonce of mine', capabilities: ['fetch'] };
  await call('/agents', worker);
  const enqueued = await call('/tasks', fetsh);
  expect(enqueued).toMatchObject({
    created: true,
    task: { warnings: [REASON] },
    warnings: [`1 task of type "fetsh" waits: ${REASON}`],
  });
  expect(await call('/tasks', { ...fetsh, task_type: 'fetch' })).toMatchObject({ warnings: [] });
  const batch = await call('/tasks/batch', { tasks: [fetsh, { ...fetsh, task_type: 'fetch' }, fetsh] });
  expect(batch['warnings']).toEqual([`2 tasks of type "fetsh" wait: ${REASON}`]);
  const { tasks } = await call('/tasks');
  expect((tasks as { warnings: unknown }[]).map(({ warnings }) => warnings)).toEqual([
    [REASON],
    [],
    [REASON],
    [],
    [REASON],
  ]);
  const { task } = enqueued as { task: { task_id: string } };
  expect(await call(`/tasks/${task.task_id}`)).toMatchObject({ warnings: [REASON] });
  await call('/tasks/claim', { agent_id: 'w', generation: 1, task_types: ['fetsh'] });
  expect(await call(`/tasks/${task.task_id}`)).toMatchObject({ state: 'claimed', warnings: [] });
  const { tasks: rest } = await call('/tasks');
  expect((rest as { warnings: string[] }[]).flatMap(({ warnings }) => warnings)).toEqual([]);
});
