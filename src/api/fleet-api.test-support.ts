import { createEventBus } from '#eventbus';
import { createFleet, type Fleet } from '#fleet';
import { openTestStateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { registerAgentRoutes } from './agents/agent-routes.ts';
import { startTestApi, type TestApi } from './api.test-support.ts';
import { registerLockRoutes } from './locks/lock-routes.ts';
import { registerTaskRoutes } from './tasks/task-routes.ts';

/** The routes of agents, tasks and locks over a fleet of their own, under a virtual clock. */
export interface FleetApi {
  readonly api: TestApi;
  readonly fleet: Fleet;
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
  const api = await startTestApi({
    parts,
    register: (app) => {
      registerAgentRoutes(app, { fleet, clock });
      registerTaskRoutes(app, { fleet });
      registerLockRoutes(app, { fleet });
    },
  });
  return {
    api,
    fleet,
    async close() {
      await api.close();
      await fleet.stop();
      await bus.stop();
      await database.close();
    },
  };
}
