import type { LogEntry, LogStore, SpanStore, StoredSpan, TraceSummary } from '#observability';
import { OmoiError, toRfc3339 } from '#telemetry';
import type { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import {
  logsAnswer,
  logsQuery,
  traceAnswer,
  traceParams,
  tracesAnswer,
  tracesQuery,
} from './observability-schemas.ts';

export interface ObservabilityRouteParts {
  readonly spans: Pick<SpanStore, 'search' | 'trace'>;
  readonly logs: Pick<LogStore, 'search'>;
}

const READERS = ['viewer', 'operator', 'admin'] as const;

/** `/api/v1/observability`: traces and logs, read back. */
export function registerObservabilityRoutes(app: ApiApp, parts: ObservabilityRouteParts): void {
  const { spans, logs } = parts;
  app.route({
    method: 'GET',
    url: '/api/v1/observability/traces',
    config: { access: READERS },
    schema: {
      tags: ['observability'],
      summary: 'Traces, the newest first',
      querystring: tracesQuery,
      response: { 200: tracesAnswer },
    },
    handler: async ({ query }) => {
      const found = await spans.search({
        ...timesOf(query),
        ...(query.name !== undefined && { name: query.name }),
        ...(query.service !== undefined && { serviceName: query.service }),
        ...(query.status !== undefined && { status: query.status }),
        attributes: attributesOf(query.attribute),
        limit: query.limit,
      });
      return { traces: found.map(summaryView) };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/observability/traces/:trace_id',
    config: { access: READERS },
    schema: {
      tags: ['observability'],
      summary: 'All spans of one trace',
      params: traceParams,
      response: { 200: traceAnswer },
    },
    handler: async ({ params }) => ({
      trace_id: params.trace_id,
      spans: (await spans.trace(params.trace_id)).map(spanView),
    }),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/observability/logs',
    config: { access: READERS },
    schema: {
      tags: ['observability'],
      summary: 'Log lines, the newest first',
      querystring: logsQuery,
      response: { 200: logsAnswer },
    },
    handler: async ({ query }) => {
      const found = await logs.search({
        ...timesOf(query),
        ...(query.level !== undefined && { level: query.level }),
        ...(query.text !== undefined && { text: query.text }),
        ...(query.trace_id !== undefined && { traceId: query.trace_id }),
        ...(query.component !== undefined && { component: query.component }),
        ...(query.service !== undefined && { serviceName: query.service }),
        limit: query.limit,
      });
      return { lines: found.map(lineView) };
    },
  });
}

interface TimeQuery {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

function timesOf({ from, to }: TimeQuery): { fromMs?: number; toMs?: number } {
  return {
    ...(from !== undefined && { fromMs: Date.parse(from) }),
    ...(to !== undefined && { toMs: Date.parse(to) }),
  };
}

function attributesOf(asked: string | readonly string[] | undefined): Record<string, string> {
  const pairs = asked === undefined ? [] : typeof asked === 'string' ? [asked] : asked;
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new OmoiError('invalid_request', `attribute: "${pair}" is not of the form key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

const timeOfUs = (us: number): string => toRfc3339(us / 1000);

function summaryView(summary: TraceSummary): z.input<typeof tracesAnswer>['traces'][number] {
  return {
    trace_id: summary.traceId,
    name: summary.name,
    service_name: summary.serviceName,
    started_at: timeOfUs(summary.startUs),
    duration_us: summary.endUs - summary.startUs,
    span_count: summary.spanCount,
    error_count: summary.errorCount,
  };
}

function spanView(span: StoredSpan): z.input<typeof traceAnswer>['spans'][number] {
  return {
    span_id: span.spanId,
    parent_span_id: span.parentSpanId,
    name: span.name,
    kind: span.kind,
    service_name: span.serviceName,
    started_at: timeOfUs(span.startUs),
    ended_at: timeOfUs(span.endUs),
    start_us: span.startUs,
    duration_us: span.endUs - span.startUs,
    status: span.status,
    status_message: span.statusMessage,
    attributes: span.attributes,
    links: span.links.map((link) => ({
      trace_id: link.traceId,
      span_id: link.spanId,
      attributes: link.attributes,
    })),
    events: span.events.map((event) => ({
      name: event.name,
      at: timeOfUs(event.atUs),
      at_us: event.atUs,
      attributes: event.attributes,
    })),
  };
}

function lineView(entry: LogEntry): z.input<typeof logsAnswer>['lines'][number] {
  return {
    at: toRfc3339(entry.atMs),
    level: entry.level,
    component: entry.component,
    service_name: entry.serviceName,
    message: entry.message,
    trace_id: entry.traceId,
    span_id: entry.spanId,
    fields: entry.fields,
  };
}
