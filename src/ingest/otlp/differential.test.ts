import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { startOtlp, type OtlpTest } from './otlp.test-support.ts';
import type { Signal } from './wire/messages.ts';

/*
 * The same generated request in both encodings, the protobuf by a reference encoder, leaves the same behind and gets the
 * same answer.
 */

const START_MS = 1_767_225_600_000;
const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('a', 'b.c', 'b_c', 'é😀', '', '"\\\n'));
const double = fc.oneof(
  fc.double().map((value) => (Number.isFinite(value) ? value : String(value))),
  fc.constantFrom(0, 1.5, 'NaN', 'Infinity', '-Infinity'),
);
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const count = fc.nat(1000);
const ns = fc
  .oneof(fc.integer({ min: -300_000, max: 300_000 }), fc.constantFrom(-90_000_000, 90_000_000))
  .map((ms) => `${START_MS + ms}000000`);
const time = fc.oneof(ns, fc.constant('0'), fc.constant('18446744073709551615'));
const id = (bytes: number) =>
  fc.oneof(
    fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((found) => Buffer.from(found).toString('hex')),
    fc.constantFrom('', '00'.repeat(bytes), 'abcd'),
  );
const list = <Item>(item: fc.Arbitrary<Item>, maxLength = 3) => fc.array(item, { maxLength });

const { value } = fc.letrec<{ value: object }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ stringValue: text }),
    fc.record({ intValue: int64 }),
    fc.record({ doubleValue: double }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({
      bytesValue: fc.uint8Array({ maxLength: 4 }).map((found) => Buffer.from(found).toString('base64')),
    }),
    fc.constant({}),
    fc.record({ arrayValue: fc.record({ values: list(tie('value')) }) }),
    fc.record({
      kvlistValue: fc.record({ values: list(fc.record({ key: text, value: tie('value') })) }),
    }),
  ),
}));
const attributes = list(fc.record({ key: text, value }));
const optional = (shape: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record(shape, { requiredKeys: [] });

const exemplar = optional({
  timeUnixNano: ns,
  asDouble: double,
  traceId: id(16),
  spanId: id(8),
  filteredAttributes: attributes,
});
const pointFields = { attributes, timeUnixNano: time, startTimeUnixNano: time, flags: fc.constantFrom(0, 1) };
const numberPoint = fc.oneof(
  optional({ ...pointFields, asDouble: double, exemplars: list(exemplar, 1) }),
  optional({ ...pointFields, asInt: int64 }),
);
const histogramPoint = fc
  .tuple(list(count, 4), optional({ ...pointFields, sum: double, exemplars: list(exemplar, 1) }), fc.nat(1))
  .map(([bucketCounts, rest, more]) => ({
    ...rest,
    bucketCounts,
    explicitBounds: bucketCounts.slice(1).map((_, at) => at * 1.5),
    count: bucketCounts.reduce((sum, each) => sum + each, 0) + (more === 1 ? more : 0),
  }));
const buckets = fc.record(
  { offset: fc.integer({ min: -40, max: 40 }), bucketCounts: list(count, 6) },
  { requiredKeys: [] },
);
const exponentialPoint = fc
  .tuple(
    buckets,
    buckets,
    optional({ ...pointFields, sum: double, scale: fc.integer({ min: -6, max: 22 }), zeroThreshold: double }),
  )
  .map(([positive, negative, rest]) => ({
    ...rest,
    positive,
    negative,
    count: [...(positive.bucketCounts ?? []), ...(negative.bucketCounts ?? [])].reduce(
      (sum, each) => sum + each,
      0,
    ),
  }));
const summaryPoint = optional({
  ...pointFields,
  count,
  sum: double,
  quantileValues: list(fc.record({ quantile: fc.double({ min: 0, max: 1, noNaN: true }), value: double })),
});
const temporality = fc.constantFrom(0, 1, 2);
const metric = fc
  .tuple(
    fc.record({
      name: fc.constantFrom('a', 'b.total', '', 'c'),
      unit: fc.constantFrom('', '1', 's', 'By/s'),
    }),
    fc.oneof(
      fc.record({ gauge: fc.record({ dataPoints: list(numberPoint) }) }),
      fc.record({
        sum: fc.record({
          dataPoints: list(numberPoint),
          aggregationTemporality: temporality,
          isMonotonic: fc.boolean(),
        }),
      }),
      fc.record({
        histogram: fc.record({ dataPoints: list(histogramPoint), aggregationTemporality: temporality }),
      }),
      fc.record({
        exponentialHistogram: fc.record({
          dataPoints: list(exponentialPoint),
          aggregationTemporality: temporality,
        }),
      }),
      fc.record({ summary: fc.record({ dataPoints: list(summaryPoint) }) }),
      fc.constant({}),
    ),
  )
  .map(([head, data]) => ({ ...head, ...data }));
const span = optional({
  traceId: id(16),
  spanId: id(8),
  parentSpanId: id(8),
  name: text,
  kind: fc.integer({ min: 0, max: 7 }),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  events: list(optional({ timeUnixNano: time, name: text, attributes })),
  links: list(optional({ traceId: id(16), spanId: id(8), attributes })),
  status: optional({ code: fc.integer({ min: 0, max: 4 }), message: text }),
});
const logRecord = optional({
  timeUnixNano: time,
  observedTimeUnixNano: time,
  severityNumber: fc.integer({ min: 0, max: 30 }),
  severityText: text,
  body: value,
  attributes,
  traceId: id(16),
  spanId: id(8),
  eventName: text,
});

function request(
  names: readonly [string, string, string],
  element: fc.Arbitrary<object>,
): fc.Arbitrary<object> {
  const [resources, scopes, elements] = names;
  const scope = optional({ name: text, version: text, attributes });
  const ofScope = fc
    .tuple(scope, list(element))
    .map(([found, inner]) => ({ scope: found, [elements]: inner }));
  const ofResource = fc
    .tuple(optional({ attributes }), list(ofScope, 2))
    .map(([resource, inner]) => ({ resource, [scopes]: inner }));
  return list(ofResource, 2).map((inner) => ({ [resources]: inner }));
}

const REQUESTS: Readonly<Record<Signal, fc.Arbitrary<object>>> = {
  metrics: request(['resourceMetrics', 'scopeMetrics', 'metrics'], metric),
  traces: request(['resourceSpans', 'scopeSpans', 'spans'], span),
  logs: request(['resourceLogs', 'scopeLogs', 'logRecords'], logRecord),
};

async function outcome(
  signal: Signal,
  encoding: 'json' | 'protobuf',
  bodies: readonly object[],
): Promise<object> {
  const otlp: OtlpTest = await startOtlp();
  const answers = [];
  for (const body of bodies) answers.push(await otlp.send(signal, body, { encoding }));
  return {
    answers,
    stored: otlp.stored(),
    info: otlp.stored('target_info'),
    spans: otlp.spans,
    logs: otlp.logs,
  };
}

it.each(['metrics', 'traces', 'logs'] as const)('%s mean the same in both encodings', async (signal) => {
  await fc.assert(
    fc.asyncProperty(list(REQUESTS[signal], 2), async (bodies) => {
      expect(await outcome(signal, 'json', bodies)).toEqual(await outcome(signal, 'protobuf', bodies));
    }),
    { numRuns: propertyRuns(150) },
  );
});
