import {
  METRIC_NAME_LABEL,
  type HistogramSpan,
  type HistogramValue,
  type Labels,
  type MetricMetadata,
} from '#telemetry';
import { prometheusLabel, prometheusName, type NamedMetric } from './names.ts';
import { plainAttributes, type MetricsRequest, type OtlpAttributes, type OtlpMetric } from './request.ts';

/** What one data point becomes; `value` null is a staleness marker, `delta` asks for accumulation. */
export interface ConvertedPoint {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly value: number | HistogramValue | null;
  readonly delta: boolean;
}

/** Where converted points go; returns why a point is refused, or null. */
export interface PointSink {
  describe(metricName: string, metadata: MetricMetadata): void;
  add(point: ConvertedPoint): void;
}

const FLAG_NO_RECORDED_VALUE = 1;
const TEMPORALITY_DELTA = 1;

/** Turns an export request into samples under Prometheus's names. @param receivedAtMs for points without a time */
export function convertMetrics(request: MetricsRequest, receivedAtMs: number, sink: PointSink): void {
  for (const { resource, scopeMetrics } of request.resourceMetrics) {
    const base = resourceLabels(resource?.attributes ?? []);
    for (const { metrics } of scopeMetrics)
      for (const metric of metrics) convertMetric(metric, { base, receivedAtMs, sink });
  }
}

/** job and instance as Prometheus has them, and the agent the resource speaks for. */
function resourceLabels(attributes: OtlpAttributes): Labels {
  const plain = plainAttributes(attributes);
  const text = (key: string): string => labelValue(plain[key]);
  const service = text('service.name');
  const namespace = text('service.namespace');
  const labels: Record<string, string> = {};
  if (service) labels['job'] = namespace ? `${namespace}/${service}` : service;
  if (text('service.instance.id')) labels['instance'] = text('service.instance.id');
  const agent = text('omoi.agent.id') || text('gen_ai.agent.id');
  if (agent) labels['agent_id'] = agent;
  if (text('omoi.pool.id')) labels['pool_id'] = text('omoi.pool.id');
  return labels;
}

interface Conversion {
  readonly base: Labels;
  readonly receivedAtMs: number;
  readonly sink: PointSink;
}

function convertMetric(metric: OtlpMetric, conversion: Conversion): void {
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
  if (gauge) convertNumbers(metric, gauge.dataPoints, { ...conversion, kind: 'gauge', delta: false });
  if (sum) {
    const kind = sum.isMonotonic ? 'counter' : 'gauge';
    convertNumbers(metric, sum.dataPoints, {
      ...conversion,
      kind,
      delta: sum.aggregationTemporality === TEMPORALITY_DELTA,
    });
  }
  if (histogram) convertHistogram(metric, histogram, conversion);
  if (exponentialHistogram) convertExponential(metric, exponentialHistogram, conversion);
  if (summary) convertSummary(metric, summary, conversion);
}

function named(metric: OtlpMetric, kind: NamedMetric['kind'], sink: PointSink): string {
  const name = prometheusName({ name: metric.name, unit: metric.unit, kind });
  sink.describe(name, { type: kind, help: metric.description, unit: metric.unit });
  return name;
}

interface NumberConversion extends Conversion {
  readonly kind: 'counter' | 'gauge';
  readonly delta: boolean;
}

type NumberPoints = NonNullable<OtlpMetric['gauge']>['dataPoints'];

function convertNumbers(metric: OtlpMetric, points: NumberPoints, conversion: NumberConversion): void {
  const name = named(metric, conversion.kind, conversion.sink);
  for (const point of points) {
    conversion.sink.add({
      labels: labelsOf(name, point.attributes, conversion.base),
      timestampMs: timeOf(point.timeUnixNano, conversion),
      value: isMissing(point.flags) ? null : (point.asDouble ?? point.asInt ?? 0),
      delta: conversion.delta,
    });
  }
}

function convertHistogram(
  metric: OtlpMetric,
  data: NonNullable<OtlpMetric['histogram']>,
  conversion: Conversion,
): void {
  const name = named(metric, 'histogram', conversion.sink);
  const delta = data.aggregationTemporality === TEMPORALITY_DELTA;
  for (const point of data.dataPoints) {
    const timestampMs = timeOf(point.timeUnixNano, conversion);
    const missing = isMissing(point.flags);
    const add = (suffix: string, value: number, bound?: string): void => {
      const labels = labelsOf(`${name}${suffix}`, point.attributes, conversion.base);
      conversion.sink.add({
        labels: bound === undefined ? labels : { ...labels, le: bound },
        timestampMs,
        value: missing ? null : value,
        delta,
      });
    };
    let cumulative = 0;
    point.explicitBounds.forEach((bound, bucket) => {
      cumulative += point.bucketCounts[bucket] ?? 0;
      add('_bucket', cumulative, formatBound(bound));
    });
    add('_bucket', point.count, '+Inf');
    add('_count', point.count);
    if (point.sum !== undefined) add('_sum', point.sum);
  }
}

