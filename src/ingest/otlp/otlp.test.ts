import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  OmoiError,
  SelfMetrics,
  VirtualClock,
  labelsKey,
  type HistogramValue,
  type Labels,
  type ReceivedLogRecord,
  type ReceivedSpan,
  type SampleBatch,
} from '#telemetry';
import { prometheusName } from './names.ts';
import { limitJson } from './json-limit.ts';
import { readMessage } from './protobuf-reader.ts';
import { createOtlpReceiver, type OtlpSender } from './receiver.ts';
import { EXPORT_REQUESTS } from './wire.ts';

interface Kept {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly value: number | HistogramValue | 'stale';
}

const NOTHING_REFUSED = {
  out_of_order: 0,
  duplicate_timestamp: 0,
  too_old: 0,
  too_far_ahead: 0,
  unknown_series: 0,
  storage_full: 0,
};

/** A receiver over lists. */
function receiver() {
  const kept: Kept[] = [];
  const spans: ReceivedSpan[] = [];
  const logs: ReceivedLogRecord[] = [];
  const series: Labels[] = [];
  const otlp = createOtlpReceiver({
    clock: new VirtualClock(),
    selfMetrics: new SelfMetrics(),
    isReserved: (name) => name === 'anomaly_score',
    agentPool: (agentId) => (agentId.startsWith('coder-') ? 'coders' : null),
    samples: {
      describe() {},
      series(labels) {
        const known = series.findIndex((other) => labelsKey(other) === labelsKey(labels));
        return known === -1 ? series.push(labels) - 1 : known;
      },
      commit(batch: SampleBatch) {
        for (let at = 0; at < batch.length; at++) {
          kept.push({
            labels: series[batch.refs[at] ?? 0] ?? {},
            timestampMs: batch.timestampsMs[at] ?? 0,
            value: batch.stale[at] === 1 ? 'stale' : (batch.histograms.get(at) ?? batch.values[at] ?? 0),
          });
        }
        return {
          accepted: batch.length,
          refused: NOTHING_REFUSED,
          durable: () => Promise.resolve(),
        };
      },
    },
    spans: { receive: async (received) => void spans.push(...received) },
    logs: { receive: async (received) => void logs.push(...received) },
  });
  const send = async (
    signal: 'metrics' | 'traces' | 'logs',
    body: unknown,
    scope: OtlpSender['scope'] = null,
  ) => {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const answer = await otlp.receive({ signal, encoding: 'json', body: bytes, sender: { scope } });
    return JSON.parse(Buffer.from(answer).toString()) as unknown;
  };
  return { otlp, send, kept, spans, logs };
}

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const resource = { attributes: [attribute('service.name', 'api'), attribute('service.instance.id', 'i-1')] };
const metricsOf = (...metrics: object[]) => ({
  resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }],
});

describe('metric names', () => {
  it.each([
    ['http.server.duration', 's', 'histogram', 'http_server_duration_seconds'],
    ['http.server.requests', '{request}', 'counter', 'http_server_requests_total'],
    ['requests_total', '', 'counter', 'requests_total'],
    ['system.memory.utilization', '1', 'gauge', 'system_memory_utilization_ratio'],
    ['disk.io', 'By', 'counter', 'disk_io_bytes_total'],
    ['disk.speed', 'By/s', 'gauge', 'disk_speed_bytes_per_second'],
    ['process.uptime.seconds', 's', 'gauge', 'process_uptime_seconds'],
    ['2xx', '', 'gauge', '_2xx'],
  ] as const)('%s in %j as a %s is %s', (name, unit, kind, expected) => {
    expect(prometheusName({ name, unit, kind })).toBe(expected);
  });
});

