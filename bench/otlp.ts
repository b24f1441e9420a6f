// npm run bench -- otlp [--json] [--seconds=3] [--only=ROW]
// Receives OTLP bodies of about 8 MB and reports elements a second of CPU time, beside protobufjs on the same bodies in
// the same run, in turn:
// - decodePerSecond: metrics from bytes to columns, against protobufjsPerSecond, which decodes to objects and no more;
// - readPerSecond: to the door of a store that keeps nothing; of metrics the samples are there already;
// - perSecond: all in all, into the real metrics store in memory; of traces and logs as readPerSecond;
// - protobufjsBuiltPerSecond: protobufjs, and the same spans and records built from its objects.
// An element is a point, span or record; a histogram is one point and `samplesPerElement` samples of the store.
// To reach: metrics at 1,000,000 points/s a core, decoding 4 × protobufjs; no stretch of the event loop over 10 ms.
import { parseArgs } from 'node:util';
import { createOtlpReceiver, type OtlpReceiverOptions } from '#ingest';
import { createSystemClock, createSystemRandom, SelfMetrics, silentLogger, noneRefused } from '#telemetry';
import { createTsdb } from '#tsdb';
import { builtFrom } from './otlp/built.ts';
import { MetricsDecoding } from './otlp/decoding.ts';
import {
  logsBodies,
  metricsBodies,
  REQUEST_TYPES,
  tracesBodies,
  type Bodies,
  type MetricsShape,
} from './otlp/bodies.ts';
import { LoopWatch } from './otlp/loop-watch.ts';
import { percentile } from './tsdb/numbers.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});

const shapes = {
  'metrics, sums': { resources: 10, metrics: 10, points: 500, kind: 'sum' },
  'metrics, deltas': { resources: 10, metrics: 10, points: 500, kind: 'delta' },
  'metrics, histograms': { resources: 5, metrics: 5, points: 800, kind: 'histogram' },
  'metrics, exponential histograms': { resources: 5, metrics: 5, points: 1200, kind: 'exponential' },
} as const satisfies Record<string, MetricsShape>;

const clock = createSystemClock();
const startMs = Math.floor(clock.wallMs());

/** Bodies for one row: metrics of the same series at times that go on, others again and again. */
interface Row {
  readonly name: string;
  readonly bodies: readonly Bodies[];
}

/** Fifteen buckets, the count and the sum. */
const SAMPLES_PER_HISTOGRAM = 17;
const ROUNDS = 12;
function rows(): readonly Row[] {
  const times = Array.from({ length: ROUNDS }, (_, at) => startMs - 600_000 + at * 15_000);
  return [
    ...Object.entries(shapes).map(([name, shape]) => ({
      name,
      bodies: times.map((timeMs) => metricsBodies(shape, timeMs)),
    })),
    { name: 'traces', bodies: [tracesBodies(20_000, startMs)] },
    { name: 'logs', bodies: [logsBodies(28_000, startMs)] },
  ];
}

/** A store that gives out references and keeps nothing. */
function emptyStore(): OtlpReceiverOptions['samples'] {
  const refused = noneRefused();
  const durable = Promise.resolve();
  let newestRef = 0;
  return {
    series: () => ++newestRef,
    describe: () => undefined,
    commit: (batch) => ({ accepted: batch.length, refused, durable: () => durable }),
    holds: (ref) => ref > 0,
    onForgotten: () => ({ stop: () => undefined }),
    isTimely: () => true,
    newestMs: () => -Infinity,
    newestValue: () => NaN,
    newestHistogram: () => null,
  };
}

async function openReceiver(store: 'real' | 'empty') {
  const metrics = new SelfMetrics();
  const random = createSystemRandom();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: metrics });
  const receiver = createOtlpReceiver({
    clock,
    random,
    samples: store === 'real' ? tsdb : emptyStore(),
    spans: { receive: async () => undefined },
    logs: { receive: async () => undefined },
    selfMetrics: metrics,
    isReserved: () => false,
    agentPool: () => null,
  });
  return { receiver, tsdb };
}

interface Measured {
  readonly perSecond: number;
  readonly stretchCpuMs: number;
  readonly stretchWallMs: number;
}

