import { beforeEach, describe, expect, test } from 'vitest';
import { isStaleMarker, wordsOf } from '#telemetry';
import {
  encodeWriteRequest,
  snappy,
  field,
  int64,
  tag,
  type RequestSeries,
} from '../../../tests/remote-write-request.ts';
import { RequestDecoder } from './decoder.ts';
import { named, openReceiver, type ReceiverStage } from './remote-write.test-support.ts';
import { SeriesCache } from './series-cache.ts';
import { decoded } from './snappy.test-support.ts';
import { SnappyDecoder } from './snappy.ts';

let stage: ReceiverStage;

beforeEach(async () => {
  stage = await openReceiver();
});

test('samples, staleness markers and metadata arrive, from known and unknown series alike', async () => {
  const stale = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);
  const metadata = field(
    3,
    Buffer.concat([tag(1, 0), int64(1), field(2, Buffer.from('m')), field(4, Buffer.from('help'))]),
  );
  await stage.send(
    [{ labels: named('m', ['a', 'ä']), samples: [stage.at(-2000, 1.5), stage.at(-1000, -2)] }],
    metadata,
  );
  await stage.send([
    { labels: named('m', ['a', 'ä']), samples: [stage.at(0, stale)] },
    { labels: named('n'), samples: [stage.at(0, 3)] },
  ]);
  const [m, n] = stage.selectAll();
  expect(m?.labels).toEqual({ __name__: 'm', a: 'ä' });
  expect(m?.values.subarray(0, 2)).toEqual(Float64Array.of(1.5, -2));
  expect(m && isStaleMarker(wordsOf(m.values), 2)).toBe(true);
  expect(n?.values).toEqual(Float64Array.of(3));
  expect(stage.tsdb.metadata().get('m')).toEqual({ type: 'counter', help: 'help', unit: '' });
});

test('labels after samples: nothing of the request is stored', async () => {
  const good = { labels: named('good'), samples: [stage.at(0)] };
  const bad = { labels: named('m'), samples: [stage.at(0)], rest: field(1, Buffer.of()) };
  await expect(stage.send([good, bad, good])).rejects.toMatchObject({ code: 'payload_undecodable' });
  expect(stage.selectAll()).toEqual([]);
});

test.each<[string, RequestSeries['labels'], string]>([
  ['a label twice', named('m', ['a', '1'], ['a', '2']), 'the label a twice'],
  ['an empty label name', named('m', ['', '1']), 'a label with an empty name'],
  ['no metric name', [['a', '1']], 'a metric name: {a="1"} has none'],
  ['a long value', named('m', ['a', 'x'.repeat(9000)]), 'longer than max_label_value_length'],
  [
    'many labels',
    named('m', ...Array.from({ length: 65 }, (_, at) => [`l${at}`, 'v'] as const)),
    'max_labels_per_series is 64',
  ],
])('a series with %s is refused, and the others are stored', async (_, labels, reason) => {
  const good = (name: string, ...samples: number[]) => ({
    labels: named(name),
    samples: samples.map((at) => stage.at(at)),
  });
  const bad = { labels, samples: [stage.at(0), stage.at(1)] };
  const request = [good('a', 0), bad, good('b', 0, -9_000_000), { ...bad, labels: named('c') }];
  // Nothing of it is remembered: it is refused again, and with it nothing else.
  for (let time = 0; time < 2; time++) {
    const refused = stage.send(request);
    await expect(refused).rejects.toMatchObject({
      code: 'labels_invalid',
      message: expect.stringContaining(reason),
      details: { labels_invalid: 2, too_old: 1 },
    });
    await expect(refused).rejects.toThrow(
      '4 samples were stored; of the others, too_old: 1, labels_invalid: 2',
    );
  }
  expect(stage.selectAll().map(({ labels: { __name__: name }, values }) => [name, values.length])).toEqual([
    ['a', 1],
    ['b', 1],
    ['c', 2],
  ]);
});

test('a series that only its labels are wrong of is told, though it has no sample', async () => {
  await expect(stage.send([{ labels: [['a', '1']] }])).rejects.toMatchObject({ code: 'labels_invalid' });
});

test('refused samples are named and counted, the others stored', async () => {
  await stage.send([{ labels: named('m'), samples: [stage.at(0, 1)] }]);
  const samples = [stage.at(0, 2), stage.at(-600_000), stage.at(-9_000_000), stage.at(900_000), stage.at(1)];
  await expect(stage.send([{ labels: named('m'), samples }])).rejects.toMatchObject({
    code: 'sample_refused',
    details: { duplicate_timestamp: 1, out_of_order: 1, too_old: 1, too_far_ahead: 1 },
  });
  expect(stage.selectAll()[0]?.values).toHaveLength(2);
});

test('series beyond the limit are dropped, the others stored', async () => {
  stage = await openReceiver({ maxSeries: 1 });
  const series = [named('a'), named('b')].map((labels) => ({ labels, samples: [stage.at(0)] }));
  await expect(stage.send(series)).rejects.toMatchObject({ code: 'series_limit_reached' });
  expect(stage.selectAll().map(({ labels }) => labels['__name__'])).toEqual(['a']);
});

test('a series that the store forgot is made again', async () => {
  const request = (offsetMs: number) => stage.send([{ labels: named('m'), samples: [stage.at(offsetMs)] }]);
  await request(0);
  await stage.clock.advance(9 * 3_600_000);
  expect((await stage.tsdb.status()).seriesCount).toBe(0);
  await request(0);
  expect(stage.selectAll()).toHaveLength(1);
});