describe('OTLP/JSON', () => {
  it('keeps gauges with job, instance and attributes', async () => {
    const { send, kept } = receiver();
    const point = {
      timeUnixNano: '1767225600123456789',
      asInt: '7',
      attributes: [attribute('queue.name', 'q')],
    };
    expect(await send('metrics', metricsOf({ name: 'depth', gauge: { dataPoints: [point] } }))).toEqual({});
    expect(kept).toEqual([
      {
        labels: { __name__: 'depth', job: 'api', instance: 'i-1', queue_name: 'q' },
        timestampMs: 1767225600123,
        value: 7,
      },
    ]);
  });

  it('adds deltas up', async () => {
    const { send, kept } = receiver();
    const sum = {
      isMonotonic: true,
      aggregationTemporality: 1,
      dataPoints: [{ timeUnixNano: '1000000', asDouble: 2 }],
    };
    await send('metrics', metricsOf({ name: 'calls', sum }));
    await send('metrics', metricsOf({ name: 'calls', sum }));
    expect(kept.map((sample) => sample.value)).toEqual([2, 4]);
  });

  it('turns explicit histograms into cumulative buckets', async () => {
    const { send, kept } = receiver();
    const histogram = {
      aggregationTemporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
      dataPoints: [
        { timeUnixNano: '1', count: '6', sum: 3.5, bucketCounts: ['1', '2', '3'], explicitBounds: [0.5, 1] },
      ],
    };
    await send('metrics', metricsOf({ name: 'wait', unit: 's', histogram }));
    expect(kept.map(({ labels, value }) => [labels['__name__'], labels['le'], value])).toEqual([
      ['wait_seconds_bucket', '0.5', 1],
      ['wait_seconds_bucket', '1', 3],
      ['wait_seconds_bucket', '+Inf', 6],
      ['wait_seconds_count', undefined, 6],
      ['wait_seconds_sum', undefined, 3.5],
    ]);
  });

  it('moves exponential buckets to native indexes and merges scales above 8', async () => {
    const { send, kept } = receiver();
    const point = {
      timeUnixNano: '1',
      count: 10,
      sum: 1,
      scale: 9,
      positive: { offset: 1, bucketCounts: [1, 2, 3, 4] },
    };
    const exponentialHistogram = { aggregationTemporality: 2, dataPoints: [point] };
    await send('metrics', metricsOf({ name: 'h', exponentialHistogram }));
    expect(kept[0]?.value).toMatchObject({
      schema: 8,
      positiveSpans: [{ offset: 1, length: 3 }],
      positiveCounts: [1, 5, 4],
    });
  });

  const gauge = (name: string, agent?: string) => ({
    name,
    gauge: {
      dataPoints: [{ timeUnixNano: '1', asInt: 1, attributes: agent ? [attribute('agent_id', agent)] : [] }],
    },
  });

  it('refuses what Omoi alone may write and what the token does not speak for, and keeps the rest', async () => {
    const { send, kept } = receiver();
    const answer = await send(
      'metrics',
      metricsOf(gauge('anomaly_score'), gauge('a', 'mine'), gauge('b', 'other')),
      { agentIds: ['mine'], poolId: null },
    );
    expect(answer).toEqual({
      partialSuccess: {
        rejectedDataPoints: '2',
        errorMessage:
          'anomaly_score is written by Omoi alone (1); this token does not speak for agent other (1)',
      },
    });
    expect(kept.map(({ labels }) => labels['__name__'])).toEqual(['a']);
  });

  it('lets a token of a pool speak for the agents of that pool and for no other', async () => {
    const { send, kept } = receiver();
    const ofPool = { agentIds: [], poolId: 'coders' };
    const answer = await send(
      'metrics',
      metricsOf(gauge('a', 'coder-1'), gauge('b', 'tester-1'), gauge('c')),
      ofPool,
    );
    expect(answer).toEqual({
      partialSuccess: {
        rejectedDataPoints: '1',
        errorMessage: 'this token does not speak for agent tester-1 (1)',
      },
    });
    expect(kept.map(({ labels }) => labels['__name__'])).toEqual(['a', 'c']);
    // An agent without a pool is not of the pool of a token that names none.
    await send('metrics', metricsOf(gauge('d', 'tester-1')), { agentIds: [], poolId: null });
    expect(kept).toHaveLength(2);
  });

  it('reads spans and log records', async () => {
    const { send, spans, logs } = receiver();
    const traceId = 'AB'.repeat(16);
    const span = {
      traceId,
      spanId: 'cd'.repeat(8),
      name: 'work',
      kind: 2,
      startTimeUnixNano: '5',
      endTimeUnixNano: '9',
    };
    await send('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
    expect(spans[0]).toMatchObject({
      traceId: 'ab'.repeat(16),
      startNs: 5n,
      endNs: 9n,
      serviceName: 'api',
      parentSpanId: null,
    });
    const record = {
      timeUnixNano: '2000000',
      severityNumber: 17,
      body: { stringValue: 'it broke' },
      traceId,
    };
    await send('logs', { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [record] }] }] });
    expect(logs[0]).toMatchObject({
      atMs: 2,
      severityNumber: 17,
      message: 'it broke',
      traceId: 'ab'.repeat(16),
    });
  });

  it.each([
    ['{', 'malformed_json'],
    [{ resourceMetrics: 5 }, 'payload_undecodable'],
    [metricsOf({ name: 'a', gauge: { dataPoints: [{ timeUnixNano: 'soon' }] } }), 'payload_undecodable'],
  ])('refuses %j whole', async (body, code) => {
    const { send, kept } = receiver();
    await expect(send('metrics', body)).rejects.toMatchObject({ code });
    expect(kept).toEqual([]);
  });
});

