import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startOtlp, type OtlpTest } from './otlp.test-support.ts';
import type { Signal } from './wire/messages.ts';

/*
 * Payloads as OpenTelemetry's JavaScript SDK 2.x sends them, written by @opentelemetry/otlp-transformer: a counter, an
 * up-down counter, both kinds of histograms, an observed gauge with a NaN; two spans; two log records.
 */
const RECORDED_AT_MS = Date.UTC(2026, 10, 28, 2, 28, 31);
const IDENTITY = 'instance="i-1", job="checkout", otel_scope_name="shop", otel_scope_version="1.2.0"';

async function received(signal: Signal, file: string, encoding: 'json' | 'protobuf'): Promise<OtlpTest> {
  const otlp = await startOtlp({ nowMs: RECORDED_AT_MS });
  const name = `testdata/${file}.${encoding === 'json' ? 'json' : 'pb'}`;
  const body = readFileSync(new URL(name, import.meta.url));
  const answer = await otlp.send(signal, body, { encoding });
  // JSON has no NaN: the SDK writes null, and null is unset.
  const isWithoutNaN = signal === 'metrics' && encoding === 'json';
  expect(answer.message).toBe(isWithoutNaN ? 'a point without a value (1)' : '');
  return otlp;
}

/** The only value of each series. */
function valuesOf(otlp: OtlpTest): Record<string, unknown> {
  const entries = Object.entries(otlp.stored()).map(([series, values]) => [series, Object.values(values)[0]]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

describe.each(['json', 'protobuf'] as const)('what the JavaScript SDK sends in %s', (encoding) => {
  it.each(['cumulative', 'delta'])('metrics, %s', async (temporality) => {
    const otlp = await received('metrics', `js-metrics-${temporality}`, encoding);
    expect(valuesOf(otlp)).toEqual({
      [`cpu_utilization_ratio{core="0", ${IDENTITY}}`]: 0.25,
      ...(encoding === 'protobuf' && { [`cpu_utilization_ratio{core="1", ${IDENTITY}}`]: 'NaN' }),
      [`http_server_request_duration_seconds_bucket{instance="i-1", job="checkout", le="+Inf", otel_scope_name="shop", otel_scope_version="1.2.0"}`]: 3,
      [`http_server_request_duration_seconds_bucket{instance="i-1", job="checkout", le="0.1", otel_scope_name="shop", otel_scope_version="1.2.0"}`]: 1,
      [`http_server_request_duration_seconds_bucket{instance="i-1", job="checkout", le="1", otel_scope_name="shop", otel_scope_version="1.2.0"}`]: 2,
      [`http_server_request_duration_seconds_count{${IDENTITY}}`]: 3,
      [`http_server_request_duration_seconds_sum{${IDENTITY}}`]: 7.55,
      [`orders_total{instance="i-1", job="checkout", otel_scope_name="shop", otel_scope_version="1.2.0", payment_method="card"}`]: 5,
      [`payload_size_bytes{${IDENTITY}}`]: expect.objectContaining({ count: 3, sum: 5100, zeroCount: 1 }),
      [`queue_length{${IDENTITY}}`]: 3,
    });
    expect(Object.keys(otlp.stored('target_info'))).toEqual([
      'target_info{host_name="web-1", instance="i-1", job="checkout"}',
    ]);
  });

  it('spans', async () => {
    const { spans } = await received('traces', 'js-traces', encoding);
    const [child, root] = spans;
    expect(root).toMatchObject({
      name: 'POST /orders',
      kind: 2,
      parentSpanId: null,
      serviceName: 'checkout',
    });
    expect(root?.attributes).toMatchObject({ items: [1, 2], ratio: 0.5, vip: true, 'host.name': 'web-1' });
    expect(child).toMatchObject({
      name: 'db.insert',
      kind: 3,
      parentSpanId: root?.spanId,
      traceId: root?.traceId,
      statusCode: 2,
      statusMessage: 'deadlock',
      links: [{ spanId: root?.spanId }],
      events: [{ name: 'exception', attributes: { 'exception.message': 'deadlock' } }],
    });
    expect(child?.endUs).toBeGreaterThanOrEqual(child?.startUs ?? Infinity);
  });

  it('log records', async () => {
    const { logs } = await received('logs', 'js-logs', encoding);
    expect(logs).toMatchObject([
      { message: 'payment declined', severityNumber: 17, severityText: 'ERROR', attributes: { attempt: 2 } },
      { message: '{"reason":"limit","codes":[1,2]}', severityNumber: 9, traceId: null },
    ]);
    expect(logs[0]?.traceId).toMatch(/^[0-9a-f]{32}$/);
  });
});
