import { beforeEach, describe, expect, it } from 'vitest';
import { startOtlp, type OtlpTest } from './otlp.test-support.ts';
import type { Signal } from './wire/messages.ts';

// What is read in one go is bounded, so that no element of a body, however it is written, holds up the event loop.

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const list = <Element>(length: number, element: (at: number) => Element): Element[] =>
  Array.from({ length }, (_, at) => element(at));
const HALF = 'x'.repeat(600_000);
const ids = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) };

const metric = (more: object, dataPoints: readonly object[]) => ({
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'g', ...more, gauge: { dataPoints } }] }] }],
});
const span = (more: object) => ({
  resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, startTimeUnixNano: otlp.ns(0), ...more }] }] }],
});

describe.each(['json', 'protobuf'] as const)('in %s', (encoding) => {
  const attributes = [text('a', HALF), text('b', HALF)];
  it.each<[string, Signal, object]>([
    ['a resource of metrics', 'metrics', { resourceMetrics: [{ resource: { attributes } }] }],
    ['a resource of spans', 'traces', { resourceSpans: [{ resource: { attributes } }] }],
    ['a scope', 'metrics', { resourceMetrics: [{ scopeMetrics: [{ scope: { attributes } }] }] }],
  ])('%s that is larger than an element may be refuses the request', async (_, signal, body) => {
    await expect(otlp.send(signal, body, { encoding })).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining('maxElementBytes'),
    });
  });

  it('a metric with such a description is refused, and counts as its points', async () => {
    const body = metric({ description: HALF, unit: HALF }, [{ asInt: 1 }, { asInt: 2 }]);
    expect(await otlp.send('metrics', body, { encoding })).toEqual({
      rejected: 2,
      message: 'larger than maxElementBytes (1048576) (2)',
    });
  });

  it.each([
    ['lists', (count: number) => ({ arrayValue: { values: list(count, () => ({ intValue: 1 })) } })],
    ['maps', (count: number) => ({ kvlistValue: { values: list(count, (at) => text(`${at}`, 'x')) } })],
  ])('values of %s beyond a number are left out of a span, and refuse a point', async (_, valueOf) => {
    const answer = await otlp.send('traces', span({ attributes: [{ key: 'a', value: valueOf(6000) }] }), {
      encoding,
    });
    expect(answer).toEqual({ rejected: 0, message: 'left out: values beyond maxElementValues (5000) (1)' });
    expect(Object.keys(otlp.spans[0]?.attributes['a'] ?? {})).toHaveLength(4999);
    const point = { asInt: 1, attributes: [{ key: 'a', value: valueOf(1000) }] };
    const refused = await otlp.send('metrics', metric({}, [point]), { encoding });
    expect(refused).toEqual({
      rejected: 1,
      message: 'a point whose attributes hold more than maxPointValues (1000) values (1)',
    });
  });

  it('attributes of all events count together', async () => {
    const event = { attributes: list(50, (at) => text(`k${at}`, 'x')) };
    const answer = await otlp.send('traces', span({ events: list(120, () => event) }), { encoding });
    expect(answer.message).toBe('left out: values beyond maxElementValues (5000) (1)');
    const kept = otlp.spans[0]?.events.map((each) => Object.keys(each.attributes).length) ?? [];
    expect(kept).toEqual([...list(100, () => 50), ...list(20, () => 0)]);
  });

  it('exemplars beyond a number are left out', async () => {
    const exemplars = list(300, () => ({ asInt: 1, timeUnixNano: otlp.ns(0) }));
    const answer = await otlp.send('metrics', metric({}, [{ asInt: 1, exemplars }]), { encoding });
    expect(answer).toEqual({ rejected: 0, message: 'left out: exemplars beyond maxExemplars (256) (44)' });
  });
});
