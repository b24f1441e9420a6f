import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  SelfMetrics,
  VirtualClock,
  createMatcher,
  createSeededRandom,
  isStaleMarker,
  silentLogger,
  wordsOf,
} from '#telemetry';
import { createTsdb, type Tsdb, type TsdbLimits } from '#tsdb';
import {
  double,
  encodeWriteRequest,
  field,
  int64,
  sint,
  snappy,
  tag,
  type RequestSeries,
} from '../../../tests/remote-write-request.ts';
import { createRemoteWriteReceiver, type RemoteWriteReceiver } from './receiver.ts';
import { SnappyDecoder } from './snappy.ts';

let clock: VirtualClock;
let tsdb: Tsdb;
let selfMetrics: SelfMetrics;
let receiver: RemoteWriteReceiver;

async function start(limits: Partial<TsdbLimits> = {}): Promise<void> {
  clock = new VirtualClock();
  selfMetrics = new SelfMetrics();
  tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics, limits });
  receiver = createRemoteWriteReceiver({
    sink: tsdb,
    clock,
    random: createSeededRandom(1),
    selfMetrics,
    isReserved: (name) => name === 'agent_heartbeats_missed',
  });
}
beforeEach(() => start());

const STRANGER = { mayWriteReserved: false };
const OPERATOR = { mayWriteReserved: true };
const send = (series: readonly RequestSeries[], rest?: Uint8Array, sender = STRANGER) =>
  receiver.handle({ body: snappy(encodeWriteRequest(series, rest)), traceparent: null, sender });

function selectAll() {
  const matchers = [createMatcher('__name__', '=~', '.+')];
  const found = tsdb.select({ matchers, startMs: 0, endMs: clock.wallMs() + 1e9 });
  if (found instanceof Promise) throw new Error('answered with a promise');
  return found;
}

const named = (name: string, ...more: (readonly [string, string])[]) => [
  ['__name__', name] as const,
  ...more,
];
const at = (offsetMs: number, value: number | Uint8Array = 1) => ({
  timestampMs: clock.wallMs() + offsetMs,
  value,
});

test('samples, staleness markers and metadata arrive, from known and unknown series alike', async () => {
  const stale = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);
  const metadata = field(
    3,
    Buffer.concat([tag(1, 0), int64(1), field(2, Buffer.from('m')), field(4, Buffer.from('help'))]),
  );
  await send([{ labels: named('m', ['a', 'ä']), samples: [at(-2000, 1.5), at(-1000, -2)] }], metadata);
  await send([
    { labels: named('m', ['a', 'ä']), samples: [at(0, stale)] },
    { labels: named('n'), samples: [at(0, 3)] },
  ]);
  const [m, n] = selectAll();
  expect(m?.labels).toEqual({ __name__: 'm', a: 'ä' });
  expect(m?.values.subarray(0, 2)).toEqual(Float64Array.of(1.5, -2));
  expect(m && isStaleMarker(wordsOf(m.values), 2)).toBe(true);
  expect(n?.values).toEqual(Float64Array.of(3));
  expect(tsdb.metadata().get('m')).toEqual({ type: 'counter', help: 'help', unit: '' });
});

