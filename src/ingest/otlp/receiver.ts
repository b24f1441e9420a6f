import {
  METRIC_NAME_LABEL,
  OmoiError,
  SampleBatch,
  type AppendOrigin,
  type Clock,
  type MetadataSink,
  type ReceivedLogRecord,
  type ReceivedSpan,
  type SampleSink,
  type SelfMetrics,
} from '#telemetry';
import { encodeSuccess, type PartialSuccess } from './answer.ts';
import { DeltaTotals } from './delta-totals.ts';
import { convertMetrics, type ConvertedPoint } from './metrics.ts';
import {
  plainAttributes,
  plainValue,
  readRequest,
  type Encoding,
  type LogsRequest,
  type TracesRequest,
} from './request.ts';
import type { Signal } from './wire.ts';

export interface OtlpReceiverOptions {
  readonly clock: Clock;
  readonly samples: SampleSink & MetadataSink;
  readonly spans: { receive(spans: readonly ReceivedSpan[]): Promise<void> };
  readonly logs: { receive(records: readonly ReceivedLogRecord[]): Promise<void> };
  readonly selfMetrics: SelfMetrics;
  /** Metric names that only Omoi itself may write: they can make it act. */
  readonly isReserved: (metricName: string) => boolean;
  /** The pool that an agent belongs to now; null for an agent without a pool, and for one that is not known. */
  readonly agentPool: (agentId: string) => string | null;
}

/** Who sends: what a bound token speaks for, or null for a sender without such a bound. */
export interface OtlpSender {
  readonly scope: {
    readonly agentIds: readonly string[];
    /** All agents of this pool, whichever they are when they send; null where agents are named. */
    readonly poolId: string | null;
  } | null;
}

export interface OtlpRequest {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly body: Uint8Array;
  readonly sender: OtlpSender;
}

export interface OtlpReceiver {
  /**
   * Stores what a request carries; returns the encoded response once it is kept.
   * @throws OmoiError `malformed_json`, `payload_undecodable`, `storage_full`, …; then nothing was kept
   */
  receive(request: OtlpRequest): Promise<Uint8Array>;
}

const MAX_DELTA_SERIES = 100_000;
const MAX_LISTED_REASONS = 5;

export function createOtlpReceiver(options: OtlpReceiverOptions): OtlpReceiver {
  const totals = new DeltaTotals(MAX_DELTA_SERIES);
  const refused = options.selfMetrics.counter(
    'omoi_otlp_refused_total',
    'OTLP points, spans and records refused.',
  );
  return {
    async receive({ signal, encoding, body, sender }) {
      const partial = await store(signal, { encoding, body, sender, totals, options });
      if (partial.rejected > 0) refused.add(partial.rejected, { signal });
      return encodeSuccess(signal, encoding, partial);
    },
  };
}

interface Intake {
  readonly encoding: Encoding;
  readonly body: Uint8Array;
  readonly sender: OtlpSender;
  readonly totals: DeltaTotals;
  readonly options: OtlpReceiverOptions;
}

async function store(signal: Signal, intake: Intake): Promise<PartialSuccess> {
  const { encoding, body, options } = intake;
  switch (signal) {
    case 'metrics':
      return storeMetrics(intake);
    case 'traces':
      await options.spans.receive(receivedSpans(readRequest('traces', encoding, body)));
      return { rejected: 0, message: '' };
    case 'logs':
      await options.logs.receive(receivedLogs(readRequest('logs', encoding, body), options.clock.wallMs()));
      return { rejected: 0, message: '' };
  }
}

async function storeMetrics({ encoding, body, sender, totals, options }: Intake): Promise<PartialSuccess> {
  const request = readRequest('metrics', encoding, body);
  const { samples, clock } = options;
  const origin: AppendOrigin = {
    source: 'otlp',
    traceparent: null,
    receivedAtMs: clock.wallMs(),
    receivedMonotonicMs: clock.monotonicMs(),
  };
  const batch = new SampleBatch();
  const reasons = new Map<string, number>();
  const refuse = (reason: string): void => void reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  convertMetrics(request, origin.receivedAtMs, {
    describe(name, metadata) {
      if (!options.isReserved(name)) samples.describe(name, metadata);
    },
    add(point) {
      const reason = refusalOf(point, sender, options) ?? addPoint(point, { batch, totals, samples });
      if (reason !== null) refuse(reason);
    },
  });
  const result = samples.commit(batch, origin);
  for (const [reason, count] of Object.entries(result.refused)) if (count > 0) reasons.set(reason, count);
  await result.durable();
  return summary(reasons);
}

