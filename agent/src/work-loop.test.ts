import { describe, expect, it } from 'vitest';
import type { CompletionsRequest, Refusal } from './index.ts';
import type { Script } from './scripted-server.test-support.ts';
import { held, refusal, useTestAgents } from './agent.test-support.ts';

const stage = useTestAgents();
const { open } = stage;

describe('work', () => {
  it('claims, works and completes, as many at once as it may', async () => {
    let busy = 0;
    let busiest = 0;
    const gate = held();
    open().work(
      async (task) => {
        busiest = Math.max(busiest, ++busy);
        await gate.handler();
        busy -= 1;
        return { echo: task.payload };
      },
      { concurrency: 2, taskTypes: ['fetch'], phaseIds: ['PHASE_IMPLEMENTATION'] },
    );
    stage.server.offer('t1', 't2', 't3');
    await stage.server.until(() => busy === 2);
    gate.release();
    await stage.server.until(() => stage.server.of('complete').length === 3);
    expect(busiest).toBe(2);
    expect(stage.server.of('claim')[0]?.body).toMatchObject({
      agent_id: 'coders-1',
      generation: 1,
      max_tasks: 2,
      task_types: ['fetch'],
      phase_ids: ['PHASE_IMPLEMENTATION'],
    });
    expect(stage.server.of('complete')[0]).toMatchObject({
      path: '/api/v1/fleet/tasks/t1/complete',
      body: { agent_id: 'coders-1', generation: 1, attempt: 1, result: { echo: { id: 't1' } } },
    });
  });

  it.each<[string, () => unknown, string]>([
    ['throws', () => Promise.reject(new TypeError('no such file')), 'TypeError: no such file'],
    ['returns what is no JSON', () => ({ size: 1n }), 'BigInt'],
  ])('fails the attempt when the handler %s', async (_, handler, message) => {
    open().work(handler);
    stage.server.offer('t1');
    await stage.server.until(() => stage.server.of('fail').length === 1);
    expect(stage.server.of('fail')[0]?.body['error']).toContain(message);
    expect(stage.server.of('complete')).toEqual([]);
  });

  it('renews the lease while it works', async () => {
    const gate = held();
    open().work(gate.handler);
    stage.server.offer('t1');
    await stage.server.until(() => stage.server.of('renew').length >= 3);
    gate.release();
    await stage.server.until(() => stage.server.of('complete').length === 1);
    expect(stage.server.of('renew')[0]?.body).toEqual({ agent_id: 'coders-1', generation: 1, attempt: 1 });
  });

  it('reports how far the work is, and says whether that is kept', async () => {
    const kept: boolean[] = [];
    const circle: Record<string, unknown> = {};
    circle['itself'] = circle;
    stage.server.script = {
      renew: ({ body }) =>
        body['progress'] === 'too much' ? refusal('body_too_large', 413)() : { body: {} },
    };
    open().work(async (_, { report }) => {
      for (const progress of [{ page: 1 }, undefined, 'too much', circle]) kept.push(await report(progress));
    });
    stage.server.offer('t1');
    await stage.server.until(() => stage.server.of('complete').length === 1);
    expect(kept).toEqual([true, true, false, false]);
    const claim = { agent_id: 'coders-1', generation: 1, attempt: 1 };
    expect(stage.server.of('renew').map(({ body }) => body)).toEqual([
      { ...claim, progress: { page: 1 } },
      { ...claim, progress: null },
      { ...claim, progress: 'too much' },
    ]);
    expect(stage.errors).toHaveLength(2);
  });

  it('aborts work whose lease is lost, drops it, and goes on with the next', async () => {
    const refusals: Refusal[] = [];
    let reason: unknown;
    stage.server.script = {
      renew: ({ path }) => (path.includes('t1') ? refusal('lease_lost')() : { body: {} }),
    };
    open().work(
      (task, { signal }) =>
        task.task_id === 't2'
          ? 'done'
          : new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                reason = signal.reason;
                reject(signal.reason);
              });
            }),
      {
        onRefused(refused) {
          refusals.push(refused);
          throw new Error('the host’s own mistake');
        },
      },
    );
    stage.server.offer('t1', 't2');
    await stage.server.until(() => stage.server.of('complete').length === 1);
    expect(refusals).toMatchObject([{ operation: 'renew', code: 'lease_lost', task: { task_id: 't1' } }]);
    expect(reason).toMatchObject({ code: 'lease_lost' });
    expect(stage.server.of('fail')).toEqual([]);
  });

  it('aborts at its time limit the work of one task alone, long before its lease would be renewed', async () => {
    stage.server.leaseMs = 3_600_000;
    stage.server.timeLimitsMs.set('slow', 50);
    stage.server.script = { renew: refusal('lease_lost') };
    const gate = held();
    const signals = new Map<string, AbortSignal>();
    open().work(
      (task, { signal }) => {
        signals.set(task.task_id, signal);
        if (task.task_id !== 'slow') return gate.handler();
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      { concurrency: 2 },
    );
    stage.server.offer('slow', 'beside');
    await stage.server.until(() => signals.get('slow')?.aborted === true);
    expect(signals.get('slow')?.reason).toMatchObject({ code: 'lease_lost' });
    expect(stage.server.of('renew').map(({ path }) => path)).toEqual(['/api/v1/fleet/tasks/slow/renew']);
    expect(signals.get('beside')?.aborted).toBe(false);
    stage.server.offer('next');
    await stage.server.until(() => signals.has('next'));
    gate.release();
    await stage.server.until(() => stage.server.of('complete').length === 2);
    expect(stage.server.of('fail')).toEqual([]);
  });

  it('tells of a refused completion and does not repeat it', async () => {
    const refusals: Refusal[] = [];
    stage.server.script = { complete: refusal('lease_lost') };
    open().work(() => 'late', { onRefused: (refused) => refusals.push(refused) });
    stage.server.offer('t1', 't2');
    await stage.server.until(() => refusals.length === 2);
    expect(stage.server.of('complete').length).toBe(2);
    expect(refusals[0]).toMatchObject({ operation: 'complete', code: 'lease_lost' });
  });

  describe('whose results come while another is being delivered', () => {
    /** Four tasks end while the completion of `t1` is under way; `completions` is what the server says of the others. */
    async function endTogether(completions: Script['completions']): Promise<readonly Refusal[]> {
      const refusals: Refusal[] = [];
      const first = held();
      const ended: string[] = [];
      stage.server.script = {
        complete: ({ path }) => (path.includes('/t1/') ? first.handler().then(() => ({})) : {}),
        completions,
      };
      open().work(({ task_id: taskId }) => ended.push(taskId), {
        concurrency: 4,
        onRefused: (refused) => refusals.push(refused),
      });
      stage.server.offer('t1', 't2', 't3', 't4');
      await stage.server.until(() => ended.length === 4 && stage.server.of('complete').length === 1);
      first.release();
      await stage.server.until(() => stage.server.of('completions').length === 1);
      return refusals;
    }

    it('delivers them together, and hears of each by itself', async () => {
      const refusals = await endTogether(({ body }) => {
        const { completions } = body as unknown as CompletionsRequest;
        const answers: Readonly<Record<string, object>> = {
          t2: { state: 'completed' },
          t3: { error: 'lease_lost', status: 409, message: 'it is late' },
          t4: { error: 'body_too_large', status: 413, message: 'at most 256 KiB' },
        };
        return {
          body: {
            completions: completions.map(({ task_id }) => ({ task_id, ...answers[task_id] })),
          },
        };
      });
      await stage.server.until(() => stage.server.of('fail').length === 1);
      expect(stage.server.of('completions')[0]?.body).toEqual({
        agent_id: 'coders-1',
        generation: 1,
        completions: [2, 3, 4].map((number) => ({ task_id: `t${number}`, attempt: 1, result: number })),
      });
      expect(refusals).toMatchObject([
        { operation: 'complete', code: 'lease_lost', task: { task_id: 't3' } },
      ]);
      expect(stage.server.of('fail')[0]).toMatchObject({ path: '/api/v1/fleet/tasks/t4/fail' });
      expect(stage.server.of('complete').length).toBe(1);
    });

    it('delivers each alone to a server that takes no more than one', async () => {
      const refusals = await endTogether(() => ({ status: 404, body: { error: 'not_found' } }));
      await stage.server.until(() => stage.server.of('complete').length === 4);
      expect(refusals).toEqual([]);
    });

    it('repeats all of them while the server can’t decide', async () => {
      let tries = 0;
      await endTogether(() => {
        if (++tries < 3) return { status: 503 };
        const completions = ['t2', 't3', 't4'].map((task_id) => ({ task_id, state: 'completed' }));
        return { body: { completions } };
      });
      await stage.server.until(() => stage.server.of('completions').length === 3);
      stage.server.offer('t5');
      await stage.server.until(() => stage.server.of('complete').length === 2);
    });
  });

  it('fails a task whose result the server can’t take', async () => {
    stage.server.script = {
      complete: () => ({ status: 413, body: { error: 'body_too_large', message: 'at most 256 KiB' } }),
    };
    open().work(() => 'huge');
    stage.server.offer('t1');
    await stage.server.until(() => stage.server.of('fail').length === 1);
    expect(stage.server.of('fail')[0]?.body['error']).toContain('at most 256 KiB');
  });

  it('repeats a completion while the server can’t decide', async () => {
    let tries = 0;
    stage.server.script = { complete: () => (++tries < 3 ? { status: 503 } : {}) };
    open().work(() => 'done');
    stage.server.offer('t1');
    await stage.server.until(() => stage.server.of('complete').length === 3);
  });

  it('goes on with its work while the server is away, and delivers when it is back', async () => {
    const gate = held();
    const agent = open();
    agent.work(gate.handler);
    stage.server.offer('t1');
    await stage.server.until(() => stage.server.of('renew').length > 0);
    const nonce = stage.server.of('register')[0]?.body['nonce'];
    await stage.server.goAway();
    gate.release();
    await stage.server.until(() => stage.errors.some((message) => message.includes('the server is away')));
    const before = stage.server.of('register').length;
    await stage.server.open();
    await stage.server.until(
      () => stage.server.of('complete').length === 1 && stage.server.of('register').length > before,
    );
    expect(stage.server.of('complete')[0]?.body['result']).toBe('done');
    expect(stage.server.of('register').at(-1)?.body['nonce']).toBe(nonce);
    stage.server.offer('t2');
    await stage.server.until(() => stage.server.of('complete').length === 2);
  });
});
