import type { Alerting } from '#alerting';
import type { Fleet } from '#fleet';
import type { Watchdog } from '#watchdog';
import type { z } from 'zod';
import { READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { overviewAnswer } from './overview-schemas.ts';

export interface OverviewParts {
  readonly fleet: Pick<Fleet, 'hostDelay'> & {
    readonly directory: Pick<Fleet['directory'], 'countByStatus'>;
    readonly tasks: Pick<Fleet['tasks'], 'unservedWarnings'>;
  };
  readonly alerting: { readonly alerts: Pick<Alerting['alerts'], 'countFiring'> };
  readonly watchdog: Pick<Watchdog, 'countOpen'>;
  readonly sampleClock: { leadMs(): number };
  /** What a person should know of how the server is set up; what is to be said of the fleet comes behind it. */
  readonly warnings: () => Overview['warnings'];
}

type Overview = z.output<typeof overviewAnswer>;

/** `/api/v1/overview`: how many of everything there are, however many pages the lists have. */
export function registerOverviewRoute(app: ApiApp, parts: OverviewParts): void {
  let reading: Promise<Overview> | null = null;
  app.route({
    method: 'GET',
    url: '/api/v1/overview',
    config: { access: READERS },
    schema: {
      tags: ['overview'],
      summary: 'How many agents, firing alerts and open remediations there are',
      response: { 200: overviewAnswer },
    },
    // Whoever asks while it is read shares the answer: many who look on cost no more than one.
    handler: () =>
      (reading ??= readOverview(parts).finally(() => {
        reading = null;
      })),
  });
}

async function readOverview(parts: OverviewParts): Promise<Overview> {
  const { fleet, alerting, watchdog, sampleClock, warnings } = parts;
  const bySeverity = await alerting.alerts.countFiring();
  return {
    agents: { by_status: fleet.directory.countByStatus() },
    alerts: {
      firing: bySeverity.reduce((sum, { firing }) => sum + firing, 0),
      unacknowledged: bySeverity.reduce((sum, { unacknowledged }) => sum + unacknowledged, 0),
      by_severity: [...bySeverity],
    },
    sample_clock_lead_seconds: sampleClock.leadMs() / 1000,
    host_delay: viewHostDelay(fleet.hostDelay()),
    remediations: watchdog.countOpen(),
    warnings: [
      ...warnings(),
      ...fleet.tasks.unservedWarnings().map((message) => ({ key: 'tasks', message })),
    ],
  };
}

function viewHostDelay(delay: ReturnType<Fleet['hostDelay']>): Overview['host_delay'] {
  if (delay === null) return null;
  const { delayMs, usualTtlMs, ttlMs } = delay;
  return {
    seconds: delayMs / 1000,
    usual_heartbeat_ttl_seconds: usualTtlMs / 1000,
    heartbeat_ttl_seconds: ttlMs / 1000,
  };
}