describe('OTLP/protobuf', () => {
  it('reads a gauge', async () => {
    const { otlp, kept } = receiver();
    const point = [...field(3, 1, le64(1_500_000_000n)), ...field(4, 1, double(2.5))];
    const metric = [...field(1, 2, text('depth')), ...field(5, 2, message(field(1, 2, message(point))))];
    const body = Uint8Array.from(field(1, 2, message(field(2, 2, message(field(2, 2, message(metric)))))));
    const answer = await otlp.receive({
      signal: 'metrics',
      encoding: 'protobuf',
      body,
      sender: { scope: null },
    });
    expect(answer).toHaveLength(0);
    expect(kept).toEqual([{ labels: { __name__: 'depth' }, timestampMs: 1500, value: 2.5 }]);
  });

  it.each([
    ['messages', () => Buffer.from('0a00'.repeat(500_001), 'hex'), 'protobuf' as const],
    ['lists', () => Buffer.from(`{"resourceMetrics":[${'{},'.repeat(1_000_000)}{}]}`), 'json' as const],
    ['numbers', () => Buffer.from(`[${'0,'.repeat(4_000_001)}0]`), 'json' as const],
  ])('refuses very many %s before they take memory', async (_, body, encoding) => {
    const { otlp, kept } = receiver();
    const refused = otlp.receive({ signal: 'metrics', encoding, body: body(), sender: { scope: null } });
    await expect(refused).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining('maxRequestMessages'),
    });
    expect(kept).toEqual([]);
  });

  it('counts no brackets inside texts', () => {
    expect(() => limitJson(Buffer.from(`{"a":"\\"${'{['.repeat(1_000_000)}"}`))).not.toThrow();
  });

  it('answers anything with a value or a coded error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readMessage(bytes, EXPORT_REQUESTS.traces);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(OmoiError);
        }
      }),
    );
  });
});

const field = (number: number, wire: number, value: readonly number[]) => [(number << 3) | wire, ...value];
const message = (bytes: readonly number[]) => [bytes.length, ...bytes];
const text = (value: string) => message([...Buffer.from(value)]);
const le64 = (value: bigint) => [...new Uint8Array(BigUint64Array.of(value).buffer)];
const double = (value: number) => [...new Uint8Array(Float64Array.of(value).buffer)];
