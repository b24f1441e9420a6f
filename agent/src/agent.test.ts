import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createAgent,
  type Agent,
  type AgentOptions,
  type CompletionsRequest,
  type Refusal,
} from './index.ts';
import { ScriptedServer, type Script } from './scripted-server.test-support.ts';

let server: ScriptedServer;
let agents: Agent[] = [];
let errors: string[] = [];

function open(options: AgentOptions = {}): Agent {
  const agent = createAgent({
    url: server.url,
    agentId: 'coders-1',
    token: 'secret',
    handleSigterm: false,
    graceMs: 500,
    onError: (error) => errors.push(error.message),
    ...options,
  });
  agents.push(agent);
  return agent;
}

/** A handler that a test lets go on. */
function held(): { readonly handler: () => Promise<string>; release(): void } {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { handler: () => gate.then(() => 'done'), release: () => release() };
}

const refusal = (code: string) => () => ({ status: 409, body: { error: code, message: `it is ${code}` } });

beforeEach(async () => {
  server = new ScriptedServer();
  await server.open();
  agents = [];
  errors = [];
});

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.drain()));
  await server.goAway();
});

describe('presence', () => {
  it('registers, beats at the pace it was told with growing numbers, and says goodbye', async () => {
    const agent = open({ generation: 1, nonce: 'n-o-n-c-e', poolId: 'coders' });
    await server.until(() => server.of('heartbeat').length >= 3);
    expect(server.received[0]).toMatchObject({
      path: '/api/v1/fleet/agents',
      authorization: 'Bearer secret',
      body: {
        agent_id: 'coders-1',
        agent_type: 'worker',
        generation: 1,
        nonce: 'n-o-n-c-e',
        pool_id: 'coders',
      },
    });
    expect(server.of('heartbeat').map(({ body }) => body['sequence'])).toEqual([1, 2, 3]);
    await agent.drain({ reason: 'the end', exitCode: 3 });
    expect(server.received.at(-1)).toMatchObject({
      path: '/api/v1/fleet/agents/coders-1/deregister',
      body: { generation: 1, reason: 'the end', exit_code: 3 },
    });
  });

  it('says at once that it is not well', async () => {
    server.script = { register: () => ({ body: { generation: 1, heartbeat_interval_ms: 60_000 } }) };
    const agent = open();
    await server.until(() => server.of('heartbeat').length === 1);
    agent.degraded('disk is full');
    await server.until(() => server.of('heartbeat').length === 2);
    expect(server.of('heartbeat')[1]?.body).toMatchObject({ health: 'degraded', reason: 'disk is full' });
  });

  it.each(['unknown_agent', 'unknown_generation', 'agent_gone'])(
    'registers again, as the same process, when the server says %s',
    async (code) => {
      let forgotten = false;
      server.script = {
        heartbeat: () => {
          if (forgotten) return { body: { acknowledged: 1, desired: 'run', heartbeat_interval_ms: 20 } };
          forgotten = true;
          return { status: 404, body: { error: code, message: code } };
        },
      };
      open();
      await server.until(() => server.of('register').length === 2);
      const [first, second] = server.of('register');
      expect(second?.body['nonce']).toBe(first?.body['nonce']);
    },
  );

  it('waits for its place while another process runs as the agent', async () => {
    let taken = 2;
    server.script = {
      register: () =>
        taken-- > 0 ? refusal('generation_taken')() : { body: { generation: 7, heartbeat_interval_ms: 20 } },
    };
    const agent = open();
    await server.until(() => server.of('heartbeat').length > 0);
    expect(agent.generation).toBe(7);
    expect(errors).toEqual(Array(2).fill('generation_taken: it is generation_taken'));
  });

  it.each<['leave' | 'continue', number]>([
    ['leave', 1],
    ['continue', 0],
  ])('when the server stays away for too long: %s', async (onOrphan, goodbyes) => {
    let registered = false;
    server.script = {
      heartbeat: () => 'cut',
      register: () => {
        if (registered) return 'cut';
        registered = true;
        return { body: { generation: 1, heartbeat_interval_ms: 20 } };
      },
    };
    open({ onOrphan, orphanTimeoutMs: 50 }).work(() => null);
    await server.until(() => server.of('deregister').length === 1 || server.of('register').length === 20);
    expect(server.of('deregister').length).toBe(goodbyes);
    expect(errors[0]).toMatch('the server is away');
  });

  it('leaves it to a host that wants to be asked when to go', async () => {
    const asked: string[] = [];
    server.script = {
      heartbeat: ({ body }) => ({
        body: { acknowledged: body['sequence'], desired: 'drain', heartbeat_interval_ms: 20 },
      }),
    };
    const agent = open({ onLeave: (reason) => asked.push(reason) });
    await server.until(() => server.of('heartbeat').length > 3);
    expect(asked).toEqual(['drain requested']);
    expect(server.of('deregister')).toEqual([]);
    await agent.drain({ reason: 'it is ready' });
    expect(server.of('deregister')[0]?.body).toMatchObject({ reason: 'it is ready' });
  });

  it('asks for a server that stays away as often as it would beat', async () => {
    const register = () =>
      server.of('register').length > 1 ? 'cut' : { body: { heartbeat_interval_ms: 20 } };
    server.script = { heartbeat: () => 'cut', register };
    open();
    // Backing off further, the twelfth try would come after half a minute.
    await server.until(() => server.of('register').length === 12);
    expect(errors).toEqual([expect.stringMatching('the server is away')]);
  });
});

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
    server.offer('t1', 't2', 't3');
    await server.until(() => busy === 2);
    gate.release();
    await server.until(() => server.of('complete').length === 3);
    expect(busiest).toBe(2);
    expect(server.of('claim')[0]?.body).toMatchObject({
      agent_id: 'coders-1',
      generation: 1,
      max_tasks: 2,
      task_types: ['fetch'],
      phase_ids: ['PHASE_IMPLEMENTATION'],
    });
    expect(server.of('complete')[0]).toMatchObject({
      path: '/api/v1/fleet/tasks/t1/complete',
      body: { agent_id: 'coders-1', generation: 1, attempt: 1, result: { echo: { id: 't1' } } },
    });
  });

  it.each<[string, () => unknown, string]>([
    ['throws', () => Promise.reject(new TypeError('no such file')), 'TypeError: no such file'],
    ['returns what is no JSON', () => ({ size: 1n }), 'BigInt'],
  ])('fails the attempt when the handler %s', async (_, handler, message) => {
    open().work(handler);
    server.offer('t1');
    await server.until(() => server.of('fail').length === 1);
    expect(server.of('fail')[0]?.body['error']).toContain(message);
    expect(server.of('complete')).toEqual([]);
  });

  it('renews the lease while it works', async () => {
    const gate = held();
    open().work(gate.handler);
    server.offer('t1');
    await server.until(() => server.of('renew').length >= 3);
    gate.release();
    await server.until(() => server.of('complete').length === 1);
    expect(server.of('renew')[0]?.body).toEqual({ agent_id: 'coders-1', generation: 1, attempt: 1 });
  });

  it('aborts work whose lease is lost, drops it, and goes on with the next', async () => {
    const refusals: Refusal[] = [];
    let reason: unknown;
    server.script = {
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
    server.offer('t1', 't2');
    await server.until(() => server.of('complete').length === 1);
    expect(refusals).toMatchObject([{ operation: 'renew', code: 'lease_lost', task: { task_id: 't1' } }]);
    expect(reason).toMatchObject({ code: 'lease_lost' });
    expect(server.of('fail')).toEqual([]);
  });

  it('aborts at its time limit the work of one task alone, long before its lease would be renewed', async () => {
    server.leaseMs = 3_600_000;
    server.timeLimitsMs.set('slow', 50);
    server.script = { renew: refusal('lease_lost') };
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
    server.offer('slow', 'beside');
    await server.until(() => signals.get('slow')?.aborted === true);
    expect(signals.get('slow')?.reason).toMatchObject({ code: 'lease_lost' });
    expect(server.of('renew').map(({ path }) => path)).toEqual(['/api/v1/fleet/tasks/slow/renew']);
    expect(signals.get('beside')?.aborted).toBe(false);
    server.offer('next');
    await server.until(() => signals.has('next'));
    gate.release();
    await server.until(() => server.of('complete').length === 2);
    expect(server.of('fail')).toEqual([]);
  });

  it('tells of a refused completion and does not repeat it', async () => {
    const refusals: Refusal[] = [];
    server.script = { complete: refusal('lease_lost') };
    open().work(() => 'late', { onRefused: (refused) => refusals.push(refused) });
    server.offer('t1', 't2');
    await server.until(() => refusals.length === 2);
    expect(server.of('complete').length).toBe(2);
    expect(refusals[0]).toMatchObject({ operation: 'complete', code: 'lease_lost' });
  });

  describe('whose results come while another is being delivered', () => {
    /** Four tasks end while the completion of `t1` is under way; `completions` is what the server says of the others. */
    async function endTogether(completions: Script['completions']): Promise<readonly Refusal[]> {
      const refusals: Refusal[] = [];
      const first = held();
      const ended: string[] = [];
      server.script = {
        complete: ({ path }) => (path.includes('/t1/') ? first.handler().then(() => ({})) : {}),
        completions,
      };
      open().work(({ task_id: taskId }) => ended.push(taskId), {
        concurrency: 4,
        onRefused: (refused) => refusals.push(refused),
      });
      server.offer('t1', 't2', 't3', 't4');
      await server.until(() => ended.length === 4 && server.of('complete').length === 1);
      first.release();
      await server.until(() => server.of('completions').length === 1);
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
      await server.until(() => server.of('fail').length === 1);
      expect(server.of('completions')[0]?.body).toEqual({
        agent_id: 'coders-1',
        generation: 1,
        completions: [2, 3, 4].map((number) => ({ task_id: `t${number}`, attempt: 1, result: number })),
      });
      expect(refusals).toMatchObject([
        { operation: 'complete', code: 'lease_lost', task: { task_id: 't3' } },
      ]);
      expect(server.of('fail')[0]).toMatchObject({ path: '/api/v1/fleet/tasks/t4/fail' });
      expect(server.of('complete').length).toBe(1);
    });

    it('delivers each alone to a server that takes no more than one', async () => {
      const refusals = await endTogether(() => ({ status: 404, body: { error: 'not_found' } }));
      await server.until(() => server.of('complete').length === 4);
      expect(refusals).toEqual([]);
    });

    it('repeats all of them while the server can’t decide', async () => {
      let tries = 0;
      await endTogether(() => {
        if (++tries < 3) return { status: 503 };
        const completions = ['t2', 't3', 't4'].map((task_id) => ({ task_id, state: 'completed' }));
        return { body: { completions } };
      });
      await server.until(() => server.of('completions').length === 3);
      server.offer('t5');
      await server.until(() => server.of('complete').length === 2);
    });
  });

  it('fails a task whose result the server can’t take', async () => {
    server.script = {
      complete: () => ({ status: 413, body: { error: 'body_too_large', message: 'at most 256 KiB' } }),
    };
    open().work(() => 'huge');
    server.offer('t1');
    await server.until(() => server.of('fail').length === 1);
    expect(server.of('fail')[0]?.body['error']).toContain('at most 256 KiB');
  });

  it('repeats a completion while the server can’t decide', async () => {
    let tries = 0;
    server.script = { complete: () => (++tries < 3 ? { status: 503 } : {}) };
    open().work(() => 'done');
    server.offer('t1');
    await server.until(() => server.of('complete').length === 3);
  });

  it('goes on with its work while the server is away, and delivers when it is back', async () => {
    const gate = held();
    const agent = open();
    agent.work(gate.handler);
    server.offer('t1');
    await server.until(() => server.of('renew').length > 0);
    const nonce = server.of('register')[0]?.body['nonce'];
    await server.goAway();
    gate.release();
    await server.until(() => errors.some((message) => message.includes('the server is away')));
    const before = server.of('register').length;
    await server.open();
    await server.until(() => server.of('complete').length === 1 && server.of('register').length > before);
    expect(server.of('complete')[0]?.body['result']).toBe('done');
    expect(server.of('register').at(-1)?.body['nonce']).toBe(nonce);
    server.offer('t2');
    await server.until(() => server.of('complete').length === 2);
  });
});