test('a large request is stored whole', async () => {
  const samples = Array.from({ length: 45_000 }, (_, place) => stage.at(place - 45_000, place));
  await stage.send([{ labels: named('m'), samples }]);
  expect(stage.selectAll()[0]?.values).toEqual(Float64Array.from(samples, ({ value }) => Number(value)));
});

test('one series of very many samples lets others have their turn', async () => {
  const samples = Array.from({ length: 400_000 }, (_, place) => stage.at(place - 400_000, place));
  const request = encodeWriteRequest([{ labels: named('m'), samples }]);
  let turns = 0;
  const count = (): void => void (turns++, (next = setImmediate(count)));
  let next = setImmediate(count);
  const decoder = new RequestDecoder(new SeriesCache({ seed: 1, maxBytes: 1 << 20 }), () => true);
  decoder.begin(decoded(new SnappyDecoder(1 << 26), snappy(request)));
  expect(decoder.step(500)).toBe(false);
  expect(decoder.batch.length).toBe(500);
  await stage.sendBytes(request);
  clearImmediate(next);
  expect(turns).toBeGreaterThan(10);
});

test('long descriptions are cut, and nameless ones dropped', async () => {
  const described = (name: string): Uint8Array => {
    const long = Buffer.from('x'.repeat(100_000));
    return field(3, Buffer.concat([field(2, Buffer.from(name)), field(4, long), field(5, long)]));
  };
  await stage.send([], Buffer.concat([described('m'), described('')]));
  const cut = 'x'.repeat(4096);
  expect([...stage.tsdb.metadata()]).toEqual([['m', { type: 'unknown', help: cut, unit: cut }]]);
});

test('what is refused for its labels leaves no series behind', async () => {
  const bad = { labels: named('m', ['a', 'x'.repeat(9000)]), samples: [stage.at(0)] };
  await expect(stage.send([{ labels: named('good'), samples: [stage.at(0)] }, bad])).rejects.toMatchObject({
    code: 'labels_invalid',
  });
  const { items } = await stage.tsdb.labelValues('__name__', { matcherLists: [] });
  expect(items).toEqual(['good']);
});

test('the message of a refusal stays short, whatever the labels', async () => {
  const labels = [['a', 'x'.repeat(100_000)]] as const;
  const refused: unknown = await stage.send([{ labels }]).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'labels_invalid' });
  expect(String(refused).length).toBeLessThan(400);
});

test('no series is made for samples that nobody takes, and none of those that are taken is lost', async () => {
  const exemplar = field(
    3,
    Buffer.concat([
      field(1, Buffer.concat([field(1, Buffer.from('trace_id')), field(2, Buffer.from('abc'))])),
      tag(3, 0),
      int64(stage.clock.wallMs()),
    ]),
  );
  const refused = stage.send([
    { labels: named('old'), samples: [stage.at(-9_000_000)] },
    { labels: named('ahead'), samples: [stage.at(900_000), stage.at(901_000)] },
    { labels: named('empty') },
    { labels: named('only_an_exemplar'), rest: exemplar },
    { labels: named('m'), samples: [stage.at(-9_000_000), stage.at(0)] },
    // As Prometheus sends them: a series of their own.
    { labels: named('m'), rest: exemplar },
    { labels: named('m'), samples: [stage.at(-8_000_000)] },
  ]);
  await expect(refused).rejects.toMatchObject({ details: { too_old: 3, too_far_ahead: 2 } });
  const { items } = await stage.tsdb.labelValues('__name__', { matcherLists: [] });
  expect(items).toEqual(['m']);
  expect(await stage.tsdb.exemplars({ matchers: [], startMs: 0, endMs: stage.clock.wallMs() })).toMatchObject(
    [{ labels: { __name__: 'm' }, exemplars: [{ labels: { trace_id: 'abc' } }] }],
  );
  // What was refused once is taken when its time is right.
  await stage.send([{ labels: named('old'), samples: [stage.at(0)] }]);
  expect(stage.selectAll().map(({ labels }) => labels['__name__'])).toEqual(['m', 'old']);
});

describe('metrics that Omoi writes itself', () => {
  const forged = () => ({
    labels: named('agent_heartbeats_missed', ['agent_id', 'worker-1']),
    samples: [stage.at(0, 9), stage.at(1, 9)],
  });
  const refusedSamples = () =>
    stage.selfMetrics.collect().find(({ name }) => name === 'omoi_remote_write_reserved_samples_total')
      ?.points[0]?.value;

  test('are refused by name and counted, while the rest of the request is stored', async () => {
    const refused = stage.send([
      { labels: named('m'), samples: [stage.at(0)] },
      forged(),
      { labels: named('n') },
    ]);
    await expect(refused).rejects.toMatchObject({
      code: 'sample_refused',
      message:
        '1 samples were stored; of the others, reserved: 2, agent_heartbeats_missed is written by Omoi alone.',
      details: { reserved: 2 },
    });
    expect(stage.selectAll().map(({ labels }) => labels['__name__'])).toEqual(['m']);
    expect(refusedSamples()).toBe(2);
  });

  test('are refused again though the series is there, which Omoi has made', async () => {
    stage.tsdb.series({ __name__: 'agent_heartbeats_missed', agent_id: 'worker-1' });
    for (let time = 0; time < 2; time++) {
      await expect(stage.send([forged()])).rejects.toMatchObject({ code: 'sample_refused' });
    }
    expect(stage.selectAll()).toEqual([]);
  });

  test('are described by Omoi alone', async () => {
    const name = field(2, Buffer.from('agent_heartbeats_missed'));
    const described = field(3, Buffer.concat([tag(1, 0), int64(1), name, field(4, Buffer.from('a lie'))]));
    await stage.send([], described);
    expect(stage.tsdb.metadata().size).toBe(0);
  });
});
