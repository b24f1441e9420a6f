import type { AnomalyRow, Monitor } from '#monitor';
import { STANDARD_METRICS } from '#telemetry';
import { z } from 'zod';
import { OPERATORS, READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { jsonOfFitting, jsonOfList, mapped } from '../http/json-pieces.ts';
import { rowsBehind, sendPagedList } from '../http/paged-list.ts';
import { sendPieces } from '../http/pieces.ts';
import { viewOfAnomaly } from './anomaly-view.ts';
import {
  metricSample,
  sampleQuery,
  metricDefinition,
  anomalyView,
  agentScore,
  agentScoreQuery,
  anomalyQuery,
  anomalyParams,
} from './monitor-schemas.ts';

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
      querystring: sampleQuery,
      response: { 200: z.array(metricSample) },
    },
    handler: async ({ query }, reply) => {
      const { metric_name: metricName = null, ...labels } = query;
      const samples = monitor.samples({ metricName, labels });
      return sendPieces(reply.type('application/json'), jsonOfFitting(samples));
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
      querystring: agentScoreQuery,
      response: { 200: z.array(agentScore) },
    },
    handler: async ({ query: { limit } }, reply) => {
      const scores = mapped(monitor.agentScores().slice(0, limit), viewOfScore);
      return sendPieces(reply.type('application/json'), jsonOfList(scores));
    },
  });
}

function viewOfScore(score: ReturnType<Monitor['agentScores']>[number]): z.input<typeof agentScore> {
  return {
    agent_id: score.agentId,
    pool_id: score.poolId,
    score: score.score,
    duration_score: score.durationScore,
    failure_score: score.failureScore,
    tasks: score.tasks,
  };
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
      response: { 200: z.array(anomalyView) },
    },
    handler: async ({ query }, reply) => {
      const { state, metric_name: metricName, before, limit } = query;
      const start = query.after === undefined ? null : await anomalies.get(query.after);
      const read = async (after: AnomalyRow | null, rowLimit: number) => {
        const rows = await anomalies.list({
          limit: rowLimit,
          ...(state !== undefined && { state }),
          ...(metricName !== undefined && { metricName }),
          ...(before !== undefined && { beforeMs: before }),
          ...(after !== null && { after }),
        });
        return rowsBehind(rows, rowLimit, (row) => row);
      };
      return sendPagedList(reply, { name: null, after: start, limit, read, view: viewOfAnomaly });
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
      response: { 200: anomalyView },
    },
    handler: async (request) => viewOfAnomaly(await anomalies.get(request.params.anomaly_id)),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/monitor/anomalies/:anomaly_id/acknowledge',
    config: { access: OPERATORS },
    schema: {
      tags: ['monitor'],
      summary: 'Say that you have seen it; the first one to say so is kept',
      params: anomalyParams,
      response: { 200: anomalyView },
    },
    handler: async (request) =>
      viewOfAnomaly(await anomalies.acknowledge(request.params.anomaly_id, request.principal.name)),
  });
}