describe('the end', () => {
  it('finishes what is in flight and claims nothing more when it drains', async () => {
    const gate = held();
    const agent = open();
    agent.work(gate.handler);
    server.offer('t1');
    await server.until(() => server.of('renew').length > 0);
    const drained = agent.drain();
    server.offer('t2');
    gate.release();
    await drained;
    const order = server.received.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
    expect(order.indexOf('complete')).toBeGreaterThan(-1);
    expect(order.at(-1)).toBe('deregister');
    expect(server.of('complete').length).toBe(1);
  });

  it('aborts what is not finished when the grace is over', async () => {
    const agent = open({ graceMs: 30 });
    agent.work((_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)));
    server.offer('t1');
    await server.until(() => server.of('renew').length > 0);
    await agent.drain();
    expect(server.of('fail').length).toBe(1);
  });

  it('drains when the server wants it to', async () => {
    server.script = {
      heartbeat: () => ({ body: { acknowledged: 1, desired: 'drain', heartbeat_interval_ms: 20 } }),
    };
    open().work(() => 'never asked for');
    await server.until(() => server.of('deregister').length === 1);
  });

  it.each(['generation_superseded', 'generation_taken'])(
    'aborts its work and leaves without a goodbye on %s',
    async (code) => {
      let aborted: unknown = null;
      const agent = open();
      agent.work(
        (_, { signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              aborted = signal.reason;
              reject(signal.reason);
            });
          }),
      );
      server.offer('t1');
      await server.until(() => server.of('renew').length > 0);
      server.script = { heartbeat: refusal(code), register: refusal(code) };
      await server.until(() => aborted !== null);
      await agent.drain();
      expect(aborted).toMatchObject({ code: 'generation_superseded' });
      expect(server.of('deregister')).toEqual([]);
    },
  );
});

