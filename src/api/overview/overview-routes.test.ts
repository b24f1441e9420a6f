import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStage as openAlerts, type Stage as AlertStage } from '../../alerting/alerting.test-support.ts';
import { startTestFleet, type RunningFleet } from '../../fleet/fleet.test-support.ts';
import {
  openStage as openWatchdog,
  RESTART,
  silent,
  type Stage as WatchdogStage,
} from '../../watchdog/watchdog.test-support.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerAgentRoutes } from '../agents/agent-routes.ts';
import { registerAlertRoutes } from '../alerts/alert-routes.ts';
import { registerOverviewRoute } from './overview-routes.ts';

const RULES = `
groups:
  - name: g
    rules:
      - alert: High
        expr: queue > 30
        labels: {severity: critical}
      - alert: Warm
        expr: queue > 10
`;

let alerts: AlertStage;
let watchdog: WatchdogStage;
let running: RunningFleet;
let api: TestApi;

beforeEach(async () => {
  alerts = await openAlerts(RULES);
  watchdog = await openWatchdog([RESTART.replace('mode: act', 'mode: observe')]);
  const { clock, database } = watchdog;
  running = await startTestFleet(database, { clock });
  const { fleet } = running;
  const sampleClock = { leadMs: () => 90_000 };
  const warnings = () => [{ key: 'watchdog.policy_files', message: '0 policies' }];
  const parts = { fleet, alerting: alerts.alerting, watchdog: watchdog.watchdog, sampleClock, warnings };
  api = await startTestApi({
    register: (app) => {
      registerOverviewRoute(app, parts);
      registerAgentRoutes(app, { fleet, clock });
      registerAlertRoutes(app, {
        ...parts,
        clock,
        relationsOf: () => Promise.resolve(null),
        notification: {
          deliveriesOf: () => Promise.resolve({ events: [], leftOut: { messages: 0, isMore: false } }),
          receiversOf: () => [],
        },
      });
    },
  });
});

afterEach(async () => {
  await api.close();
  await running.stop();
  await watchdog.close();
  await alerts.close();
});

async function call(url: string, method: 'GET' | 'POST' = 'GET', body?: object) {
  const as = method === 'GET' ? 'viewer' : 'operator';
  const payload = body === undefined ? {} : { payload: body };
  return (await api.app.inject({ method, url, headers: api.as(as), ...payload })).json();
}

it('counts everything, however many pages the lists have', async () => {
  for (const id of ['w-1', 'w-2', 'w-3']) {
    await call('/api/v1/fleet/agents', 'POST', { agent_id: id, agent_type: 'worker', nonce: 'nonce of it' });
  }
  await call('/api/v1/fleet/agents/w-3/deregister', 'POST', { generation: 1 });
  await alerts.append({ 'queue{phase="a"}': 20, 'queue{phase="b"}': 40, 'queue{phase="c"}': 50 });
  await alerts.advance(250);
  const critical = await call('/api/v1/alerts?severity=critical&limit=1');
  await call(`/api/v1/alerts/${critical.alerts[0].id}/acknowledge`, 'POST', {});
  for (const id of ['s-1', 's-2']) {
    watchdog.fleet.addAgent(id);
    await watchdog.alerts.raise(`alert of ${id}`, silent(id));
  }
  await watchdog.clock.advance(0);

  const [overview, shared] = await Promise.all([call('/api/v1/overview'), call('/api/v1/overview')]);
  expect(shared).toEqual(overview);
  expect(overview).toMatchObject({
    agents: { by_status: { IDLE: 2, RUNNING: 0, UNRESPONSIVE: 0, TERMINATED: 1 } },
    alerts: {
      firing: 5,
      unacknowledged: 4,
      by_severity: expect.arrayContaining([
        { severity: 'critical', firing: 2, unacknowledged: 1 },
        { severity: 'warning', firing: 3, unacknowledged: 3 },
      ]),
    },
    sample_clock_lead_seconds: 90,
    host_delay: null,
    remediations: { planned: 2, awaiting_approval: 0, executing: 0, verifying: 0, observed: 2 },
    warnings: [{ key: 'watchdog.policy_files', message: '0 policies' }],
  });
  const present = await call('/api/v1/fleet/agents?present=true');
  expect(present.agents.map(({ agent_id: id }: { agent_id: string }) => id)).toEqual(['w-1', 'w-2']);
  expect((await call('/api/v1/alerts?acknowledged=true')).alerts).toHaveLength(1);
  expect((await call('/api/v1/alerts?acknowledged=false&severity=critical')).alerts).toHaveLength(1);
});
