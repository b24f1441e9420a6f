import type { AnomalyRow, Monitor } from '#monitor';
import { type Labels, STANDARD_METRICS, toRfc3339, toRfc3339OrNull } from '#telemetry';
import { z } from 'zod';
import type { ApiApp, Role } from '../http/app.ts';

const READERS: readonly Role[] = ['viewer', 'operator', 'admin'];
const OPERATORS: readonly Role[] = ['operator', 'admin'];

const metricSample = z.object({
  metric_name: z.string(),
  value: z.number(),
  labels: z.record(z.string(), z.string()),
  timestamp: z.string(),
});

const metricDefinition = z.object({
  metric_name: z.string(),
  type: z.enum(['gauge', 'counter', 'histogram']),
  unit: z.string(),
  labels: z.array(z.string()),
  help: z.string(),
});

const anomalyBody = z.object({
  id: z.string(),
  metric_name: z.string(),
  labels: z.record(z.string(), z.string()),
  kind: z.enum(['spike', 'drop', 'threshold_breach', 'pattern_change', 'trend']),
  detector: z.string(),
  state: z.enum(['open', 'closed']),
  value: z.number(),
  expected: z.number().nullable(),
  score: z.number(),
  peak_score: z.number(),
  detected_at: z.string(),
  closed_at: z.string().nullable(),
  acknowledged_by: z.string().nullable(),
  acknowledged_at: z.string().nullable(),
  traceparent: z.string().nullable(),
});

const agentScore = z.object({
  agent_id: z.string(),
  pool_id: z.string().nullable(),
  score: z.number().describe('How unlike its pool the agent behaves, 0 to 1.'),
  duration_score: z.number(),
  failure_score: z.number(),
  tasks: z.number(),
});

const anomalyQuery = z.object({
  state: z.enum(['open', 'closed']).optional(),
  metric_name: z.string().optional(),
  before: z.iso.datetime().optional().describe('Only what was detected before this time.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

const anomalyParams = z.object({ anomaly_id: z.string() });

/** The standard metrics as they stand, and what the detectors found in them. */
export function registerMonitorRoutes(app: ApiApp, monitor: Monitor): void {
  registerMetricRoutes(app, monitor);
  registerAnomalyRoutes(app, monitor);
}

function registerMetricRoutes(app: ApiApp, monitor: Monitor): void {
  app.route({
    method: 'GET',
    url: '/api/v1/monitor/metrics',
    config: { access: READERS },
    schema: {
      tags: ['monitor'],
      summary: 'The newest samples of the standard metrics; every other parameter is a label that must match',
      querystring: z
        .object({ metric_name: z.string().optional(), phase_id: z.string().optional() })
        .catchall(z.string()),
      response: { 200: z.array(metricSample) },
    },
    handler: async (request) => {
      const { metric_name: metricName = null, ...labels } = request.query;
      return monitor.samples({ metricName, labels: presentOnly(labels) }).map((sample) => ({ ...sample }));
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/monitor/catalogue',
    config: { access: READERS },
    schema: {
      tags: ['monitor'],
      summary: 'The standard metrics: type, unit, labels, meaning',
      response: { 200: z.array(metricDefinition) },
    },
    handler: async () =>
      Object.entries(STANDARD_METRICS).map(([name, { type, unit, labels, help }]) => ({
        metric_name: name,
        type,
        unit,
        labels: [...labels],
        help,
      })),
  });

  app.route({
    method: 'GET',
    url: '/api/v1/monitor/agents',
    config: { access: READERS },
    schema: {
      tags: ['monitor'],
      summary: 'How unlike its pool each agent behaves, the most unlike first',
      response: { 200: z.array(agentScore) },
    },
    handler: async () =>
      monitor.agentScores().map((score) => ({
        agent_id: score.agentId,
        pool_id: score.poolId,
        score: score.score,
        duration_score: score.durationScore,
        failure_score: score.failureScore,
        tasks: score.tasks,
      })),
  });
}

function registerAnomalyRoutes(app: ApiApp, { anomalies }: Monitor): void {
  app.route({
    method: 'GET',
    url: '/api/v1/monitor/anomalies',
    config: { access: READERS },
    schema: {
      tags: ['monitor'],
      summary: 'List the anomalies, newest first',
      querystring: anomalyQuery,
      response: { 200: z.array(anomalyBody) },
    },
    handler: async (request) => {
      const { state, metric_name: metricName, before, limit } = request.query;
      const rows = await anomalies.list({
        limit,
        ...(state !== undefined && { state }),
        ...(metricName !== undefined && { metricName }),
        ...(before !== undefined && { beforeMs: Date.parse(before) }),
      });
      return rows.map(describeAnomaly);
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/monitor/anomalies/:anomaly_id',
    config: { access: READERS },
    schema: {
      tags: ['monitor'],
      summary: 'One anomaly',
      params: anomalyParams,
      response: { 200: anomalyBody },
    },
    handler: async (request) => describeAnomaly(await anomalies.get(request.params.anomaly_id)),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/monitor/anomalies/:anomaly_id/acknowledge',
    config: { access: OPERATORS },
    schema: {
      tags: ['monitor'],
      summary: 'Say that you have seen it; the first one to say so is kept',
      params: anomalyParams,
      response: { 200: anomalyBody },
    },
    handler: async (request) =>
      describeAnomaly(await anomalies.acknowledge(request.params.anomaly_id, request.principal.name)),
  });
}

function presentOnly(labels: Readonly<Record<string, string | undefined>>): Labels {
  const present: Record<string, string> = {};
  for (const [name, value] of Object.entries(labels)) if (value !== undefined) present[name] = value;
  return present;
}

function describeAnomaly(row: AnomalyRow): z.output<typeof anomalyBody> {
  return {
    id: row.id,
    metric_name: row.metric_name,
    labels: JSON.parse(row.labels) as Record<string, string>,
    kind: row.kind,
    detector: row.detector,
    state: row.state,
    value: row.value,
    expected: row.expected,
    score: row.score,
    peak_score: row.peak_score,
    detected_at: toRfc3339(row.detected_at_ms),
    closed_at: toRfc3339OrNull(row.closed_at_ms),
    acknowledged_by: row.acknowledged_by,
    acknowledged_at: toRfc3339OrNull(row.acknowledged_at_ms),
    traceparent: row.traceparent,
  };
}
