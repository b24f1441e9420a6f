import { beforeEach, describe, expect, it } from 'vitest';
import { startOtlp, type OtlpTest } from '../otlp.test-support.ts';
import { ENCODINGS, gauge, int, metrics, ofResource, text } from './metric-requests.test-support.ts';

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

describe.each(ENCODINGS)('metrics in %s', (encoding) => {
  const send = (body: object) => otlp.send('metrics', body, { encoding });
  const at = (timeMs: number) => ({ timeUnixNano: otlp.ns(timeMs) });

  it.each(['NaN', 'Infinity', '-Infinity'])('keeps a point whose attribute is %s', async (value) => {
    const attributes = [{ key: 'load', value: { doubleValue: value } }];
    expect(await send(gauge({ ...at(1), asInt: '1', attributes }))).toEqual({ rejected: 0, message: '' });
    expect(otlp.stored()).toEqual({ [`g{load="${value}"}`]: { 1: 1 } });
  });

  it('tells integers apart that a double does not', async () => {
    const point = (id: string) => ({ ...at(1), asInt: '1', attributes: [int('id', id)] });
    expect(await send(gauge(point('9007199254740993'), point('9007199254740992')))).toMatchObject({
      rejected: 0,
    });
    expect(Object.keys(otlp.stored())).toEqual(['g{id="9007199254740992"}', 'g{id="9007199254740993"}']);
  });

  it('joins the values of attributes that become one label, in the order of their keys', async () => {
    const attributes = [text('foo_bar', 'under'), text('foo.bar', 'dot'), text('foo-bar', 'dash')];
    await send(gauge({ ...at(1), asInt: '1', attributes }));
    expect(Object.keys(otlp.stored())).toEqual(['g{foo_bar="dash;dot;under"}']);
  });

  it("lets the resource's identity win, and keeps what a point says under its names", async () => {
    const attributes = [text('job', 'other'), text('instance', 'i-2'), text('le', 'x')];
    const resource = [
      text('service.namespace', 'shop'),
      text('service.name', 'api'),
      text('service.instance.id', 'i-1'),
    ];
    const point = { ...at(1), asInt: '1', attributes };
    await send({ resourceMetrics: [ofResource(resource, { name: 'g', gauge: { dataPoints: [point] } })] });
    expect(Object.keys(otlp.stored())).toEqual([
      'g{exported_instance="i-2", exported_job="other", instance="i-1", job="shop/api", le="x"}',
    ]);
  });

  it('keeps two writers apart that differ in one attribute of their resource, and says what else they are', async () => {
    const of = (host: string, value: string) =>
      ofResource([text('service.name', 'api'), text('host.name', host)], {
        name: 'c',
        sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [{ ...at(1), asInt: value }] },
      });
    expect(await send({ resourceMetrics: [of('a', '1'), of('b', '2')] })).toEqual({
      rejected: 0,
      message: '',
    });
    const stored = otlp.stored();
    expect(Object.values(stored)).toEqual([{ 1: 1 }, { 1: 2 }]);
    expect(Object.keys(stored)[0]).toMatch(/^c_total\{instance="a:[0-9a-f]{12}", job="api"\}$/);
    const info = otlp.stored('target_info');
    expect(Object.values(info)).toEqual([{ 1: 1 }, { 1: 1 }]);
    expect(Object.keys(info)[1]).toMatch(
      /^target_info\{host_name="b", instance="b:[0-9a-f]{12}", job="api"\}$/,
    );
  });

  it('keeps two scopes apart', async () => {
    const of = (name: string) => ({
      scope: { name, version: '1' },
      metrics: [{ name: 'g', gauge: { dataPoints: [{ ...at(1), asInt: '1' }] } }],
    });
    await send({ resourceMetrics: [{ scopeMetrics: [of('a'), of('b')] }] });
    expect(Object.keys(otlp.stored())).toEqual([
      'g{otel_scope_name="a", otel_scope_version="1"}',
      'g{otel_scope_name="b", otel_scope_version="1"}',
    ]);
  });
});

describe('a sender whose token is bound', () => {
  const point = (agent?: string) => ({
    timeUnixNano: otlp.ns(1),
    asInt: '1',
    attributes: agent === undefined ? [] : [text('agent_id', agent)],
  });
  const named = (name: string, agent?: string) => ({ name, gauge: { dataPoints: [point(agent)] } });

  it('speaks for its agents alone, also for series that are known', async () => {
    const body = metrics(named('a', 'mine'), named('b', 'other'));
    await otlp.send('metrics', body);
    const answer = await otlp.send('metrics', body, { scope: { agentIds: ['mine'], poolId: null } });
    expect(answer).toEqual({ rejected: 1, message: 'this token does not speak for agent other (1)' });
  });

  it('speaks for the agents of its pool, and for no other', async () => {
    const body = metrics(named('a', 'coder-1'), named('b', 'tester-1'), named('c'));
    const answer = await otlp.send('metrics', body, { scope: { agentIds: [], poolId: 'coders' } });
    expect(answer).toEqual({ rejected: 1, message: 'this token does not speak for agent tester-1 (1)' });
    // An agent without a pool is not of the pool of a token that names none.
    const none = await otlp.send('metrics', metrics(named('d', 'tester-1')), {
      scope: { agentIds: [], poolId: null },
    });
    expect(none.rejected).toBe(1);
    expect(Object.keys(otlp.stored())).toEqual(['a{agent_id="coder-1"}', 'c']);
  });
});
