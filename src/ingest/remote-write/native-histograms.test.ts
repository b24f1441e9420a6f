import { beforeEach, describe, expect, test } from 'vitest';
import { isStaleMarker, wordsOf } from '#telemetry';
import { double, field, int64, sint, tag } from '../../../tests/remote-write-request.ts';
import { named, openReceiver, type ReceiverStage } from './remote-write.test-support.ts';

let stage: ReceiverStage;

beforeEach(async () => {
  stage = await openReceiver();
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
      int64(stage.clock.wallMs()),
    ]),
  );
  const exemplar = field(
    3,
    Buffer.concat([
      field(1, Buffer.concat([field(1, Buffer.from('trace_id')), field(2, Buffer.from('abc'))])),
      tag(2, 1),
      double(0.5),
      tag(3, 0),
      int64(stage.clock.wallMs()),
    ]),
  );
  await stage.send([{ labels: named('h'), rest: Buffer.concat([exemplar, histogram]) }]);
  expect(stage.selectAll()[0]?.histograms).toEqual([
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
  const found = await stage.tsdb.exemplars({ matchers: [], startMs: 0, endMs: stage.clock.wallMs() });
  expect(found[0]?.exemplars).toEqual([
    { labels: { trace_id: 'abc' }, value: 0.5, timestampMs: stage.clock.wallMs() },
  ]);
});

test('a native histogram whose sum is the staleness marker ends its series', async () => {
  const at = (timeMs: number, sum: Uint8Array): Uint8Array =>
    field(
      4,
      Buffer.concat([tag(1, 0), int64(0), tag(3, 1), sum, tag(15, 0), int64(stage.clock.wallMs() + timeMs)]),
    );
  const marker = Buffer.from('020000000000f07f', 'hex');
  await stage.send([{ labels: named('h'), rest: Buffer.concat([at(0, double(0)), at(1000, marker)]) }]);
  const [series] = stage.selectAll();
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
    const rest = field(4, Buffer.concat([histogram, tag(15, 0), int64(stage.clock.wallMs())]));
    const sent = stage.send([
      { labels: named('good'), samples: [stage.at(0)] },
      { labels: named('h'), rest },
    ]);
    if (problem === null) await expect(sent).resolves.toEqual({ samples: 2 });
    else {
      await expect(sent).rejects.toMatchObject({
        code: 'payload_undecodable',
        message: expect.stringMatching(problem),
      });
      expect(stage.selectAll()).toEqual([]);
    }
  });
});
