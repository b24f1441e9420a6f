import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
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
import { RequestDecoder } from './decoder.ts';
import { createRemoteWriteReceiver, type RemoteWriteReceiver } from './receiver.ts';
import { SeriesCache } from './series-cache.ts';
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

describe('a request of a few bytes, repeated, is refused before it takes memory', () => {
  const repeated = (bytes: readonly number[], times: number): Uint8Array =>
    Buffer.concat(Array.from({ length: times }, () => Uint8Array.from(bytes)));
  const inSeries = (bytes: readonly number[], times: number) => [
    { labels: named('m'), rest: repeated(bytes, times) },
  ];

  test.each<[string, () => Uint8Array, string]>([
    ['series without labels', () => repeated([0x0a, 0], 100_001), 'maxRequestNewSeries'],
    ['samples', () => encodeWriteRequest(inSeries([0x12, 0], 2_000_001)), 'maxRequestSamples'],
    ['exemplars', () => encodeWriteRequest(inSeries([0x1a, 0], 20_001)), 'maxRequestExemplars'],
    ['histograms', () => encodeWriteRequest(inSeries([0x22, 0], 50_001)), 'maxRequestHistograms'],
    [
      'spans',
      () => encodeWriteRequest(inSeries([...field(4, repeated([0x5a, 0], 9000))], 230)),
      'maxRequestBuckets',
    ],
    ['metadata', () => repeated([0x1a, 0], 50_001), 'maxRequestMetadata'],
  ])('%s', async (_, request, limit) => {
    const refused = receiver.handle({ body: snappy(request()), traceparent: null, sender: STRANGER });
    await expect(refused).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining(limit),
    });
    expect(selectAll()).toEqual([]);
  });

  test.each([
    ['a series', () => [{ labels: Array.from({ length: 1001 }, (__, n) => [`l${n}`, ''] as const) }]],
    [
      'an exemplar',
      () => [
        {
          labels: named('m'),
          rest: field(
            3,
            Buffer.concat(Array.from({ length: 1001 }, (__, n) => field(1, field(1, Buffer.from(`l${n}`))))),
          ),
        },
      ],
    ],
  ])('labels of %s', async (_, request) => {
    await expect(send(request())).rejects.toMatchObject({
      code: 'labels_invalid',
      message: expect.stringContaining('1000'),
    });
  });
});

test('one series of very many samples lets others have their turn', async () => {
  const samples = Array.from({ length: 400_000 }, (_, place) => at(place - 400_000, place));
  const body = snappy(encodeWriteRequest([{ labels: named('m'), samples }]));
  let turns = 0;
  const count = (): void => void (turns++, (next = setImmediate(count)));
  let next = setImmediate(count);
  const decoder = new RequestDecoder(new SeriesCache({ seed: 1, maxBytes: 1 << 20 }), () => true);
  decoder.begin(new SnappyDecoder(1 << 26).decode(body));
  expect(decoder.step(500)).toBe(false);
  expect(decoder.batch.length).toBe(500);
  await receiver.handle({ body, traceparent: null, sender: STRANGER });
  clearImmediate(next);
  expect(turns).toBeGreaterThan(10);
});

test('long descriptions are cut, and nameless ones dropped', async () => {
  const described = (name: string): Uint8Array => {
    const long = Buffer.from('x'.repeat(100_000));
    return field(3, Buffer.concat([field(2, Buffer.from(name)), field(4, long), field(5, long)]));
  };
  await send([], Buffer.concat([described('m'), described('')]));
  const cut = 'x'.repeat(4096);
  expect([...tsdb.metadata()]).toEqual([['m', { type: 'unknown', help: cut, unit: cut }]]);
});

test('what is refused for its labels leaves no series behind', async () => {
  const bad = { labels: named('m', ['a', 'x'.repeat(9000)]), samples: [at(0)] };
  await expect(send([{ labels: named('good'), samples: [at(0)] }, bad])).rejects.toMatchObject({
    code: 'labels_invalid',
  });
  expect((await tsdb.status()).seriesCount).toBe(0);
});

test('the message of a refusal stays short, whatever the labels', async () => {
  const labels = [['a', 'x'.repeat(100_000)]] as const;
  const refused: unknown = await send([{ labels }]).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'labels_invalid' });
  expect(String(refused).length).toBeLessThan(400);
});

test('no series is made for samples that nobody takes, and none of those that are taken is lost', async () => {
  const exemplar = field(
    3,
    Buffer.concat([
      field(1, Buffer.concat([field(1, Buffer.from('trace_id')), field(2, Buffer.from('abc'))])),
      tag(3, 0),
      int64(clock.wallMs()),
    ]),
  );
  const refused = send([
    { labels: named('old'), samples: [at(-9_000_000)] },
    { labels: named('ahead'), samples: [at(900_000), at(901_000)] },
    { labels: named('empty') },
    { labels: named('only_an_exemplar'), rest: exemplar },
    { labels: named('m'), samples: [at(-9_000_000), at(0)] },
    // As Prometheus sends them: a series of their own.
    { labels: named('m'), rest: exemplar },
    { labels: named('m'), samples: [at(-8_000_000)] },
  ]);
  await expect(refused).rejects.toMatchObject({ details: { too_old: 3, too_far_ahead: 2 } });
  const { items } = await tsdb.labelValues('__name__', { matcherLists: [] });
  expect(items).toEqual(['m']);
  expect(await tsdb.exemplars({ matchers: [], startMs: 0, endMs: clock.wallMs() })).toMatchObject([
    { labels: { __name__: 'm' }, exemplars: [{ labels: { trace_id: 'abc' } }] },
  ]);
  // What was refused once is taken when its time is right.
  await send([{ labels: named('old'), samples: [at(0)] }]);
  expect(selectAll().map(({ labels }) => labels['__name__'])).toEqual(['m', 'old']);
});

