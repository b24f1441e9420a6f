import {
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type HrTime,
  type Span as SdkSpan,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  type IdGenerator,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import {
  messageOf,
  spanIdOf,
  traceIdOf,
  type Clock,
  type Logger,
  type Random,
  type SelfMetrics,
  type Span,
  type SpanAttributes,
  type SpanOptions,
  type Tracing,
} from '#telemetry';
import { BatchWriter } from '../batch-writer.ts';
import { writeOrMakeRoom } from '../make-room.ts';
import type { SpanStore } from './span-store.ts';
import { SPAN_KINDS, SPAN_STATUSES, type StoredSpan } from './stored-span.ts';

const maxQueuedSpans = 20_000;
const maxSpansPerWrite = 500;
const writeDelayMs = 200;
const spanLimits = {
  attributeCountLimit: 128,
  attributeValueLengthLimit: 8192,
  eventCountLimit: 128,
  linkCountLimit: 128,
};

export interface TracingParts {
  readonly store: SpanStore;
  readonly clock: Clock;
  /** Makes the ids of traces and spans, which are no secrets. */
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  /** What the spans' service is called. */
  readonly serviceName: string;
}

/** The tracing of one process, recorded with OpenTelemetry's SDK into the span store. */
export interface StoredTracing extends Tracing {
  /** Writes the spans that have ended by now. */
  flush(): Promise<void>;
  /** Writes what is left. Spans that end later are not kept. */
  stop(): Promise<void>;
}

/** Spans are kept when they have ended, in batches: what waits at a `kill -9` (200 ms of spans) is lost. */
export function createTracing(parts: TracingParts): StoredTracing {
  const { store, clock, random, logger, metrics, serviceName } = parts;
  const dropped = metrics.counter('omoi_spans_dropped_total', 'Spans that were not kept: too many waited.');
  const partsDropped = metrics.counter(
    'omoi_span_parts_dropped_total',
    'Attributes, events and links of Omoi’s own spans beyond 128 of each.',
  );
  const writer = new BatchWriter<StoredSpan>({
    write: (spans) => writeOrMakeRoom(() => store.insert(spans), store),
    clock,
    maxQueued: maxQueuedSpans,
    maxPerWrite: maxSpansPerWrite,
    delayMs: writeDelayMs,
    onDropped: (count) => dropped.add(count),
    onFailure: (error, inARow) => {
      if (inARow > 1) return;
      logger.warn(
        { error: messageOf(error) },
        `Spans can’t be written: they are tried again, and beyond ${maxQueuedSpans} that wait the oldest are dropped.`,
      );
    },
    onRecovered: (failures) => logger.warn({ failures }, 'Spans are written again.'),
    onRefused: (error) => {
      dropped.add(1);
      logger.error({ error: messageOf(error) }, 'Span dropped: the store refuses it for good.');
    },
  });
  metrics.gauge('omoi_spans_queued', 'Spans that wait to be written.', () => writer.queued);
  const processor: SpanProcessor = {
    onStart() {},
    onEnd(span) {
      const dropped = span.droppedAttributesCount + span.droppedEventsCount + span.droppedLinksCount;
      if (dropped > 0) partsDropped.add(dropped);
      writer.add(storedFromSdk(span, serviceName));
    },
    forceFlush: () => writer.flush(),
    shutdown: () => writer.stop(),
  };
  const provider = new BasicTracerProvider({
    sampler: new AlwaysOnSampler(),
    idGenerator: createIdGenerator(random),
    spanProcessors: [processor],
    spanLimits,
  });
  const tracer = provider.getTracer('omoi');
  return {
    startSpan: (name, options) => startSpan({ tracer, clock }, name, options),
    flush: () => writer.flush(),
    stop: () => provider.shutdown(),
  };
}

function startSpan(
  { tracer, clock }: { tracer: Tracer; clock: Clock },
  name: string,
  options: SpanOptions,
): Span {
  const startMs = options.startAtMs ?? clock.wallMs();
  const startedMonotonicMs = clock.monotonicMs();
  const span = tracer.startSpan(
    name,
    {
      startTime: hrTimeOf(startMs),
      links: (options.links ?? []).flatMap((link) => linkTo(link)),
      ...(options.attributes && { attributes: options.attributes }),
    },
    contextOf(options.parent),
  );
  // The monotonic clock is finer than the wall clock, and does not jump while the span lasts.
  const nowMs = (): number =>
    options.startAtMs === undefined
      ? startMs + (clock.monotonicMs() - startedMonotonicMs)
      : Math.max(clock.wallMs(), startMs);
  return wrap(span, nowMs);
}

function wrap(span: SdkSpan, nowMs: () => number): Span {
  const { traceId, spanId } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-01`,
    setAttributes: (attributes) => void span.setAttributes(attributes),
    addLink: (traceparent) => void span.addLinks(linkTo(traceparent)),
    addEvent: (name: string, attributes: SpanAttributes = {}) =>
      void span.addEvent(name, attributes, hrTimeOf(nowMs())),
    fail: (message) => void span.setStatus({ code: SpanStatusCode.ERROR, message }),
    end: (endAtMs) => span.end(hrTimeOf(endAtMs ?? nowMs())),
  };
}

/** The context below which a child starts; a traceparent that is none starts a new trace. */
function contextOf(traceparent: string | null): Context {
  const parent = spanContextOf(traceparent);
  return parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}

function linkTo(traceparent: string): { context: SpanContext }[] {
  const context = spanContextOf(traceparent);
  return context ? [{ context }] : [];
}

function spanContextOf(traceparent: string | null): SpanContext | null {
  const traceId = traceIdOf(traceparent);
  const spanId = spanIdOf(traceparent);
  if (traceId === null || spanId === null) return null;
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

function storedFromSdk(span: ReadableSpan, serviceName: string): StoredSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? null,
    name: span.name,
    kind: SPAN_KINDS[span.kind] ?? 'internal',
    serviceName,
    startUs: microsecondsOf(span.startTime),
    endUs: microsecondsOf(span.endTime),
    status: SPAN_STATUSES[span.status.code] ?? 'unset',
    statusMessage: span.status.message ?? null,
    attributes: span.attributes,
    links: span.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      attributes: link.attributes ?? {},
    })),
    events: span.events.map((event) => ({
      name: event.name,
      atUs: microsecondsOf(event.time),
      attributes: event.attributes ?? {},
    })),
  };
}

/** Ms since epoch as OpenTelemetry's [seconds, nanoseconds], exact to the microsecond. */
function hrTimeOf(ms: number): HrTime {
  const us = Math.round(ms * 1000);
  const seconds = Math.floor(us / 1_000_000);
  return [seconds, (us - seconds * 1_000_000) * 1000];
}

function microsecondsOf([seconds, nanoseconds]: HrTime): number {
  return seconds * 1_000_000 + Math.round(nanoseconds / 1000);
}

function createIdGenerator(random: Random): IdGenerator {
  // 32 bits a draw; an id of zeros alone is invalid, and as unlikely as a collision.
  const word = (): string =>
    Math.floor(random.next() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  return {
    generateTraceId: () => word() + word() + word() + word(),
    generateSpanId: () => word() + word(),
  };
}