describe('its host', () => {
  it('is left in peace where nothing is configured', async () => {
    const agent = createAgent({ url: '' });
    agent.work(() => 'never');
    agent.counter('c').add(1);
    agent.gauge('g').set(1);
    agent.histogram('h').record(1);
    agent.degraded('no');
    await agent.drain();
    expect(agent).toMatchObject({ enabled: false, agentId: null, generation: null });
  });

  it.each<[string, AgentOptions]>([
    ['a url that is none', { url: 'not a url' }],
    ['a url of another kind', { url: 'ftp://127.0.0.1' }],
  ])('is told of %s, not thrown at', (_, options) => {
    const seen: Error[] = [];
    const agent = createAgent({ ...options, onError: (error) => seen.push(error) });
    expect(agent.enabled).toBe(false);
    expect(seen.length).toBe(1);
  });

  it('may fail in its own listener', async () => {
    server.script = { register: () => 'cut' };
    const agent = open({
      onError() {
        throw new Error('the host’s own mistake');
      },
    });
    await server.until(() => server.of('register').length >= 2);
    agent.work(() => 'once');
    agent.work(() => 'twice');
    expect(agent.enabled).toBe(true);
  });
});

describe('metrics', () => {
  it('go out as OTLP, cumulatively', async () => {
    const agent = open({ metricsIntervalMs: 20 });
    const fetched = agent.counter('files_total', { help: 'Files.' });
    fetched.add(2, { kind: 'text' });
    fetched.add(-1, { kind: 'text' });
    agent.gauge('queue_length').set(5);
    agent.gauge('files_total').set(1);
    const sizes = agent.histogram('size_bytes', { buckets: [10, 100] });
    for (const size of [10, 50, 1000]) sizes.record(size);
    await server.until(() => server.of('metrics').length >= 1);
    const resourceMetrics = server.of('metrics')[0]?.body['resourceMetrics'] as [
      { resource: unknown; scopeMetrics: [{ metrics: { name: string; [data: string]: unknown }[] }] },
    ];
    expect(JSON.stringify(resourceMetrics[0].resource)).toContain('"omoi.agent.id"');
    const metrics = Object.fromEntries(
      resourceMetrics[0].scopeMetrics[0].metrics.map((metric) => [metric.name, metric]),
    );
    expect(metrics['files_total']).toMatchObject({
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [{ asDouble: 2, attributes: [{ key: 'kind', value: { stringValue: 'text' } }] }],
      },
    });
    expect(metrics['queue_length']).toMatchObject({ gauge: { dataPoints: [{ asDouble: 5 }] } });
    expect(metrics['size_bytes']).toMatchObject({
      histogram: {
        dataPoints: [{ count: '3', sum: 1060, bucketCounts: ['1', '1', '1'], explicitBounds: [10, 100] }],
      },
    });
    expect(errors).toContain('the metric files_total is a counter already');
  });

  it('of too many series are dropped and counted', async () => {
    const agent = open({ metricsIntervalMs: 20 });
    const counter = agent.counter('c');
    for (let series = 0; series < 1010; series++) counter.add(1, { series: String(series) });
    await server.until(() => server.of('metrics').length >= 1);
    const text = JSON.stringify(server.of('metrics')[0]?.body);
    expect(text).toMatch(/agent_measurements_dropped_total.*?"asDouble":11[,}]/);
  });
});
