import { MAINTENANCE_KINDS, storedText, toRfc3339, type Clock } from '#telemetry';
import type { RunningMaintenance, Watchdog } from '#watchdog';
import { z } from 'zod';
import { OPERATORS, READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';

export interface MaintenanceRouteParts {
  readonly watchdog: Pick<Watchdog, 'maintenance'>;
  readonly clock: Pick<Clock, 'wallMs'>;
}

const time = z.string().meta({ format: 'date-time' });

const maintenanceSchema = z.object({
  id: z.string(),
  target: z.object({ kind: z.enum(MAINTENANCE_KINDS), id: z.string() }),
  reason: z.string(),
  started_by: z.string(),
  started_at: time,
  until: time.meta({ description: 'when it ends by itself' }),
});

export const maintenanceListSchema = z.object({ maintenances: z.array(maintenanceSchema) });

const newMaintenanceBody = z.strictObject({
  target: storedText(300).min(1).meta({
    description: '`pool:ID`, `host:NAME` or `agent:ID`; without the kind where only one is called that',
  }),
  duration_ms: z.number().int().positive(),
  reason: storedText(500).min(1),
});

/** Maintenance: while it runs nothing is done to its target, and alerts are recorded all the same. */
export function registerMaintenanceRoutes(app: ApiApp, { watchdog, clock }: MaintenanceRouteParts): void {
  const { maintenance } = watchdog;
  const view = ({ window, leftMs }: RunningMaintenance): z.input<typeof maintenanceSchema> => ({
    id: window.id,
    target: { ...window.target },
    reason: window.reason,
    started_by: window.startedBy,
    // On the wall clock as it stands now, however that was stepped since.
    started_at: toRfc3339(clock.wallMs() + leftMs - window.lengthMs),
    until: toRfc3339(clock.wallMs() + leftMs),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/watchdog/maintenance',
    config: { access: READERS },
    schema: {
      tags: ['watchdog'],
      summary: 'what is under maintenance, in the order in which it began',
      response: { 200: maintenanceListSchema },
    },
    handler: () => ({ maintenances: maintenance.list().map(view) }),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/watchdog/maintenance',
    config: { access: OPERATORS },
    schema: {
      tags: ['watchdog'],
      summary: 'leave a pool, a host or an agent alone for a while',
      body: newMaintenanceBody,
      response: { 201: maintenanceSchema },
    },
    async handler({ body: { target, duration_ms: lengthMs, reason }, principal }, reply) {
      const begun = await maintenance.begin({ target, lengthMs, reason, by: principal.name });
      return reply.code(201).send(view(begun));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/watchdog/maintenance/:id',
    config: { access: OPERATORS },
    schema: {
      tags: ['watchdog'],
      summary: 'end a maintenance before its time; ending one that has ended changes nothing',
      params: z.object({ id: storedText(100) }),
      response: { 200: maintenanceListSchema },
    },
    async handler({ params, principal }) {
      await maintenance.end(params.id, principal.name);
      return { maintenances: maintenance.list().map(view) };
    },
  });
}