test('native histograms and exemplars arrive', async () => {
  const span = field(11, Buffer.concat([tag(1, 0), sint(-1), tag(2, 0), int64(3)]));
  const histogram = field(
    4,
    Buffer.concat([
      tag(1, 0),
      int64(7),
      tag(3, 1),
      double(18.4),
      tag(4, 0),
      sint(1),
      tag(5, 1),
      double(0.001),
      tag(6, 0),
      int64(1),
      span,
      field(12, Buffer.concat([sint(1), sint(1), sint(1)])),
      tag(14, 0),
      int64(2),
      tag(15, 0),
      int64(clock.wallMs()),
    ]),
  );
  const exemplar = field(
    3,
    Buffer.concat([
      field(1, Buffer.concat([field(1, Buffer.from('trace_id')), field(2, Buffer.from('abc'))])),
      tag(2, 1),
      double(0.5),
      tag(3, 0),
      int64(clock.wallMs()),
    ]),
  );
  await send([{ labels: named('h'), rest: Buffer.concat([exemplar, histogram]) }]);
  expect(selectAll()[0]?.histograms).toEqual([
    {
      schema: 1,
      count: 7,
      sum: 18.4,
      zeroThreshold: 0.001,
      zeroCount: 1,
      positiveSpans: [{ offset: -1, length: 3 }],
      positiveCounts: [1, 2, 3],
      negativeSpans: [],
      negativeCounts: [],
      customBounds: [],
      counterReset: 'not_reset',
    },
  ]);
  const found = await tsdb.exemplars({ matchers: [], startMs: 0, endMs: clock.wallMs() });
  expect(found[0]?.exemplars).toEqual([
    { labels: { trace_id: 'abc' }, value: 0.5, timestampMs: clock.wallMs() },
  ]);
});

test.each<[string, () => readonly RequestSeries[], string]>([
  [
    'a label twice',
    () => [{ labels: named('m', ['a', '1'], ['a', '2']), samples: [at(0)] }],
    'labels_invalid',
  ],
  ['an empty label name', () => [{ labels: named('m', ['', '1']), samples: [at(0)] }], 'labels_invalid'],
  ['no metric name', () => [{ labels: [['a', '1']], samples: [at(0)] }], 'labels_invalid'],
  [
    'a long value',
    () => [{ labels: named('m', ['a', 'x'.repeat(9000)]), samples: [at(0)] }],
    'labels_invalid',
  ],
  [
    'labels after samples',
    () => [{ labels: named('m'), samples: [at(0)], rest: field(1, Buffer.of()) }],
    'payload_undecodable',
  ],
])('%s: nothing of the request is stored', async (_, bad, code) => {
  const good = { labels: named('good'), samples: [at(0)] };
  await expect(send([good, ...bad(), good])).rejects.toMatchObject({ code });
  expect(selectAll()).toEqual([]);
});

test('refused samples are named and counted, the others stored', async () => {
  await send([{ labels: named('m'), samples: [at(0, 1)] }]);
  const samples = [at(0, 2), at(-600_000), at(-9_000_000), at(900_000), at(1)];
  await expect(send([{ labels: named('m'), samples }])).rejects.toMatchObject({
    code: 'sample_refused',
    details: { duplicate_timestamp: 1, out_of_order: 1, too_old: 1, too_far_ahead: 1 },
  });
  expect(selectAll()[0]?.values).toHaveLength(2);
});

test('series beyond the limit are dropped, the others stored', async () => {
  await start({ maxSeries: 1 });
  const series = [named('a'), named('b')].map((labels) => ({ labels, samples: [at(0)] }));
  await expect(send(series)).rejects.toMatchObject({ code: 'series_limit_reached' });
  expect(selectAll().map(({ labels }) => labels['__name__'])).toEqual(['a']);
});

test('a series that the store forgot is made again', async () => {
  const request = (offsetMs: number) => send([{ labels: named('m'), samples: [at(offsetMs)] }]);
  await request(0);
  await clock.advance(9 * 3_600_000);
  expect((await tsdb.status()).seriesCount).toBe(0);
  await request(0);
  expect(selectAll()).toHaveLength(1);
});

test('a large request is stored whole', async () => {
  const samples = Array.from({ length: 45_000 }, (_, place) => at(place - 45_000, place));
  await send([{ labels: named('m'), samples }]);
  expect(selectAll()[0]?.values).toEqual(Float64Array.from(samples, ({ value }) => Number(value)));
});