test.each<[string, Uint8Array]>([
  ['a field of number 0', Uint8Array.of(0, 0)],
  ['a series as a number', Uint8Array.of(0x08, 5)],
  ['metadata as a number', Uint8Array.of(0x18, 5)],
  ['labels as a double', field(1, Buffer.concat([tag(1, 1), double(1)]))],
  ['samples as a number', field(1, Buffer.concat([tag(2, 0), int64(1)]))],
  ['a label name as a number', field(1, field(1, Uint8Array.of(0x08, 5)))],
  ['a value as a number', field(1, field(2, Uint8Array.of(0x08, 5)))],
  ['a time as a double', field(1, field(2, Buffer.concat([tag(2, 1), double(1)])))],
  ['an exemplar’s value as a text', field(1, field(3, field(2, Buffer.from('1'))))],
  ['a count as a text', field(1, field(4, field(1, Buffer.from('1'))))],
  ['buckets as doubles', field(1, field(4, Buffer.concat([tag(12, 1), double(1)])))],
  ['a type as a text', field(3, field(1, Buffer.from('1')))],
])('%s is refused', async (_, request) => {
  const refused = receiver.handle({ body: snappy(request), traceparent: null, sender: STRANGER });
  await expect(refused).rejects.toMatchObject({ code: 'payload_undecodable' });
});

test('a native histogram whose sum is the staleness marker ends its series', async () => {
  const at = (timeMs: number, sum: Uint8Array): Uint8Array =>
    field(
      4,
      Buffer.concat([tag(1, 0), int64(0), tag(3, 1), sum, tag(15, 0), int64(clock.wallMs() + timeMs)]),
    );
  const marker = Buffer.from('020000000000f07f', 'hex');
  await send([{ labels: named('h'), rest: Buffer.concat([at(0, double(0)), at(1000, marker)]) }]);
  const [series] = selectAll();
  expect(series?.histograms?.map((histogram) => histogram === null)).toEqual([false, true]);
  expect(isStaleMarker(wordsOf(series?.values ?? new Float64Array()), 1)).toBe(true);
});

describe('a native histogram that contradicts itself is refused, and with it the request', () => {
  const whole = (count: number, more: readonly Uint8Array[] = []) =>
    Buffer.concat([tag(1, 0), int64(count), tag(6, 0), int64(1), ...more]);
  const span = (number: number, offset: number, length: number) =>
    field(number, Buffer.concat([tag(1, 0), sint(offset), tag(2, 0), int64(length)]));
  const deltas = (...values: readonly number[]) => field(12, Buffer.concat(values.map(sint)));
  const schema = (value: number) => Buffer.concat([tag(4, 0), sint(value)]);
  const bounds = (...values: readonly number[]) => field(16, Buffer.concat(values.map(double)));
  const custom = (...more: readonly Uint8Array[]) =>
    Buffer.concat([tag(1, 0), int64(1), schema(-53), deltas(1), ...more]);
  const sumIsNaN = Buffer.concat([tag(3, 1), double(NaN)]);

  test.each<[string, Uint8Array, RegExp | null]>([
    ['right counts', whole(4, [span(11, 0, 2), deltas(1, 1)]), null],
    ['too small a count', whole(3, [span(11, 0, 2), deltas(1, 1)]), /its count is 3, and its buckets hold 4/],
    ['too large a count', whole(5, [span(11, 0, 2), deltas(1, 1)]), /its count is 5/],
    ['observations of NaN', whole(5, [span(11, 0, 2), deltas(1, 1), sumIsNaN]), null],
    ['a negative bucket', whole(0, [span(11, 0, 2), deltas(1, -2)]), /negative count/],
    ['spans that go back', whole(3, [span(11, 0, 1), span(11, -1, 1), deltas(1, 0)]), /negative offset/],
    ['spans without buckets', whole(1, [span(11, 0, 1)]), /select 1 buckets and it has 0/],
    ['an unknown schema', whole(1, [schema(9)]), /schema 9/],
    ['bounds beside an exponential schema', whole(1, [bounds(1)]), /custom bounds/],
    ['custom buckets', custom(span(11, 1, 1), bounds(1)), null],
    ['custom buckets past the last bound', custom(span(11, 2, 1), bounds(1)), /past the last/],
    ['bounds that do not ascend', custom(span(11, 0, 1), bounds(2, 1)), /do not ascend/],
    ['an infinite bound', custom(span(11, 0, 1), bounds(1, Infinity)), /\+Inf/],
    ['custom buckets with a zero bucket', custom(span(11, 0, 1), tag(6, 0), int64(1)), /zero bucket/],
  ])('%s', async (_, histogram, problem) => {
    const rest = field(4, Buffer.concat([histogram, tag(15, 0), int64(clock.wallMs())]));
    const sent = send([
      { labels: named('good'), samples: [at(0)] },
      { labels: named('h'), rest },
    ]);
    if (problem === null) await expect(sent).resolves.toEqual({ samples: 2 });
    else {
      await expect(sent).rejects.toMatchObject({
        code: 'payload_undecodable',
        message: expect.stringMatching(problem),
      });
      expect(selectAll()).toEqual([]);
    }
  });
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
      { numRuns: propertyRuns(2000) },
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
    { numRuns: propertyRuns(1000) },
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
