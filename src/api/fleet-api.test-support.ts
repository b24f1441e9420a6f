import type { Fleet, FleetLimits } from '#fleet';
import type { StateDatabase } from '#storage';
import { createTestFleet } from '../fleet/fleet.test-support.ts';
import { registerAgentRoutes } from './agents/agent-routes.ts';
import { startTestApi, type TestApi } from './api.test-support.ts';
import { registerLockRoutes } from './locks/lock-routes.ts';
import { registerTaskRoutes } from './tasks/task-routes.ts';

/** The routes of agents, tasks and locks over a fleet of their own, under a virtual clock. */
export interface FleetApi {
  readonly api: TestApi;
  readonly fleet: Fleet;
  readonly clock: ReturnType<typeof createTestFleet>['clock'];
  /** Where the fleet is. */
  readonly database: StateDatabase;
  /** The routes that a token of role agent may call: `GET /api/v1/fleet/tasks`. */
  readonly agentRoutes: readonly string[];
  close(): Promise<void>;
}

interface FleetApiOptions {
  readonly parts?: NonNullable<Parameters<typeof startTestApi>[0]>['parts'];
  readonly limits?: Partial<FleetLimits>;
}

export async function openFleetApi({ parts = {}, limits = {} }: FleetApiOptions = {}): Promise<FleetApi> {
  const test = createTestFleet({ limits });
  await test.open();
  const { clock, database, fleet } = test;
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
    clock,
    database,
    agentRoutes,
    async close() {
      await api.close();
      await test.close();
    },
  };
}
