import type { SelfMetrics } from '#telemetry';
import { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import { sendPieces } from '../http/pieces.ts';
import { EXPOSITION_CONTENT_TYPE, expositionOf, type MetricFamily } from './exposition.ts';
import { READERS } from '../access/roles.ts';

export interface MetricsPageParts {
  readonly metrics: SelfMetrics;
  /** The standard metrics of the fleet; each point is read when its line is written. */
  standardMetrics(): Iterable<MetricFamily>;
  /** The metrics of the process itself. */
  processMetrics(): readonly MetricFamily[];
}

/** What a Prometheus scrapes. */
export function registerMetricsPage(app: ApiApp, parts: MetricsPageParts): void {
  app.get(
    '/metrics',
    {
      config: { access: READERS, openOnLoopback: true },
      schema: {
        tags: ['health'],
        summary: 'The metrics of Omoi and of the fleet, for a Prometheus to scrape',
        response: {
          200: {
            description: 'Prometheus text exposition format 0.0.4.',
            content: { 'text/plain': { schema: z.string() } },
          },
        },
      },
    },
    async (_request, reply) =>
      sendPieces(reply.type(EXPOSITION_CONTENT_TYPE), expositionOf(familiesOf(parts))),
  );
}

function* familiesOf(parts: MetricsPageParts): Generator<MetricFamily, void, void> {
  yield* parts.standardMetrics();
  yield* parts.metrics.collect();
  yield* parts.processMetrics();
}
