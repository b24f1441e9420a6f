import { describe, expect, it } from 'vitest';
import { createAgent, type AgentOptions } from './index.ts';
import { held, refusal, useTestAgents } from './agent.test-support.ts';

const stage = useTestAgents();
const { open } = stage;

describe('presence', () => {
  it('registers, beats at the pace it was told with growing numbers, and says goodbye', async () => {
    const agent = open({ generation: 1, nonce: 'n-o-n-c-e', poolId: 'coders' });
    await stage.server.until(() => stage.server.of('heartbeat').length >= 3);
    expect(stage.server.received[0]).toMatchObject({
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
    expect(stage.server.of('heartbeat').map(({ body }) => body['sequence'])).toEqual([1, 2, 3]);
    await agent.drain({ reason: 'the end', exitCode: 3 });
    expect(stage.server.received.at(-1)).toMatchObject({
      path: '/api/v1/fleet/agents/coders-1/deregister',
      body: { generation: 1, reason: 'the end', exit_code: 3 },
    });
  });

  it('says at once that it is not well', async () => {
    stage.server.script = { register: () => ({ body: { generation: 1, heartbeat_interval_ms: 60_000 } }) };
    const agent = open();
    await stage.server.until(() => stage.server.of('heartbeat').length === 1);
    agent.degraded('disk is full');
    await stage.server.until(() => stage.server.of('heartbeat').length === 2);
    expect(stage.server.of('heartbeat')[1]?.body).toMatchObject({
      health: 'degraded',
      reason: 'disk is full',
    });
  });

  it.each(['unknown_agent', 'unknown_generation', 'agent_gone'])(
    'registers again, as the same process, when the server says %s',
    async (code) => {
      let forgotten = false;
      stage.server.script = {
        heartbeat: () => {
          if (forgotten) return { body: { acknowledged: 1, desired: 'run', heartbeat_interval_ms: 20 } };
          forgotten = true;
          return { status: 404, body: { error: code, message: code } };
        },
      };
      open();
      await stage.server.until(() => stage.server.of('register').length === 2);
      const [first, second] = stage.server.of('register');
      expect(second?.body['nonce']).toBe(first?.body['nonce']);
    },
  );

  it('waits for its place while another process runs as the agent', async () => {
    let taken = 2;
    stage.server.script = {
      register: () =>
        taken-- > 0 ? refusal('generation_taken')() : { body: { generation: 7, heartbeat_interval_ms: 20 } },
    };
    const agent = open();
    await stage.server.until(() => stage.server.of('heartbeat').length > 0);
    expect(agent.generation).toBe(7);
    expect(stage.errors).toEqual(Array(2).fill('generation_taken: it is generation_taken'));
  });

  it.each<['leave' | 'continue', number]>([
    ['leave', 1],
    ['continue', 0],
  ])('when the server stays away for too long: %s', async (onOrphan, goodbyes) => {
    let registered = false;
    stage.server.script = {
      heartbeat: () => 'cut',
      register: () => {
        if (registered) return 'cut';
        registered = true;
        return { body: { generation: 1, heartbeat_interval_ms: 20 } };
      },
    };
    open({ onOrphan, orphanTimeoutMs: 50 }).work(() => null);
    await stage.server.until(
      () => stage.server.of('deregister').length === 1 || stage.server.of('register').length === 20,
    );
    expect(stage.server.of('deregister').length).toBe(goodbyes);
    expect(stage.errors[0]).toMatch('the server is away');
  });

  it('leaves it to a host that wants to be asked when to go', async () => {
    const asked: string[] = [];
    stage.server.script = {
      heartbeat: ({ body }) => ({
        body: { acknowledged: body['sequence'], desired: 'drain', heartbeat_interval_ms: 20 },
      }),
    };
    const agent = open({ onLeave: (reason) => asked.push(reason) });
    await stage.server.until(() => stage.server.of('heartbeat').length > 3);
    expect(asked).toEqual(['drain requested']);
    expect(stage.server.of('deregister')).toEqual([]);
    await agent.drain({ reason: 'it is ready' });
    expect(stage.server.of('deregister')[0]?.body).toMatchObject({ reason: 'it is ready' });
  });

  it('asks for a server that stays away as often as it would beat', async () => {
    const register = () =>
      stage.server.of('register').length > 1 ? 'cut' : { body: { generation: 1, heartbeat_interval_ms: 20 } };
    stage.server.script = { heartbeat: () => 'cut', register };
    open();
    // Backing off further, the twelfth try would come after half a minute.
    await stage.server.until(() => stage.server.of('register').length === 12);
    expect(stage.errors).toEqual([expect.stringMatching('the server is away')]);
  });
});

describe('the end', () => {
  it('finishes what is in flight and claims nothing more when it drains', async () => {
    const gate = held();
    const agent = open();
    agent.work(gate.handler);
    stage.server.offer('t1');
    await stage.server.until(() => stage.server.of('renew').length > 0);
    const drained = agent.drain();
    stage.server.offer('t2');
    gate.release();
    await drained;
    const order = stage.server.received.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
    expect(order.indexOf('complete')).toBeGreaterThan(-1);
    expect(order.at(-1)).toBe('deregister');
    expect(stage.server.of('complete').length).toBe(1);
  });

  it('aborts what is not finished when the grace is over', async () => {
    const agent = open({ graceMs: 30 });
    agent.work((_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)));
    stage.server.offer('t1');
    await stage.server.until(() => stage.server.of('renew').length > 0);
    await agent.drain();
    expect(stage.server.of('fail').length).toBe(1);
  });

  it('drains when the server wants it to', async () => {
    stage.server.script = {
      heartbeat: () => ({ body: { acknowledged: 1, desired: 'drain', heartbeat_interval_ms: 20 } }),
    };
    open().work(() => 'never asked for');
    await stage.server.until(() => stage.server.of('deregister').length === 1);
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
      stage.server.offer('t1');
      await stage.server.until(() => stage.server.of('renew').length > 0);
      stage.server.script = { heartbeat: refusal(code), register: refusal(code) };
      await stage.server.until(() => aborted !== null);
      await agent.drain();
      expect(aborted).toMatchObject({ code: 'generation_superseded' });
      expect(stage.server.of('deregister')).toEqual([]);
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
    stage.server.script = { register: () => 'cut' };
    const agent = open({
      onError() {
        throw new Error('the host’s own mistake');
      },
    });
    await stage.server.until(() => stage.server.of('register').length >= 2);
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
    await stage.server.until(() => stage.server.of('metrics').length >= 1);
    const resourceMetrics = stage.server.of('metrics')[0]?.body['resourceMetrics'] as [
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
    expect(stage.errors).toContain('the metric files_total is a counter already');
  });

  it('of too many series are dropped and counted', async () => {
    const agent = open({ metricsIntervalMs: 20 });
    const counter = agent.counter('c');
    for (let series = 0; series < 1010; series++) counter.add(1, { series: String(series) });
    await stage.server.until(() => stage.server.of('metrics').length >= 1);
    const text = JSON.stringify(stage.server.of('metrics')[0]?.body);
    expect(text).toMatch(/agent_measurements_dropped_total.*?"asDouble":11[,}]/);
  });
});