describe('snappy', () => {
  test('what another implementation compresses comes back', () => {
    const decoder = new SnappyDecoder(1 << 20);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 5000 }),
      fc
        .array(fc.constantFrom('abc', 'aaaaaaaa', 'label=value', '\0'), { maxLength: 500 })
        .map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(bytes, (original) => {
        expect(Buffer.from(decoder.decode(snappy(original))).equals(original)).toBe(true);
      }),
    );
  });

  test('a bomb is refused before it is decoded', () => {
    const bomb = Buffer.concat([Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), Buffer.alloc(1000, 0xfe)]);
    expect(() => new SnappyDecoder(1024).decode(bomb)).toThrowError(
      expect.objectContaining({ code: 'body_too_large' }),
    );
  });

  test('any bytes are decoded or refused', () => {
    const decoder = new SnappyDecoder(1 << 16);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expectCoded(() => decoder.decode(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

function expectCoded(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toMatchObject({ name: 'OmoiError' });
  }
}

test('damaged requests are refused with a code, whatever is wrong', async () => {
  const exemplar = field(3, Buffer.concat([field(1, field(1, Buffer.from('t'))), tag(2, 1), double(1)]));
  const histogram = field(
    4,
    Buffer.concat([tag(1, 0), int64(7), field(12, sint(1)), tag(15, 0), int64(clock.wallMs())]),
  );
  const original = encodeWriteRequest([
    { labels: named('m', ['a', '1']), samples: [at(0), at(1)], rest: Buffer.concat([exemplar, histogram]) },
    { labels: named('n'), samples: [at(0)] },
  ]);
  const change = fc.record({
    place: fc.nat(original.length - 1),
    byte: fc.nat(255),
    cut: fc.nat(original.length),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const bytes = Uint8Array.from(original);
      for (const { place, byte } of changes) bytes[place] = byte;
      const body = snappy(bytes.subarray(0, Math.max(1, changes[0]?.cut ?? 1)));
      const error: unknown = await receiver.handle({ body, traceparent: null, sender: STRANGER }).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (error !== null) expect(error).toMatchObject({ name: 'OmoiError' });
    }),
    { numRuns: 1000 },
  );
});

describe('metrics that Omoi writes itself', () => {
  const forged = () => ({
    labels: named('agent_heartbeats_missed', ['agent_id', 'worker-1']),
    samples: [at(0, 9), at(1, 9)],
  });
  const refusedSamples = () =>
    selfMetrics.collect().find(({ name }) => name === 'omoi_remote_write_reserved_samples_total')?.points[0]
      ?.value;

  test('are refused by name and counted, while the rest of the request is stored', async () => {
    const refused = send([{ labels: named('m'), samples: [at(0)] }, forged(), { labels: named('n') }]);
    await expect(refused).rejects.toMatchObject({
      code: 'sample_refused',
      message:
        '1 samples were stored; of the others, reserved: 2, agent_heartbeats_missed is written by Omoi alone.',
      details: { reserved: 2 },
    });
    expect(selectAll().map(({ labels }) => labels['__name__'])).toEqual(['m']);
    expect(refusedSamples()).toBe(2);
  });

  test('are taken from an operator, which opens no way in for others', async () => {
    await send([forged()], undefined, OPERATOR);
    expect(selectAll()[0]?.values).toEqual(Float64Array.of(9, 9));
    await clock.advance(1000);
    await expect(send([forged()])).rejects.toMatchObject({ code: 'sample_refused' });
    expect(selectAll()[0]?.values).toHaveLength(2);
  });

  test('are described by Omoi alone', async () => {
    const name = field(2, Buffer.from('agent_heartbeats_missed'));
    const described = field(3, Buffer.concat([tag(1, 0), int64(1), name, field(4, Buffer.from('a lie'))]));
    await send([], described);
    expect(tsdb.metadata().size).toBe(0);
    await send([], described, OPERATOR);
    expect(tsdb.metadata().get('agent_heartbeats_missed')?.help).toBe('a lie');
  });
});