function convertSummary(
  metric: OtlpMetric,
  data: NonNullable<OtlpMetric['summary']>,
  conversion: Conversion,
): void {
  const name = named(metric, 'summary', conversion.sink);
  for (const point of data.dataPoints) {
    const timestampMs = timeOf(point.timeUnixNano, conversion);
    const labels = labelsOf(name, point.attributes, conversion.base);
    const missing = isMissing(point.flags);
    const add = (added: Labels, value: number): void =>
      conversion.sink.add({
        labels: { ...labels, ...added },
        timestampMs,
        value: missing ? null : value,
        delta: false,
      });
    for (const { quantile, value } of point.quantileValues) add({ quantile: formatBound(quantile) }, value);
    add({ [METRIC_NAME_LABEL]: `${name}_count` }, point.count);
    add({ [METRIC_NAME_LABEL]: `${name}_sum` }, point.sum);
  }
}

const MAX_NATIVE_SCHEMA = 8;

function convertExponential(
  metric: OtlpMetric,
  data: NonNullable<OtlpMetric['exponentialHistogram']>,
  conversion: Conversion,
): void {
  const name = named(metric, 'histogram', conversion.sink);
  for (const point of data.dataPoints) {
    const schema = Math.min(point.scale, MAX_NATIVE_SCHEMA);
    const merge = point.scale - schema;
    const positive = nativeBuckets(point.positive, merge);
    const negative = nativeBuckets(point.negative, merge);
    const value: HistogramValue = {
      schema,
      count: point.count,
      sum: point.sum ?? Number.NaN,
      zeroThreshold: point.zeroThreshold,
      zeroCount: point.zeroCount,
      positiveSpans: positive.spans,
      positiveCounts: positive.counts,
      negativeSpans: negative.spans,
      negativeCounts: negative.counts,
      customBounds: [],
      counterReset: 'unknown',
    };
    conversion.sink.add({
      labels: labelsOf(name, point.attributes, conversion.base),
      timestampMs: timeOf(point.timeUnixNano, conversion),
      value: isMissing(point.flags) ? null : value,
      delta: data.aggregationTemporality === TEMPORALITY_DELTA,
    });
  }
}

interface OtlpBuckets {
  readonly offset: number;
  readonly bucketCounts: readonly number[];
}

/**
 * OpenTelemetry's bucket i covers (base^i, base^(i+1)], Prometheus's (base^(i−1), base^i]: the index moves by one.
 * Each step of `merge` halves the resolution.
 */
function nativeBuckets(
  buckets: OtlpBuckets | undefined,
  merge: number,
): { spans: readonly HistogramSpan[]; counts: readonly number[] } {
  if (!buckets || buckets.bucketCounts.length === 0) return { spans: [], counts: [] };
  const first = (buckets.offset >> merge) + 1;
  const counts: number[] = [];
  buckets.bucketCounts.forEach((count, place) => {
    const index = ((buckets.offset + place) >> merge) + 1 - first;
    counts[index] = (counts[index] ?? 0) + count;
  });
  return { spans: [{ offset: first, length: counts.length }], counts };
}

function labelsOf(name: string, attributes: OtlpAttributes, base: Labels): Labels {
  const labels: Record<string, string> = { ...base };
  for (const [key, value] of Object.entries(plainAttributes(attributes))) {
    labels[prometheusLabel(key)] = labelValue(value);
  }
  labels[METRIC_NAME_LABEL] = name;
  return labels;
}

function timeOf(timeUnixNano: bigint, { receivedAtMs }: Conversion): number {
  return timeUnixNano === 0n ? receivedAtMs : Number(timeUnixNano / 1_000_000n);
}

function isMissing(flags: number): boolean {
  return (flags & FLAG_NO_RECORDED_VALUE) !== 0;
}

function formatBound(bound: number): string {
  if (bound === Infinity) return '+Inf';
  if (bound === -Infinity) return '-Inf';
  return String(bound);
}

/** Structures as JSON; a missing value as an empty label, which is none. */
function labelValue(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : JSON.stringify(value);
}
