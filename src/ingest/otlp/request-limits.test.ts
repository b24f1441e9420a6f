import protobuf from 'protobufjs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Encoding } from './answer.ts';
import { OTLP_LIMITS, type OtlpLimit } from './limits.ts';
import { encodeProtobuf, startOtlp, type Body, type OtlpTest } from './otlp.test-support.ts';
import type { Signal } from './wire/messages.ts';

// The limits of a request and the bytes of an element as docs/monitoring/otlp.md tells them, at their numbers: what
// has so many is taken, with one more it is refused by name.

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

const NO_BYTES = new Uint8Array(0);
const many = <Element>(count: number, element: (at: number) => Element): Element[] =>
  Array.from({ length: count }, (_, at) => element(at));
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const ids = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) };
const spans = (spansOfScope: readonly object[]) => ({
  resourceSpans: [{ scopeSpans: [{ spans: spansOfScope }] }],
});
const metrics = (metricsOfScope: readonly object[]) => ({
  resourceMetrics: [{ scopeMetrics: [{ metrics: metricsOfScope }] }],
});
const gauge = (dataPoints: readonly object[]) => metrics([{ name: 'g', gauge: { dataPoints } }]);

/** Histograms of so many buckets in all, in points of at most 10,000: the first with bounds, the others exponential. */
function histograms(buckets: number) {
  const zeros = many(10_000, () => '0');
  const cumulative = { aggregationTemporality: 2 };
  const times = { startTimeUnixNano: otlp.ns(-1), timeUnixNano: otlp.ns(0) };
  const first = { ...times, count: '0', bucketCounts: zeros, explicitBounds: many(9999, (at) => at) };
  const others = many(Math.ceil(buckets / 10_000) - 1, (at) => {
    const bucketCounts = zeros.slice(0, buckets - (at + 1) * 10_000);
    return { ...times, timeUnixNano: otlp.ns(at), count: '0', positive: { bucketCounts } };
  });
  return metrics([
    { name: 'explicit', histogram: { dataPoints: [first], ...cumulative } },
    { name: 'exponential', exponentialHistogram: { dataPoints: others, ...cumulative } },
  ]);
}

const field = (number: number, content: Uint8Array) =>
  protobuf.Writer.create()
    .uint32(number * 8 + 2)
    .bytes(content)
    .finish();

/** So many elements in all: a resource, a scope, and metrics or spans without anything. */
function elements(count: number, encoding: Encoding, [resources, scopes, list]: readonly string[]): Body {
  const empty = count - 2;
  if (encoding === 'protobuf') return field(1, field(2, Buffer.alloc(2 * empty, field(2, NO_BYTES))));
  return `{"${resources}":[{"${scopes}":[{"${list}":[${'{},'.repeat(empty - 1)}{}]}]}]}`;
}

/** So many messages in all: a resource, a scope, and spans of attributes that say nothing. */
function messages(count: number, encoding: Encoding): Body {
  const perSpan = 400_000;
  const attributesOfSpans = many(Math.ceil((count - 2) / perSpan), (at) =>
    Math.min(perSpan - 1, count - 3 - at * perSpan),
  );
  if (encoding === 'json') {
    const texts = attributesOfSpans.map((attributes) => `{"attributes":[${'{},'.repeat(attributes - 1)}{}]}`);
    return `{"resourceSpans":[{"scopeSpans":[{"spans":[${texts.join()}]}]}]}`;
  }
  const wire = attributesOfSpans.map((attributes) =>
    field(2, Buffer.alloc(2 * attributes, field(9, NO_BYTES))),
  );
  return field(1, field(2, Buffer.concat(wire)));
}

describe.each(['protobuf', 'json'] as const)('a request in %s', (encoding) => {
  it.each<[limit: OtlpLimit, signal: Signal, request: (size: number, encoding: Encoding) => Body]>([
    [
      'maxRequestElements',
      'metrics',
      (...of) => elements(...of, ['resourceMetrics', 'scopeMetrics', 'metrics']),
    ],
    ['maxRequestElements', 'traces', (...of) => elements(...of, ['resourceSpans', 'scopeSpans', 'spans'])],
    ['maxRequestMessages', 'traces', messages],
    ['maxRequestNumbers', 'metrics', histograms],
    [
      'maxRequestNewWriters',
      'metrics',
      (count) => gauge(many(count, (at) => ({ asInt: 1, attributes: [text('a', `${at}`)] }))),
    ],
    [
      'maxRequestExemplars',
      'metrics',
      (count) =>
        gauge(
          many(Math.ceil(count / 256), (at) => ({
            asInt: 1,
            timeUnixNano: otlp.ns(at),
            exemplars: many(Math.min(256, count - at * 256), () => ({ asInt: 1, timeUnixNano: otlp.ns(0) })),
          })),
        ),
    ],
  ])('has %s and no more (%s)', async (limit, signal, request) => {
    const most = OTLP_LIMITS[limit];
    await expect(otlp.send(signal, request(most + 1, encoding), { encoding })).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining(`${limit} (${most})`),
    });
    expect(otlp.stored()).toEqual({});
    expect(otlp.spans).toEqual([]);
    expect((await otlp.send(signal, request(most, encoding), { encoding })).message).not.toContain(limit);
  });
});

