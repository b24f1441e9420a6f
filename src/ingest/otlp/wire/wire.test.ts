import fc from 'fast-check';
import protobuf from 'protobufjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { propertyRuns } from '../../../../tests/property-runs.ts';
import { encodeProtobuf, startOtlp, type OtlpTest } from '../otlp.test-support.ts';
import type { Signal } from './messages.ts';

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

const SIGNALS = ['metrics', 'traces', 'logs'] as const;
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe.each(SIGNALS)('%s that are no protobuf', (signal) => {
  it.each([
    ['a field number of 0', hex('00 00')],
    ['15 MiB of zeros', new Uint8Array(15 * 1024 * 1024)],
    ['a tag of 2^32 + 10', hex('8a 80 80 80 10 00')],
    ['the beginning of a group', hex('0b')],
    ['the end of a group', hex('0c')],
    ['an unknown group', hex('a3 06 a4 06')],
    ['a wire type that does not exist', hex('0e')],
    ['a length past the end', hex('0a 05 00')],
    ['a number past the end', hex('08 80')],
    ['a number of eleven bytes', hex(`28 ${'80'.repeat(10)} 01`)],
    ['a field that is written as another type', hex('08 01')],
    ['a resource that is written as another type', hex('0a 02 08 01')],
    ['a list of scopes that is written as another type', hex('0a 02 10 01')],
  ])('%s', async (_, body) => {
    const sent = otlp.send(signal, body, { encoding: 'protobuf' });
    await expect(sent).rejects.toMatchObject({ code: 'payload_undecodable' });
  });
});

it('a group is refused for what it is', async () => {
  const sent = otlp.send('logs', hex('a3 06 a4 06'), { encoding: 'protobuf' });
  await expect(sent).rejects.toThrow(/field 100 is a group, and groups are not read/);
});

it('a gauge of NaN as it is on the wire', async () => {
  const body = hex('0a14 1212 1210 0a01 67 2a0b 0a09 21 000000000000f87f');
  expect(await otlp.send('metrics', body, { encoding: 'protobuf' })).toEqual({ rejected: 0, message: '' });
  expect(otlp.stored()).toEqual({ g: { 0: 'NaN' } });
});

it.each(SIGNALS)('an attribute nested 5,000 deep in %s is left out or refuses its point', async (signal) => {
  const message = (number: number, content: Uint8Array) =>
    protobuf.Writer.create()
      .uint32(number * 8 + 2)
      .bytes(content)
      .finish();
  let value: Uint8Array = hex('18 01');
  for (let depth = 0; depth < 5000; depth++) value = message(5, message(1, value));
  const attribute = Buffer.concat([hex('0a 01 61'), message(2, value)]);
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(otlp.ns(0)));
  const ids = Buffer.concat([message(1, Buffer.alloc(16, 7)), message(2, Buffer.alloc(8, 7))]);
  const point = message(1, Buffer.concat([hex('21 0000000000000040'), message(7, attribute)]));
  const element = {
    metrics: Buffer.concat([hex('0a 01 67'), message(5, point)]),
    traces: Buffer.concat([ids, hex('39'), start, message(9, attribute)]),
    logs: message(6, attribute),
  }[signal];
  const sent = await otlp.send(signal, message(1, message(2, message(2, element))), { encoding: 'protobuf' });
  const reason = 'attribute a is nested deeper than maxValueDepth (32) (1)';
  expect(sent).toEqual(
    signal === 'metrics' ? { rejected: 1, message: reason } : { rejected: 0, message: `left out: ${reason}` },
  );
  expect([...otlp.spans, ...otlp.logs].map(({ attributes }) => attributes)).toEqual(
    signal === 'metrics' ? [] : [{}],
  );
});

describe('what is broken after something good', () => {
  const good = (signal: Signal): Uint8Array => {
    const at = otlp.ns(1);
    const requests = {
      metrics: {
        resourceMetrics: [
          { scopeMetrics: [{ metrics: [{ name: 'g', gauge: { dataPoints: [{ asInt: 1 }] } }] }] },
        ],
      },
      traces: {
        resourceSpans: [
          {
            scopeSpans: [
              {
                spans: [
                  {
                    traceId: 'ab'.repeat(16),
                    spanId: 'cd'.repeat(8),
                    startTimeUnixNano: at,
                    endTimeUnixNano: at,
                  },
                ],
              },
            ],
          },
        ],
      },
      logs: { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'a' } }] }] }] },
    };
    return encodeProtobuf(signal, requests[signal]);
  };

  it.each(SIGNALS)('changes nothing in %s', async (signal) => {
    const body = Buffer.concat([good(signal), hex('0a 05 00')]);
    await expect(otlp.send(signal, body, { encoding: 'protobuf' })).rejects.toMatchObject({ status: 400 });
    expect((await otlp.tsdb.status()).seriesCount).toBe(0);
    expect([...otlp.spans, ...otlp.logs]).toEqual([]);
    await otlp.send(signal, good(signal), { encoding: 'protobuf' });
    expect((await otlp.tsdb.status()).seriesCount + otlp.spans.length + otlp.logs.length).toBe(1);
  });

  it('an attribute of a point that is broken inside', async () => {
    const name = hex('0a0167');
    const point = hex('21 0000000000000040 3a02 0a05');
    const gauge = Buffer.concat([hex(`0a${point.length.toString(16).padStart(2, '0')}`), point]);
    const metric = Buffer.concat([name, hex(`2a${gauge.length.toString(16).padStart(2, '0')}`), gauge]);
    const wrapped = (inner: Uint8Array, tag: string): Uint8Array =>
      Buffer.concat([hex(`${tag}${inner.length.toString(16).padStart(2, '0')}`), inner]);
    const body = wrapped(wrapped(wrapped(metric, '12'), '12'), '0a');
    const sent = otlp.send('metrics', body, { encoding: 'protobuf' });
    await expect(sent).rejects.toMatchObject({ code: 'payload_undecodable' });
    expect((await otlp.tsdb.status()).seriesCount).toBe(0);
  });
});

