// npm run bench -- otlp [--json] [--seconds=3]
// Receives OTLP bodies of about 8 MB into the real metrics store, in memory, and reports elements a second of CPU time:
// all in all (perSecond), and to the door of a store that keeps nothing (readPerSecond), beside what protobufjs takes to
// decode the same bodies in the same run, in turn. To reach: metrics in protobuf at
// 1,000,000 points/s a core and 4 × protobufjs; no stretch of the event loop over 10 ms.
import { parseArgs } from 'node:util';
import { createOtlpReceiver, type OtlpReceiverOptions } from '#ingest';
import { createSystemClock, createSystemRandom, SelfMetrics, silentLogger } from '#telemetry';
import { createTsdb } from '#tsdb';
import {
  logsBodies,
  metricsBodies,
  REQUEST_TYPES,
  tracesBodies,
  type Bodies,
  type MetricsShape,
} from './otlp/bodies.ts';
import { LoopWatch } from './otlp/loop-watch.ts';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, seconds: { type: 'string', default: '3' } },
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
  const refused = {
    out_of_order: 0,
    duplicate_timestamp: 0,
    too_old: 0,
    too_far_ahead: 0,
    unknown_series: 0,
    storage_full: 0,
  };
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
  const sender = { scope: null };
  let elements = 0;
  let cpuMs = 0;
  for (const [at, body] of bodies.entries()) {
    const before = process.threadCpuUsage();
    const answer = await receiver.receive({ signal: body.signal, encoding, body: body[encoding], sender });
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

function measureReference({ bodies }: Row): number {
  let elements = 0;
  const before = process.threadCpuUsage();
  for (const body of bodies) {
    REQUEST_TYPES[body.signal].decode(body.protobuf);
    elements += body.elements;
  }
  const used = process.threadCpuUsage(before);
  return elements / ((used.user + used.system) / 1_000_000);
}

const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[values.length >>> 1] ?? NaN;

for (const row of rows()) {
  const [body] = row.bodies;
  if (!body) continue;
  const measured: { protobuf: Measured[]; read: Measured[]; json: Measured[]; reference: number[] } = {
    protobuf: [],
    read: [],
    json: [],
    reference: [],
  };
  const endMs = clock.monotonicMs() + 1000 * Number(options.seconds);
  do {
    measured.protobuf.push(await measureOmoi(row, 'protobuf'));
    measured.reference.push(measureReference(row));
    measured.read.push(await measureOmoi(row, 'protobuf', 'empty'));
    measured.json.push(await measureOmoi(row, 'json'));
  } while (clock.monotonicMs() < endMs);
  const perSecond = median(measured.protobuf.map((each) => each.perSecond));
  const readPerSecond = median(measured.read.map((each) => each.perSecond));
  const reference = median(measured.reference);
  const worst = (key: 'stretchCpuMs' | 'stretchWallMs'): number =>
    Math.max(...[...measured.protobuf, ...measured.json].map((each) => each[key]));
  const result = {
    row: row.name,
    elements: body.elements,
    protobufMb: Number((body.protobuf.length / 1e6).toFixed(1)),
    jsonMb: Number((body.json.length / 1e6).toFixed(1)),
    perSecond: Math.round(perSecond),
    protobufjsPerSecond: Math.round(reference),
    readPerSecond: Math.round(readPerSecond),
    readTimesProtobufjs: Number((readPerSecond / reference).toFixed(1)),
    jsonPerSecond: Math.round(median(measured.json.map((each) => each.perSecond))),
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