// What stands beside the text that fills an element. Here all lengths of messages take three bytes, and four where they
// have been read from JSON; those of texts take three.
const lengthBytes = (encoding: Encoding) => (encoding === 'json' ? 4 : 3);
const ELEMENT_BYTES = 1024 * 1024;

describe.each(['protobuf', 'json'] as const)('an element in %s', (encoding) => {
  const openMessage = 1 + lengthBytes(encoding);
  const openText = 1 + 3;
  it.each<[what: string, signal: Signal, around: number, request: (filling: string) => object]>([
    [
      'a span',
      'traces',
      18 + 10 + 9 + openText,
      (name) => spans([{ ...ids, startTimeUnixNano: otlp.ns(0), name }]),
    ],
    [
      'a record',
      'logs',
      9 + openText,
      (severityText) => ({
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: otlp.ns(0), severityText }] }] }],
      }),
    ],
    [
      'a point',
      'metrics',
      9 + 2 * openMessage + 3 + openMessage + openText,
      (value) => gauge([{ asInt: 1, exemplars: [{ filteredAttributes: [text('a', value)] }] }]),
    ],
    [
      "a metric's name, description and unit",
      'metrics',
      3 + openText,
      (description) => metrics([{ name: 'g', description, gauge: { dataPoints: [{ asInt: 1 }] } }]),
    ],
  ])('%s has maxElementBytes and no more, and counts as refused', async (_, signal, around, request) => {
    const filling = 'x'.repeat(ELEMENT_BYTES - around);
    expect(await otlp.send(signal, request(filling), { encoding })).toMatchObject({ rejected: 0 });
    expect(counted('omoi_otlp_refused_total', signal)).toBe(0);
    expect(await otlp.send(signal, request(`${filling}x`), { encoding })).toMatchObject({
      rejected: 1,
      message: expect.stringContaining(`maxElementBytes (${ELEMENT_BYTES})`),
    });
    expect(counted('omoi_otlp_refused_total', signal)).toBe(1);
  });

  it.each<[what: string, around: number, request: (filling: string) => object]>([
    [
      'resource',
      openMessage + 3 + openMessage + openText,
      (value) => ({ resource: { attributes: [text('a', value)] } }),
    ],
    ['scope', openText, (name) => ({ scopeMetrics: [{ scope: { name } }] })],
  ])('a %s has maxElementBytes, and with more refuses the request', async (what, around, request) => {
    const filling = 'x'.repeat(ELEMENT_BYTES - around);
    const send = (more: string) =>
      otlp.send('metrics', { resourceMetrics: [request(filling + more)] }, { encoding });
    expect(await send('')).toMatchObject({ rejected: 0 });
    await expect(send('x')).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining(`${what} larger than maxElementBytes (${ELEMENT_BYTES})`),
    });
  });
});

it('counts what is left out of an element that is stored', async () => {
  const attributes = many(256, (at) => text(`k${at}`, 'x'));
  const span = { ...ids, startTimeUnixNano: otlp.ns(0) };
  await otlp.send('traces', encodeProtobuf('traces', spans([{ ...span, attributes }])), {
    encoding: 'protobuf',
  });
  expect(counted('omoi_otlp_left_out_total', 'traces')).toBe(0);
  await otlp.send('traces', spans([{ ...span, attributes: [...attributes, text('k256', 'x')] }]));
  expect(counted('omoi_otlp_left_out_total', 'traces')).toBe(1);
});

function counted(name: string, signal: Signal): number {
  const points = otlp.selfMetrics.collect().find((metric) => metric.name === name)?.points ?? [];
  return points.find(({ labels }) => labels['signal'] === signal)?.value ?? 0;
}