it.each([
  ['elements', '0a00'.repeat(500_001), 'protobuf'],
  ['elements', `{"resourceMetrics":[${'{},'.repeat(500_000)}{}]}`, 'json'],
] as const)('refuses very many %s before they take memory', async (_, text, encoding) => {
  const body = encoding === 'json' ? Buffer.from(text) : Buffer.from(text, 'hex');
  await expect(otlp.send('metrics', body, { encoding })).rejects.toMatchObject({
    code: 'body_too_large',
    message: expect.stringContaining('maxRequestElements'),
  });
});

/** Bodies that are nearly right: those of a reference encoder with some bytes changed, cut or doubled. */
const mutated = (valid: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.constantFrom('set', 'cut', 'double'), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    })
    .map((changes) => {
      let bytes = Buffer.from(valid);
      for (const [place, change, value] of changes) {
        const at = place % Math.max(1, bytes.length);
        if (change === 'set') bytes[at] = value;
        else if (change === 'cut')
          bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (value % 4))]);
        else
          bytes = Buffer.concat([
            bytes.subarray(0, at),
            bytes.subarray(Math.max(0, at - value), at),
            bytes.subarray(at),
          ]);
      }
      return bytes;
    });

describe.each(SIGNALS)('bytes of %s that are changed at random', (signal) => {
  it.each(['json', 'protobuf'] as const)('are answered or refused with a code, in %s', async (encoding) => {
    const message = sample(signal, otlp);
    const valid =
      encoding === 'json' ? Buffer.from(JSON.stringify(message)) : encodeProtobuf(signal, message);
    await fc.assert(
      fc.asyncProperty(mutated(valid), async (body) => {
        const { seriesCount: before } = await otlp.tsdb.status();
        try {
          await otlp.send(signal, body, { encoding });
        } catch (thrown) {
          if (!(thrown instanceof OmoiError)) throw thrown;
          expect(thrown.status).toBeGreaterThanOrEqual(400);
          expect(thrown.status).toBeLessThan(500);
          expect((await otlp.tsdb.status()).seriesCount).toBe(before);
        }
      }),
      { numRuns: propertyRuns(300) },
    );
  });
});

function sample(signal: Signal, { ns }: OtlpTest): object {
  const attributes = [
    { key: 'a', value: { stringValue: 'b' } },
    {
      key: 'c',
      value: {
        arrayValue: { values: [{ intValue: '-7' }, { kvlistValue: { values: [{ key: 'd', value: {} }] } }] },
      },
    },
  ];
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'api' } }] };
  const at = { timeUnixNano: ns(1), attributes };
  if (signal === 'logs') {
    const logRecords = [{ ...at, body: attributes[1]?.value, severityNumber: 9, traceId: 'ab'.repeat(16) }];
    return { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] };
  }
  if (signal === 'traces') {
    const ids = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) };
    const times = { startTimeUnixNano: ns(1), endTimeUnixNano: ns(2) };
    const spans = [
      {
        ...ids,
        ...times,
        name: 's',
        attributes,
        events: [{ ...at, name: 'e' }],
        links: [ids],
        status: { code: 2 },
      },
    ];
    return { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] };
  }
  const counts = { bucketCounts: [1, 2], explicitBounds: [1], count: 3, sum: 2 };
  const exponential = { count: 3, scale: 2, zeroCount: 1, positive: { offset: -1, bucketCounts: [1, 1] } };
  const metrics = [
    {
      name: 'g',
      unit: 's',
      gauge: {
        dataPoints: [
          { ...at, asDouble: 1 },
          { ...at, asInt: '5', flags: 1 },
        ],
      },
    },
    { name: 'c', sum: { dataPoints: [{ ...at, asInt: '5' }], aggregationTemporality: 1, isMonotonic: true } },
    { name: 'h', histogram: { dataPoints: [{ ...at, ...counts }], aggregationTemporality: 2 } },
    {
      name: 'e',
      exponentialHistogram: { dataPoints: [{ ...at, ...exponential }], aggregationTemporality: 1 },
    },
    {
      name: 's',
      summary: { dataPoints: [{ ...at, count: 1, sum: 1, quantileValues: [{ quantile: 0.5, value: 1 }] }] },
    },
  ];
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: 'x' }, metrics }] }] };
}