/** Elements a second of CPU time, in a store of its own; the first body, whose series are new, is left out. */
async function measureOmoi(
  { bodies }: Row,
  encoding: 'protobuf' | 'json',
  store: 'real' | 'empty' = 'real',
): Promise<Measured> {
  const { receiver, tsdb } = await openReceiver(store);
  const watch = new LoopWatch();
  const sender = { name: 'token:bench', scope: null };
  let elements = 0;
  let cpuMs = 0;
  for (const [at, body] of bodies.entries()) {
    const before = process.threadCpuUsage();
    const { signal, [encoding]: bytes } = body;
    const answer = await receiver.receive({ signal, encoding, body: bytes, sender, take: () => undefined });
    const used = process.threadCpuUsage(before);
    if (answer.length > 2) throw new Error(`refused: ${Buffer.from(answer).toString()}`);
    if (at === 0 && bodies.length > 1) continue;
    elements += body.elements;
    cpuMs += (used.user + used.system) / 1000;
  }
  const stretch = watch.stop();
  await tsdb.stop();
  return { perSecond: (elements / cpuMs) * 1000, ...stretch };
}

/** Elements a second of CPU time of some work on each body. */
function measured({ bodies }: Row, work: (body: Bodies) => void): number {
  let elements = 0;
  const before = process.threadCpuUsage();
  for (const body of bodies) {
    work(body);
    elements += body.elements;
  }
  const used = process.threadCpuUsage(before);
  return elements / ((used.user + used.system) / 1_000_000);
}

function measureDecoding(row: Row): number {
  const [first] = row.bodies;
  if (first?.signal !== 'metrics') return NaN;
  const decoding = new MetricsDecoding(first.protobuf, emptyStore());
  return measured(row, ({ protobuf }) => decoding.decode(protobuf));
}

function measureBuilding(row: Row): number {
  return row.bodies[0]?.signal === 'metrics'
    ? NaN
    : measured(row, ({ signal, protobuf, elements }) => {
        if (signal !== 'metrics' && builtFrom(signal, protobuf) !== elements)
          throw new Error('not all was built');
      });
}

const median = (values: readonly number[]): number => percentile(values, 0.5);

interface Runs {
  readonly protobuf: Measured[];
  readonly read: Measured[];
  readonly json: Measured[];
  readonly decode: number[];
  readonly reference: number[];
  readonly built: number[];
}

/** All ways in turn, until the time is over. */
async function runs(row: Row): Promise<Runs> {
  const all: Runs = { protobuf: [], read: [], json: [], decode: [], reference: [], built: [] };
  const endMs = clock.monotonicMs() + 1000 * Number(options.seconds);
  do {
    all.protobuf.push(await measureOmoi(row, 'protobuf'));
    all.reference.push(measured(row, ({ signal, protobuf }) => void REQUEST_TYPES[signal].decode(protobuf)));
    all.decode.push(measureDecoding(row));
    all.built.push(measureBuilding(row));
    all.read.push(await measureOmoi(row, 'protobuf', 'empty'));
    all.json.push(await measureOmoi(row, 'json'));
  } while (clock.monotonicMs() < endMs);
  return all;
}

for (const row of rows()) {
  const [body] = row.bodies;
  if (!body || (options.only !== undefined && options.only !== row.name)) continue;
  const { protobuf, read, json, decode, reference, built } = await runs(row);
  const rates = (values: readonly Measured[]): number => median(values.map(({ perSecond }) => perSecond));
  const worst = (key: 'stretchCpuMs' | 'stretchWallMs'): number =>
    Math.max(...[...protobuf, ...json].map((each) => each[key]));
  const protobufjs = median(reference);
  const times = (rate: number): number => Number((rate / protobufjs).toFixed(2));
  const isMetrics = body.signal === 'metrics';
  const result = {
    row: row.name,
    elements: body.elements,
    samplesPerElement: row.name === 'metrics, histograms' ? SAMPLES_PER_HISTOGRAM : 1,
    protobufMb: Number((body.protobuf.length / 1e6).toFixed(1)),
    jsonMb: Number((body.json.length / 1e6).toFixed(1)),
    protobufjsPerSecond: Math.round(protobufjs),
    ...(isMetrics && { decodePerSecond: Math.round(median(decode)), decodeTimes: times(median(decode)) }),
    readPerSecond: Math.round(rates(read)),
    readTimes: times(rates(read)),
    ...(!isMetrics && {
      protobufjsBuiltPerSecond: Math.round(median(built)),
      readTimesBuilt: Number((rates(read) / median(built)).toFixed(2)),
    }),
    perSecond: Math.round(rates(protobuf)),
    jsonPerSecond: Math.round(rates(json)),
    longestStretchCpuMs: Number(worst('stretchCpuMs').toFixed(1)),
    longestStretchWallMs: Number(worst('stretchWallMs').toFixed(1)),
  };
  if (options.json) console.log(JSON.stringify(result));
  else {
    const { row: name, ...numbers } = result;
    console.log(
      `${name.padEnd(34)} ${Object.entries(numbers)
        .map(([key, value]) => `${key} ${value}`)
        .join(', ')}`,
    );
  }
}
