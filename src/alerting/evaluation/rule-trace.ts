import type { Labels, Span, SpanAttributes, Tracing } from '#telemetry';
import type { Cause } from '../state/instance.ts';

/** What one evaluation knows about where its samples came from. */
export interface EvaluationTrace {
  /** The traceparents behind the samples of an element of these labels, the earliest first. */
  readonly tracesFor: (labels: Labels) => readonly string[];
  /** Wall ms when the append arrived that made the rule dirty; null where time alone did. */
  readonly receivedAtMs: number | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** The cause of a condition that begins to hold. Nothing is recorded yet: it may never fire. */
export function causeOf(labels: Labels, trace: EvaluationTrace): Cause {
  const traced = trace.tracesFor(labels);
  return {
    parent: traced[0] ?? null,
    links: traced.slice(1),
    receivedAtMs: trace.receivedAtMs,
    evaluatedFromMs: trace.startedAtMs,
    evaluatedToMs: trace.endedAtMs,
  };
}

/** The cause as it stands when the alert fires: a trace that joined while it was pending wins over none. */
export function causeAtFiring(cause: Cause, labels: Labels, trace: EvaluationTrace): Cause {
  const traced = trace.tracesFor(labels);
  const all = [...new Set([...(cause.parent === null ? [] : [cause.parent]), ...cause.links, ...traced])];
  return { ...cause, parent: all[0] ?? null, links: all.slice(1) };
}

/** Records how an alert came to fire; gives the traceparent of its span, which what follows descends from. */
export function recordFiring(
  tracing: Tracing,
  alert: {
    readonly ruleId: string;
    readonly alertId: string;
    readonly labels: Labels;
    readonly cause: Cause;
  },
  times: { readonly wallMs: number },
): string {
  const { cause } = alert;
  const evaluate = tracing.startSpan('alerting.evaluate', {
    parent: cause.parent ?? recordAppend(tracing, cause),
    links: cause.links,
    attributes: { 'omoi.rule.id': alert.ruleId },
    startAtMs: cause.evaluatedFromMs,
  });
  evaluate.end(cause.evaluatedToMs);
  const span = tracing.startSpan('alerting.alert', {
    parent: evaluate.traceparent,
    attributes: {
      'omoi.rule.id': alert.ruleId,
      'omoi.alert.id': alert.alertId,
      ...subjectOf(alert.labels),
    },
    startAtMs: cause.evaluatedToMs,
  });
  span.end(times.wallMs);
  return span.traceparent;
}

/** Whom an alert is about, as its labels name them: what its trace is told apart by. */
export function subjectOf({
  agent_id: agentId,
  pool_id: poolId,
  task_type: taskType,
}: Labels): SpanAttributes {
  return {
    ...(agentId !== undefined && { 'omoi.agent.id': agentId }),
    ...(poolId !== undefined && { 'omoi.pool.id': poolId }),
    ...(taskType !== undefined && { 'omoi.task.type': taskType }),
  };
}

/** The root of a trace that no upstream part began; null where no append was the reason either. */
function recordAppend(tracing: Tracing, cause: Cause): string | null {
  if (cause.receivedAtMs === null) return null;
  const root: Span = tracing.startSpan('telemetry.append', { parent: null, startAtMs: cause.receivedAtMs });
  root.end(cause.evaluatedFromMs);
  return root.traceparent;
}

/** Records the end of an alert in the trace that its firing began. */
export function recordResolution(
  tracing: Tracing,
  alert: { readonly ruleId: string; readonly alertId: string; readonly traceparent: string | null },
  resolution: { readonly cause: string; readonly startedAtMs: number; readonly endedAtMs: number },
): void {
  if (alert.traceparent === null) return;
  const span = tracing.startSpan('alerting.resolve', {
    parent: alert.traceparent,
    attributes: {
      'omoi.rule.id': alert.ruleId,
      'omoi.alert.id': alert.alertId,
      'omoi.cause': resolution.cause,
    },
    startAtMs: resolution.startedAtMs,
  });
  span.end(resolution.endedAtMs);
}
