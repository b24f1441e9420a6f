import { createEventBus } from '#eventbus';
import { createFleet, type Fleet } from '#fleet';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { registerAgentRoutes } from './agents/agent-routes.ts';
import { startTestApi, type TestApi } from './api.test-support.ts';
import { registerLockRoutes } from './locks/lock-routes.ts';
import { registerTaskRoutes } from './tasks/task-routes.ts';

/** The routes of agents, tasks and locks over a fleet of their own, under a virtual clock. */
export interface FleetApi {
  readonly api: TestApi;
  readonly fleet: Fleet;
  /** Where the fleet is. */
  readonly database: StateDatabase;
  /** The routes that a token of role agent may call: `GET /api/v1/fleet/tasks`. */
  readonly agentRoutes: readonly string[];
  close(): Promise<void>;
}

export async function openFleetApi(
  parts: NonNullable<Parameters<typeof startTestApi>[0]>['parts'] = {},
): Promise<FleetApi> {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock, 'none');
  const random = createSeededRandom(1);
  const common = { database, clock, random, logger: silentLogger, metrics: new SelfMetrics() };
  const bus = createEventBus(common);
  const fleet = createFleet({ ...common, bus });
  await fleet.start();
  const agentRoutes: string[] = [];
  const api = await startTestApi({
    parts,
    register: (app) => {
      app.addHook('onRoute', ({ method, url, config }) => {
        if (method !== 'HEAD' && config?.access?.includes('agent'))
          agentRoutes.push(`${String(method)} ${url}`);
      });
      registerAgentRoutes(app, { fleet, clock });
      registerTaskRoutes(app, { fleet });
      registerLockRoutes(app, { fleet });
    },
  });
  return {
    api,
    fleet,
    database,
    agentRoutes,
    async close() {
      await api.close();
      await fleet.stop();
      await bus.stop();
      await database.close();
    },
  };
}
