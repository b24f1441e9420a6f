import type { SelfMetrics } from '#telemetry';
import { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import { EXPOSITION_CONTENT_TYPE, formatExposition, type MetricFamily } from './exposition.ts';
import { READERS } from '../access/roles.ts';

export interface MetricsPageParts {
  readonly metrics: SelfMetrics;
  /** The standard metrics of the fleet, as they stand now. */
  standardMetrics(): readonly MetricFamily[] | Promise<readonly MetricFamily[]>;
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
    async (_request, reply) => {
      const families = [
        ...(await parts.standardMetrics()),
        ...parts.metrics.collect(),
        ...parts.processMetrics(),
      ];
      return reply.type(EXPOSITION_CONTENT_TYPE).send(formatExposition(families));
    },
  );
}
