import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { nextTurn } from '#telemetry';
import { heavyPropertyRuns } from '../../../tests/property-runs.ts';
import { maxSmallBodyBytes } from './lanes.ts';
import { encodeProtobuf, startOtlp, type OtlpTest } from './otlp.test-support.ts';
import type { Signal } from './wire/messages.ts';

const SIGNALS = ['metrics', 'traces', 'logs'] as const;
const ENCODINGS = ['json', 'protobuf'] as const;
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const service = (name: number | string) => ({ attributes: [text('service.name', `s${name}`)] });
const ofService = (name: number | string, ...metrics: readonly object[]) => ({
  resourceMetrics: [{ resource: service(name), scopeMetrics: [{ metrics }] }],
});
const encoded = (message: object): Uint8Array => encodeProtobuf('metrics', message);

/** A clock by which two looks are a stretch: work pauses wherever it may. */
async function startPausing(options?: Parameters<typeof startOtlp>[0]): Promise<OtlpTest> {
  const otlp = await startOtlp(options);
  let nowMs = 0;
  Object.assign(otlp.clock, { monotonicMs: () => ++nowMs });
  return otlp;
}

const wideGauge = {
  name: 'wide',
  gauge: {
    dataPoints: Array.from({ length: 700 }, (_, at) => ({
      asInt: 1,
      attributes: [text('a', `${at}`.padEnd(450, 'x'))],
    })),
  },
};
const wide = new Map<number | string, Uint8Array>();
/** So much of a service that its request is a large one. */
function wideOf(name: number | string): Uint8Array {
  const bytes = wide.get(name) ?? encoded(ofService(name, wideGauge));
  wide.set(name, bytes);
  return bytes;
}

/** A field that nobody knows, and that is passed over in no time. */
const unknownField = Buffer.concat([
  Buffer.from([0x7a, 0x80, 0x80, 0x20]),
  Buffer.alloc(2 * maxSmallBodyBytes),
]);

/** One after the other, requests are one request. */
const joined = (...requests: readonly Uint8Array[]): Uint8Array => Buffer.concat(requests);

/** A reset of the cumulative sum, or none; deltas of a sum and of both kinds of histograms. */
interface Part {
  readonly service: number;
  readonly isReset: boolean;
  readonly deltas: readonly number[];
}

interface Sent {
  readonly isLarge: boolean;
  readonly parts: readonly Part[];
  /** So many turns of the event loop after the one before. */
  readonly turnsAfter: number;
  /** So many requests ago was its time. */
  readonly late: number;
}

