import { expect, it } from 'vitest';
import { Completions } from './completions.ts';
import type { Answer, ServerLink } from './server-link.ts';

interface Sent {
  readonly path: string;
  readonly body: { readonly completions?: readonly { readonly task_id: string }[] };
  readonly answer: (answer: Answer<unknown>) => void;
}

/** Requests that wait until the test answers them. */
function openLink() {
  const sent: Sent[] = [];
  const link: Pick<ServerLink, 'postUntilDecided'> = {
    postUntilDecided: <Body>(path: string, body: object) =>
      new Promise<Answer<Body>>((resolve) => {
        // The test answers with what the path asks for.
        sent.push({ path, body, answer: (answer) => resolve(answer as Answer<Body>) });
      }),
  };
  const completions = new Completions(link);
  const deliver = (
    taskId: string,
    { generation = 1, result = null }: { generation?: number; result?: unknown } = {},
  ) => completions.deliver({ taskId, claim: { agent_id: 'a', generation, attempt: 1 }, result });
  const next = async (): Promise<Sent> => {
    for (;;) {
      const one = sent.shift();
      if (one) return one;
      await Promise.resolve();
    }
  };
  return { deliver, next, sent };
}

const idsOf = ({ body }: Sent): readonly string[] => (body.completions ?? []).map(({ task_id: id }) => id);
const done = { kind: 'ok', body: {} } as const;

it('sends a lone result at once, and those that come meanwhile together', async () => {
  const { deliver, next } = openLink();
  const all = ['t1', 't2', 't3', 't4'].map((id) => deliver(id));
  const first = await next();
  expect(first.path).toBe('/api/v1/fleet/tasks/t1/complete');
  first.answer(done);
  const group = await next();
  expect([group.path, ...idsOf(group)]).toEqual(['/api/v1/fleet/tasks/complete', 't2', 't3', 't4']);
  const refused = { task_id: 't3', error: 'lease_lost', status: 409, message: 'too late' };
  const completions = [{ task_id: 't2', state: 'completed' }, refused, { task_id: 't4', state: 'completed' }];
  group.answer({ kind: 'ok', body: { completions } });
  expect((await Promise.all(all)).map(({ kind }) => kind)).toEqual(['ok', 'ok', 'refused', 'ok']);
  expect(await all[2]).toMatchObject({ code: 'lease_lost', status: 409, message: 'too late' });
});

it('has each decided about alone where a server refuses them together', async () => {
  const { deliver, next } = openLink();
  const all = ['t1', 't2', 't3'].map((id) => deliver(id));
  (await next()).answer(done);
  (await next()).answer({ kind: 'refused', status: 404, code: 'unknown_route', message: 'older' });
  for (const id of ['t2', 't3']) {
    const alone = await next();
    expect(alone.path).toBe(`/api/v1/fleet/tasks/${id}/complete`);
    alone.answer(done);
  }
  expect((await Promise.all(all)).map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok']);
});

it('keeps generations, and what is too large for one body, apart', async () => {
  const { deliver, next } = openLink();
  void deliver('t0');
  void deliver('t1', { generation: 1 });
  void deliver('t2', { generation: 2, result: 'x'.repeat(400_000) });
  void deliver('t3', { generation: 2, result: 'x'.repeat(400_000) });
  void deliver('t4', { generation: 2 });
  const paths: string[] = [];
  for (let count = 0; count < 4; count++) {
    const one = await next();
    paths.push([one.path.replace('/api/v1/fleet/tasks/', ''), ...idsOf(one)].join(' '));
    const completions = idsOf(one).map((id) => ({ task_id: id, state: 'completed' }));
    one.answer({ kind: 'ok', body: { completions } });
  }
  expect(paths).toEqual(['t0/complete', 't1/complete', 't2/complete', 'complete t3 t4']);
});
