import type { StoredSpan, TraceAbout } from './stored-span.ts';

/** The spans of Omoi's own that say what a trace is about. A root says it of the traces of other programs. */
export const TELLING_SPANS = [
  'alerting.alert',
  'alerting.resolve',
  'watchdog.remediation',
  'monitor.anomaly',
  'fleet.spawn',
  'notification.deliver',
] as const;

export type TellingSpan = Pick<StoredSpan, 'name' | 'parentSpanId' | 'attributes'>;

const NOTHING: TraceAbout = {
  ruleId: null,
  agentId: null,
  poolId: null,
  generation: null,
  policy: null,
  outcome: null,
  metricName: null,
  integration: null,
  taskType: null,
};

/**
 * What a trace is about: the last alert that set off a repair, else the last alert, with its repair and how that ended; without
 * an alert what was started, found or sent.
 * @param spans by start; those that tell nothing may be left out
 */
export function aboutOf(spans: readonly TellingSpan[]): TraceAbout {
  const last = (name: (typeof TELLING_SPANS)[number]): TellingSpan | undefined =>
    spans.findLast((span) => span.name === name);
  const repair = last('watchdog.remediation');
  const alertId = repair ? textOf(repair, 'omoi.alert.id') : textOf(last('alerting.alert'), 'omoi.alert.id');
  const ofAlert = (name: string): TellingSpan | undefined =>
    alertId === null
      ? undefined
      : spans.findLast((span) => span.name === name && textOf(span, 'omoi.alert.id') === alertId);
  const [alert, end] = [ofAlert('alerting.alert'), ofAlert('alerting.resolve')];
  const anomaly = last('monitor.anomaly');
  if (alert || repair) {
    const [, kind, id = null] = /^(agent|pool):(.*)$/s.exec(textOf(repair, 'omoi.target') ?? '') ?? [];
    return {
      ...NOTHING,
      ruleId: textOf(alert, 'omoi.rule.id'),
      agentId: kind === undefined ? textOf(alert, 'omoi.agent.id') : kind === 'agent' ? id : null,
      poolId: kind === 'pool' ? id : textOf(alert, 'omoi.pool.id'),
      taskType: textOf(alert, 'omoi.task.type'),
      policy: textOf(repair, 'omoi.policy'),
      outcome: textOf(repair, 'omoi.outcome') ?? textOf(repair, 'omoi.state') ?? textOf(end, 'omoi.cause'),
      metricName: textOf(anomaly, 'omoi.metric.name'),
    };
  }
  const told = last('fleet.spawn') ?? anomaly ?? last('notification.deliver');
  const span = told ?? spans.find(({ parentSpanId }) => parentSpanId === null);
  return {
    ...NOTHING,
    agentId: textOf(span, 'omoi.agent.id'),
    poolId: textOf(span, 'omoi.pool.id'),
    generation: numberOf(span, 'omoi.agent.generation'),
    metricName: textOf(span, 'omoi.metric.name'),
    integration: textOf(span, 'omoi.notification.integration'),
    taskType: textOf(span, 'omoi.task.type'),
  };
}

function textOf(span: TellingSpan | undefined, name: string): string | null {
  const value = span?.attributes[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

function numberOf(span: TellingSpan | undefined, name: string): number | null {
  const value = span?.attributes[name];
  return typeof value === 'number' ? value : null;
}
