import type { LogEntry, StoredSpan, TraceAbout, TraceSummary } from '#observability';
import { toRfc3339 } from '#telemetry';
import type { z } from 'zod';
import type { logsAnswer, traceAnswer, tracesAnswer } from './observability-schemas.ts';

const timeOfUs = (us: number): string => toRfc3339(us / 1000);

export function viewOfSummary(summary: TraceSummary): z.input<typeof tracesAnswer>['traces'][number] {
  return {
    trace_id: summary.traceId,
    name: summary.name,
    service_name: summary.serviceName,
    started_at: timeOfUs(summary.startUs),
    duration_us: summary.endUs - summary.startUs,
    span_count: summary.spanCount,
    error_count: summary.errorCount,
    about: viewOfAbout(summary.about),
  };
}

export function viewOfAbout(about: TraceAbout): z.input<typeof traceAnswer>['about'] {
  return {
    rule_id: about.ruleId,
    agent_id: about.agentId,
    pool_id: about.poolId,
    generation: about.generation,
    policy: about.policy,
    outcome: about.outcome,
    metric_name: about.metricName,
    integration: about.integration,
    task_type: about.taskType,
  };
}

export function viewOfSpan(span: StoredSpan): z.input<typeof traceAnswer>['spans'][number] {
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

export function viewOfLine(entry: LogEntry): z.input<typeof logsAnswer>['lines'][number] {
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
