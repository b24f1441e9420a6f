import { beforeEach, describe, expect, it } from 'vitest';
import { encodeProtobuf, startOtlp, type OtlpTest } from './otlp.test-support.ts';
import type { Signal } from './wire/messages.ts';
import { WireWriter } from './wire/wire-writer.ts';

/** Elements of a body; of those that cost a byte or two, more. */
const MANY = 8000;
const VERY_MANY = 80_000;
/** Less would be more than a thousand elements at a stretch. */
const LEAST_TURNS = 8;

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
  // A clock by which two looks are a stretch.
  let nowMs = 0;
  Object.assign(otlp.clock, { monotonicMs: () => ++nowMs });
});

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const many = <Element>(element: (at: number) => Element): Element[] =>
  Array.from({ length: MANY }, (_, at) => element(at));
/** Each longer than what is read in one go. */
const few = <Element>(element: () => Element): Element[] => Array.from({ length: LEAST_TURNS }, element);
const longText = text('a', 'x'.repeat(150_000));
const metrics = (...list: readonly object[]) => ({
  resourceMetrics: [{ scopeMetrics: [{ metrics: list }] }],
});
const id = (at: number, digits: number): string => (at + 1).toString(16).padStart(digits, '0');

const BODIES: Readonly<Record<string, readonly [Signal, () => object]>> = {
  'points of one series': [
    'metrics',
    () => metrics({ name: 'g', gauge: { dataPoints: many(() => ({ asInt: 1 })) } }),
  ],
  'points of as many series': [
    'metrics',
    () =>
      metrics({
        name: 'g',
        gauge: { dataPoints: many((at) => ({ asInt: 1, attributes: [text('a', `${at}`)] })) },
      }),
  ],
  histograms: [
    'metrics',
    () =>
      metrics({
        name: 'h',
        histogram: {
          aggregationTemporality: 1,
          dataPoints: many(() => ({ count: 1, sum: 1, bucketCounts: [0, 1], explicitBounds: [1] })),
        },
      }),
  ],
  'exponential histograms': [
    'metrics',
    () =>
      metrics({
        name: 'e',
        exponentialHistogram: {
          aggregationTemporality: 1,
          dataPoints: many(() => ({ count: 1, zeroCount: 1 })),
        },
      }),
  ],
  'metrics of one point': [
    'metrics',
    () => metrics(...many((at) => ({ name: `m${at}`, gauge: { dataPoints: [{ asInt: 1 }] } }))),
  ],
  'metrics without data': ['metrics', () => metrics(...many(() => ({ name: 'm' })))],
  spans: [
    'traces',
    () => ({
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: many((at) => ({
                traceId: id(0, 32),
                spanId: id(at, 16),
                startTimeUnixNano: otlp.ns(0),
              })),
            },
          ],
        },
      ],
    }),
  ],
  'spans that are refused': [
    'traces',
    () => ({ resourceSpans: [{ scopeSpans: [{ spans: many(() => ({})) }] }] }),
  ],
  'log records': [
    'logs',
    () => ({
      resourceLogs: [{ scopeLogs: [{ logRecords: many((at) => ({ body: { stringValue: `${at}` } })) }] }],
    }),
  ],
  'resources without anything': ['logs', () => ({ resourceLogs: many(() => ({})) })],
  'resources of some length': [
    'metrics',
    () => ({ resourceMetrics: few(() => ({ resource: { attributes: [longText] } })) }),
  ],
  'points of some length': [
    'metrics',
    () => metrics({ name: 'g', gauge: { dataPoints: few(() => ({ asInt: 1, attributes: [longText] })) } }),
  ],
  'records of some length': [
    'logs',
    () => ({ resourceLogs: [{ scopeLogs: [{ logRecords: few(() => ({ attributes: [longText] })) }] }] }),
  ],
  'scopes without anything': ['traces', () => ({ resourceSpans: [{ scopeSpans: many(() => ({})) }] })],
};

async function turnsWhile(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await work.finally(() => clearImmediate(next));
  return turns;
}