function refusalOf(point: ConvertedPoint, sender: OtlpSender, options: OtlpReceiverOptions): string | null {
  const name = point.labels[METRIC_NAME_LABEL] ?? '';
  if (options.isReserved(name)) return `${name} is written by Omoi alone`;
  const agentId = point.labels['agent_id'];
  if (agentId !== undefined && !speaksFor(sender, agentId, options)) {
    return `this token does not speak for agent ${agentId}`;
  }
  return null;
}

function speaksFor({ scope }: OtlpSender, agentId: string, { agentPool }: OtlpReceiverOptions): boolean {
  if (scope === null || scope.agentIds.includes(agentId)) return true;
  return scope.poolId !== null && agentPool(agentId) === scope.poolId;
}

interface PointTarget {
  readonly batch: SampleBatch;
  readonly totals: DeltaTotals;
  readonly samples: SampleSink;
}

/** Puts a point into the batch. Returns why it cannot be kept, or null. */
function addPoint(point: ConvertedPoint, { batch, totals, samples }: PointTarget): string | null {
  const { value, timestampMs } = point;
  const isHistogram = value !== null && typeof value === 'object';
  if (isHistogram && point.delta) return 'delta native histograms are not accepted';
  try {
    const ref = samples.series(point.labels);
    if (value === null) batch.addStale(ref, timestampMs);
    else if (isHistogram) batch.addHistogram(ref, timestampMs, value);
    else batch.add(ref, timestampMs, point.delta ? totals.add(point.labels, value) : value);
    return null;
  } catch (thrown) {
    if (thrown instanceof OmoiError && !thrown.retryable) return thrown.message;
    throw thrown;
  }
}

function summary(reasons: ReadonlyMap<string, number>): PartialSuccess {
  const rejected = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  const listed = [...reasons].slice(0, MAX_LISTED_REASONS).map(([reason, count]) => `${reason} (${count})`);
  return { rejected, message: listed.join('; ') };
}

function receivedSpans(request: TracesRequest): readonly ReceivedSpan[] {
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const resourceAttributes = plainAttributes(resource?.attributes ?? []);
    const serviceName = textOf(resourceAttributes['service.name']) ?? 'unknown';
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        name: span.name,
        kind: span.kind,
        startNs: span.startTimeUnixNano,
        endNs: span.endTimeUnixNano,
        statusCode: span.status?.code ?? 0,
        statusMessage: span.status?.message ?? '',
        serviceName,
        attributes: { ...resourceAttributes, ...plainAttributes(span.attributes) },
        events: span.events.map((event) => ({
          name: event.name,
          atNs: event.timeUnixNano,
          attributes: plainAttributes(event.attributes),
        })),
        links: span.links.map((link) => ({
          traceId: link.traceId,
          spanId: link.spanId,
          attributes: plainAttributes(link.attributes),
        })),
      })),
    );
  });
}

function receivedLogs(request: LogsRequest, receivedAtMs: number): readonly ReceivedLogRecord[] {
  return request.resourceLogs.flatMap(({ resource, scopeLogs }) => {
    const resourceAttributes = plainAttributes(resource?.attributes ?? []);
    return scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((record) => {
        const ns = record.timeUnixNano === 0n ? record.observedTimeUnixNano : record.timeUnixNano;
        const body = plainValue(record.body);
        return {
          atMs: ns === 0n ? receivedAtMs : Number(ns / 1_000_000n),
          severityNumber: record.severityNumber,
          severityText: record.severityText,
          message: typeof body === 'string' ? body : (record.eventName ?? JSON.stringify(body)),
          serviceName: textOf(resourceAttributes['service.name']) ?? 'unknown',
          traceId: record.traceId,
          spanId: record.spanId,
          attributes: { ...resourceAttributes, ...plainAttributes(record.attributes) },
        };
      }),
    );
  });
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The encoding a content type asks for, or an error that lists what is read. */
export function encodingOf(contentType: string): Encoding {
  const type = contentType.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/x-protobuf') return 'protobuf';
  if (type === 'application/json') return 'json';
  throw new OmoiError(
    'unsupported_media_type',
    `OTLP is read as application/x-protobuf or application/json, not "${contentType}"`,
  );
}
