import { beforeEach, expect, it } from 'vitest';
import { startOtlp, type OtlpTest } from './otlp.test-support.ts';

// The limits of an element as docs/monitoring/otlp.md tells them: at the number nothing is said, beyond it is.

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

const many = <Element>(count: number, element: (at: number) => Element): Element[] =>
  Array.from({ length: count }, (_, at) => element(at));
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const ids = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) };
const span = (more: object) => ({
  resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, startTimeUnixNano: otlp.ns(0), ...more }] }] }],
});
const points = (name: string, dataPoints: readonly object[], more = {}) => ({
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'g', [name]: { dataPoints, ...more } }] }] }],
});
const ints = (count: number) => ({
  key: 'a',
  value: { arrayValue: { values: many(count, () => ({ intValue: 1 })) } },
});
function nested(depth: number): object {
  let value: object = { intValue: 1 };
  for (let level = 0; level < depth; level++) value = { arrayValue: { values: [value] } };
  return { key: 'a', value };
}

it.each<[limit: string, most: number, signal: 'traces' | 'metrics', request: (size: number) => object]>([
  ['maxAttributes', 256, 'traces', (count) => span({ attributes: many(count, (at) => text(`k${at}`, 'x')) })],
  ['maxEvents', 256, 'traces', (count) => span({ events: many(count, () => ({ name: 'e' })) })],
  ['maxLinks', 256, 'traces', (count) => span({ links: many(count, () => ids) })],
  // The list is one of its values.
  ['maxElementValues', 5000, 'traces', (count) => span({ attributes: [ints(count - 1)] })],
  ['maxValueDepth', 32, 'traces', (depth) => span({ attributes: [nested(depth)] })],
  [
    'maxExemplars',
    256,
    'metrics',
    (count) =>
      points('gauge', [{ asInt: 1, exemplars: many(count, () => ({ asInt: 1, timeUnixNano: otlp.ns(0) })) }]),
  ],
  [
    'maxPointValues',
    1000,
    'metrics',
    (count) => points('gauge', [{ asInt: 1, attributes: [ints(count - 1)] }]),
  ],
  [
    'maxBuckets',
    10_000,
    'metrics',
    (count) =>
      points(
        'histogram',
        [
          {
            timeUnixNano: otlp.ns(0),
            startTimeUnixNano: otlp.ns(-1),
            count: '0',
            bucketCounts: many(count, () => '0'),
            explicitBounds: many(count - 1, (at) => at),
          },
        ],
        { aggregationTemporality: 2 },
      ),
  ],
])('%s: %i and no more', async (limit, most, signal, request) => {
  for (const encoding of ['json', 'protobuf'] as const) {
    expect((await otlp.send(signal, request(most), { encoding })).message ?? '').not.toContain(limit);
    expect(await otlp.send(signal, request(most + 1), { encoding })).toMatchObject({
      message: expect.stringContaining(`${limit} (${most})`),
    });
  }
});

it.each<[what: string, most: number, body: (size: number) => string]>([
  ['brackets inside one another', 256, (depth) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`],
  ['bytes of a number', 1024, (bytes) => `{"a":${'1'.repeat(bytes)}}`],
])('JSON, %s: %i and no more', async (_what, most, body) => {
  expect(await otlp.send('traces', body(most), { encoding: 'json' })).toMatchObject({ rejected: 0 });
  await expect(otlp.send('traces', body(most + 1), { encoding: 'json' })).rejects.toMatchObject({
    code: expect.stringMatching(/malformed_json|body_too_large/),
  });
});

it('a text has maxTextBytes, all of a span together maxElementTextBytes; what is longer is cut', async () => {
  const attributes = (bytes: number) => many(9, (at) => text(`${at}`, 'x'.repeat(bytes)));
  for (const encoding of ['json', 'protobuf'] as const) {
    for (const bytes of [32 * 1024, 32 * 1024 + 1]) {
      await otlp.send('traces', span({ name: 'x'.repeat(bytes) }), { encoding });
      expect(otlp.spans.at(-1)?.name).toHaveLength(32 * 1024);
    }
    await otlp.send('traces', span({ attributes: attributes(32 * 1024) }), { encoding });
    const kept = Object.entries(otlp.spans.at(-1)?.attributes ?? {});
    // Keys are texts, too.
    const bytes = kept.reduce((sum, [key, value]) => sum + key.length + String(value).length, 0);
    expect(bytes).toBe(256 * 1024);
  }
});