it.each(
  Object.entries(BODIES).flatMap(([name, [signal, message]]) =>
    (['json', 'protobuf'] as const).map((encoding) => ({ name, signal, message, encoding })),
  ),
)('others get their turns while many $name are read, in $encoding', async ({ signal, message, encoding }) => {
  const body = encoding === 'json' ? JSON.stringify(message()) : encodeProtobuf(signal, message());
  expect(await turnsWhile(otlp.send(signal, body, { encoding }))).toBeGreaterThanOrEqual(LEAST_TURNS);
});

it.each(['metrics', 'traces', 'logs'] as const)(
  'others get their turns while fields of %s are passed over that nobody knows',
  async (signal) => {
    const unknown = Buffer.from([0x78, 0x01]);
    const body = Buffer.alloc(unknown.length * VERY_MANY, unknown);
    const sent = otlp.send(signal, body, { encoding: 'protobuf' });
    expect(await turnsWhile(sent)).toBeGreaterThanOrEqual(LEAST_TURNS);
  },
);

it('exemplars are stored a thousand at a time, and what one point has of them more', async () => {
  const { tsdb } = otlp;
  const stored: number[] = [];
  const commit: typeof tsdb.commit = (batch, origin) => {
    stored.push(batch.exemplars.length);
    return inner(batch, origin);
  };
  const inner = tsdb.commit.bind(tsdb);
  Object.assign(tsdb, { commit });
  const exemplars = Array.from({ length: 250 }, (_, at) => ({ asInt: at, timeUnixNano: otlp.ns(0) }));
  const dataPoints = Array.from({ length: 40 }, (_, at) => ({
    asInt: 1,
    timeUnixNano: otlp.ns(0),
    attributes: [text('a', `${at}`)],
    exemplars,
  }));
  Object.assign(otlp.clock, { monotonicMs: () => 0 });
  await otlp.send('metrics', metrics({ name: 'g', gauge: { dataPoints } }), { encoding: 'protobuf' });
  expect(stored.reduce((sum, count) => sum + count)).toBe(10_000);
  expect(Math.max(...stored)).toBe(1000);
});

describe('others get their turns while JSON is read', () => {
  const long = 128 * 1024 * LEAST_TURNS;
  const texts = (length: number, count: number): string => {
    const text = `"${'x'.repeat(length)}"`;
    return Array.from({ length: count }, () => text).join(',');
  };
  it.each([
    ['a long text', `{"unknown":"${'x'.repeat(long)}"}`],
    ['a long text with escapes', `{"unknown":"${'\\n'.repeat(long / 2)}"}`],
    ['a long name', `{"${'x'.repeat(long)}":1}`],
    ['long white space', `{"unknown":${' '.repeat(long)}1}`],
    ['long white space behind the end', `{}${'\n'.repeat(long)}`],
    ['few texts of some length', `{"unknown":[${texts(60_000, long / 60_000)}]}`],
    [
      'white space between few brackets',
      `{"unknown":[${`[],${' '.repeat(30_000)}`.repeat(long / 30_000)}1]}`,
    ],
  ])('of %s', async (_, body) => {
    expect(await turnsWhile(otlp.send('logs', body))).toBeGreaterThanOrEqual(LEAST_TURNS);
  });

  it('and what was written is copied into more memory', () => {
    const mebibyte = 1024 * 1024;
    const writer = new WireWriter(16 * mebibyte);
    const text = Buffer.alloc(mebibyte - 8, 'x');
    for (let at = 0; at < 16; at++) writer.bytes(text);
    const { length } = writer;
    let steps = 0;
    for (const _ of writer.makeRoom(mebibyte)) steps++;
    expect(steps).toBeGreaterThanOrEqual(15);
    writer.bytes(text);
    // Each text behind its length of three bytes.
    const lengthOfText = length / 16;
    for (let at = 0; at < length; at += lengthOfText) {
      const copied = writer.written.subarray(at + lengthOfText - text.length, at + lengthOfText);
      expect(text.compare(copied)).toBe(0);
    }
  });
});