const sent: fc.Arbitrary<Sent> = fc.record({
  isLarge: fc.boolean(),
  parts: fc.array(
    fc.record({
      service: fc.nat(2),
      isReset: fc.boolean(),
      deltas: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  turnsAfter: fc.constantFrom(0, 0, 1, 3, 20),
  late: fc.constantFrom(0, 0, 0, 1),
});

function messageOf({ service: name, isReset, deltas }: Part, ns: (ms: number) => string, fromMs: number) {
  const points = (point: (delta: number) => object): readonly object[] =>
    deltas.map((delta, at) => ({ timeUnixNano: ns(fromMs + 10 * (at + 1)), ...point(delta) }));
  const temporality = { aggregationTemporality: 1, isMonotonic: true };
  const native = (count: number) => ({ count, scale: 0, positive: { offset: 0, bucketCounts: [count] } });
  const buckets = (count: number) => ({ count, sum: count, explicitBounds: [1], bucketCounts: [0, count] });
  const start = { startTimeUnixNano: ns(isReset ? fromMs + 1 : 1) };
  return ofService(
    name,
    { name: 'native', exponentialHistogram: { ...temporality, dataPoints: points(native) } },
    { name: 'deltas', sum: { ...temporality, dataPoints: points((asInt) => ({ asInt })) } },
    { name: 'buckets', histogram: { ...temporality, dataPoints: points(buckets) } },
    {
      name: 'since',
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: points((delta) => ({ asInt: fromMs + delta, ...start })),
      },
    },
  );
}

async function outcome(requests: readonly Sent[], order: 'in turn' | 'side by side'): Promise<object> {
  const otlp = await startPausing();
  const answers = [];
  for (const [at, { isLarge, parts, turnsAfter, late }] of requests.entries()) {
    const messages = parts.map((part) => encoded(messageOf(part, otlp.ns, 1000 * (at + 1 - 1.5 * late))));
    const body = joined(...messages, ...(isLarge ? [wideOf(parts[0]?.service ?? 0), ...messages] : []));
    const answer = otlp.send('metrics', body, { encoding: 'protobuf' });
    answers.push(answer);
    if (order === 'in turn') await answer;
    else for (let turn = 0; turn < turnsAfter; turn++) await nextTurn();
  }
  return {
    answers: await Promise.all(answers),
    stored: otlp.stored(),
    info: otlp.stored('target_info'),
  };
}

it('requests side by side leave behind what they leave one after the other', async () => {
  expect(wideOf(0).length).toBeGreaterThan(maxSmallBodyBytes);
  await fc.assert(
    fc.asyncProperty(fc.array(sent, { minLength: 2, maxLength: 5 }), async (requests) => {
      expect(await outcome(requests, 'side by side')).toEqual(await outcome(requests, 'in turn'));
    }),
    { numRuns: heavyPropertyRuns(25) },
  );
});

const TEXT = 'x'.repeat(250);
const id = (at: number, digits: number): string => (at + 1).toString(16).padStart(digits, '0');
const BODIES: Readonly<Record<Signal, (count: number, ns: OtlpTest['ns']) => object>> = {
  metrics: (count) => {
    const dataPoints = Array.from({ length: count }, (_, at) => ({
      asInt: 1,
      attributes: [text('a', `${at}${TEXT}`)],
    }));
    return ofService(count, { name: 'g', gauge: { dataPoints } });
  },
  traces: (count, ns) => {
    const spans = Array.from({ length: count }, (_, at) => ({
      traceId: id(0, 32),
      spanId: id(at, 16),
      name: TEXT,
      startTimeUnixNano: ns(0),
    }));
    return { resourceSpans: [{ resource: service(count), scopeSpans: [{ spans }] }] };
  },
  logs: (count) => {
    const logRecords = Array.from({ length: count }, () => ({ body: { stringValue: TEXT } }));
    return { resourceLogs: [{ resource: service(count), scopeLogs: [{ logRecords }] }] };
  },
};

it.each(SIGNALS.flatMap((signal) => ENCODINGS.map((encoding) => ({ signal, encoding }))))(
  'small $signal in $encoding overtake large ones of all signals',
  async ({ signal, encoding }) => {
    const otlp = await startPausing();
    const done: string[] = [];
    const send = async (name: string, of: Signal, count: number): Promise<void> => {
      await otlp.send(of, BODIES[of](count, otlp.ns), { encoding });
      done.push(name);
    };
    const large = SIGNALS.map((of) => send('large', of, 2000));
    await nextTurn();
    const small = send('small', signal, 1);
    await Promise.all([...large, small]);
    expect(done).toEqual(['small', 'large', 'large', 'large']);
  },
);

test('a request goes on with the writers that it has found, when all are forgotten for another', async () => {
  let forget = (): void => undefined;
  const otlp = await startPausing({
    samples: (tsdb) =>
      new Proxy(tsdb, {
        get(target, key) {
          if (key === 'onForgotten') {
            return (listener: (count: number) => void) => {
              forget = () => listener(Number.MAX_SAFE_INTEGER);
              return { stop: () => undefined };
            };
          }
          const found: unknown = Reflect.get(target, key);
          return typeof found === 'function' ? (found.bind(target) as unknown) : found;
        },
      }),
  });
  const sum = (name: string, ms: number, value: number, startMs: number) => {
    const dataPoints = Array.from({ length: 50 }, (_, at) => ({
      timeUnixNano: otlp.ns(ms),
      startTimeUnixNano: otlp.ns(startMs),
      asInt: value + at,
      attributes: [text('n', `${at}`)],
    }));
    return encoded(
      ofService(name, { name: 'c', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }),
    );
  };
  const send = (body: Uint8Array) => otlp.send('metrics', body, { encoding: 'protobuf' });
  await send(joined(wideOf('large'), sum('large', 10, 100, 1)));
  const large = send(joined(wideOf('large'), sum('large', 40, 1000, 30)));
  await nextTurn();
  forget();
  await send(sum('small', 20, 7, 1));
  await large;
  const stored = otlp.stored('c_total');
  expect(Object.keys(stored)).toHaveLength(100);
  for (let at = 0; at < 50; at++) {
    expect(stored[`c_total{job="slarge", n="${at}"}`]).toEqual({ 10: 100 + at, 30: 0, 40: 1000 + at });
    expect(stored[`c_total{job="ssmall", n="${at}"}`]).toEqual({ 20: 7 + at });
  }
});

const ofSum = (dataPoints: readonly object[]) => ({
  name: 'd',
  sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints },
});

test('a large request waits for the small ones of its writer that came before', async () => {
  const otlp = await startPausing();
  const send = (body: Uint8Array) => otlp.send('metrics', body, { encoding: 'protobuf' });
  await send(wideOf(1));
  const at = (ms: number) => encoded(ofService(1, ofSum([{ timeUnixNano: otlp.ns(ms), asInt: 1 }])));
  const small = Array.from({ length: 100 }, (_, ms) => at(ms + 1));
  const answers = await Promise.all([...small, joined(at(200), unknownField)].map(send));
  expect(answers.filter(({ rejected }) => rejected > 0)).toEqual([]);
  expect(Object.values(otlp.stored('d_total')['d_total{job="s1"}'] ?? {}).at(-1)).toBe(101);
});

test('deltas count once though points of a resource without a name say that they are those of another', async () => {
  const otlp = await startPausing();
  const send = (message: object) => otlp.send('metrics', encoded(message), { encoding: 'protobuf' });
  const attributes = [text('pad', 'x'.repeat(400))];
  const points = Array.from({ length: 700 }, (_, at) => ({
    timeUnixNano: otlp.ns(at + 1),
    asInt: 1,
    attributes: [text('job', 's1'), ...attributes],
  }));
  const progress = { isDone: false };
  const large = send({ resourceMetrics: [{ scopeMetrics: [{ metrics: [ofSum(points)] }] }] }).finally(() => {
    progress.isDone = true;
  });
  const samples = () => Object.entries(otlp.stored('d_total')[SERIES] ?? {});
  const SERIES = `d_total{job="s1", pad="${'x'.repeat(400)}"}`;
  let counted = 0;
  for (let sent = 0; !progress.isDone; sent++) {
    await nextTurn();
    const newest = samples().at(-1);
    // While the large one is stored, a little ahead of it.
    if (newest === undefined || sent % 5 !== 0) continue;
    const point = { timeUnixNano: otlp.ns(Number(newest[0]) + 2), asInt: 1000, attributes };
    counted += 1 - (await send(ofService(1, ofSum([point])))).rejected;
  }
  expect(counted).toBeGreaterThan(3);
  const total = 1000 * counted + points.length - (await large).rejected;
  expect(samples().at(-1)?.[1]).toBe(total);
});
