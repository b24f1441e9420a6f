import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { double, encodeWriteRequest, field, int64, sint, tag } from '../../../tests/remote-write-request.ts';
import { named, openReceiver, type ReceiverStage } from './remote-write.test-support.ts';

let stage: ReceiverStage;

beforeEach(async () => {
  stage = await openReceiver();
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
    const refused = stage.sendBytes(request());
    await expect(refused).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining(limit),
    });
    expect(stage.selectAll()).toEqual([]);
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
    await expect(stage.send(request())).rejects.toMatchObject({
      code: 'labels_invalid',
      message: expect.stringContaining('1000'),
    });
  });
});

test.each([
  [0, 'A series needs a metric name'],
  [1, 'labels of more than 1048576 bytes'],
])('labels of a series have 1 MiB: %i more', async (more, reason) => {
  const name = field(1, Buffer.from('l'));
  // Beside the name and the value stand two tags, and two lengths of three bytes.
  const around = 1 + 3 + name.length + 1 + 3;
  const value = field(2, Buffer.alloc(1024 * 1024 - around + more, 'x'));
  const label = field(1, Buffer.concat([name, value]));
  expect(label.length).toBe(1024 * 1024 + more);
  await expect(stage.sendBytes(field(1, label))).rejects.toMatchObject({
    code: 'labels_invalid',
    message: expect.stringContaining(reason),
  });
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
  const refused = stage.sendBytes(request);
  await expect(refused).rejects.toMatchObject({ code: 'payload_undecodable' });
});

test('damaged requests are refused with a code, whatever is wrong', async () => {
  const exemplar = field(3, Buffer.concat([field(1, field(1, Buffer.from('t'))), tag(2, 1), double(1)]));
  const histogram = field(
    4,
    Buffer.concat([tag(1, 0), int64(7), field(12, sint(1)), tag(15, 0), int64(stage.clock.wallMs())]),
  );
  const original = encodeWriteRequest([
    {
      labels: named('m', ['a', '1']),
      samples: [stage.at(0), stage.at(1)],
      rest: Buffer.concat([exemplar, histogram]),
    },
    { labels: named('n'), samples: [stage.at(0)] },
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
      const body = bytes.subarray(0, Math.max(1, changes[0]?.cut ?? 1));
      const error: unknown = await stage.sendBytes(body).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (error !== null) expect(error).toMatchObject({ name: 'OmoiError' });
    }),
    { numRuns: propertyRuns(1000) },
  );
});
