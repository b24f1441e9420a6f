import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { toRfc3339 } from '#telemetry';
import { openStage as openAlerts, type Stage as AlertStage } from '../../alerting/alerting.test-support.ts';
import {
  claimOf,
  registration,
  startTestFleet,
  task,
  type RunningFleet,
} from '../../fleet/fleet.test-support.ts';
import {
  becomes,
  heldBy,
  openStage as openWatchdog,
  reloadPolicies,
  RESTART,
  SCALE,
  silent,
  type Stage as WatchdogStage,
} from '../../watchdog/watchdog.test-support.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerWhyRoute } from './why-routes.ts';
import type { WhyAnswer } from './why-schemas.ts';

const RULES = `
groups:
  - name: fleet
    rules:
      - {alert: Silent, expr: silence > 3, labels: {severity: error, agent_id: worker-1}}
      - {alert: Unwatched, expr: unwatched > 3, labels: {agent_id: worker-2}}
`;

let alerts: AlertStage;
let watchdog: WatchdogStage;
let running: RunningFleet;
let api: TestApi;

beforeEach(async () => {
  alerts = await openAlerts(RULES);
  watchdog = await openWatchdog([RESTART]);
  const { clock, database } = watchdog;
  running = await startTestFleet(database, { clock, ticks: 'none' });
  await running.fleet.start();
  const parts = {
    fleet: running.fleet,
    alerting: alerts.alerting,
    watchdog: watchdog.watchdog,
    remediations: watchdog.archive,
    pools: { replica: () => Promise.resolve(null) },
    clock,
  };
  api = await startTestApi({ register: (app) => registerWhyRoute(app, parts) });
  for (const id of ['worker-1', 'worker-2']) await running.fleet.agents.register(registration(id));
});

afterEach(async () => {
  await api.close();
  await running.stop();
  await watchdog.close();
  await alerts.close();
});

async function why(agentId: string): Promise<WhyAnswer> {
  const url = `/api/v1/fleet/agents/${agentId}/why`;
  return (await api.app.inject({ method: 'GET', url, headers: api.as('viewer') })).json();
}

const textsOf = ({ evidence }: WhyAnswer): readonly string[] =>
  evidence.map(({ kind, text }) => `${kind}: ${text}`);

it.each([
  ['agent', 'worker-1'],
  // It says of itself no host: it was started here.
  ['host', 'here'],
])('says that an agent is left alone with its %s, by whom, why and until when', async (kind, id) => {
  watchdog.fleet.addAgent('worker-1', { host: 'here' });
  const order = { target: `${kind}:${id}`, lengthMs: 1_800_000, reason: 'new disks', by: 'ann' };
  const { window } = await watchdog.watchdog.maintenance.begin(order);
  const hold = {
    state: 'maintenance',
    reason: `${kind} ${id} is left alone by order of ann: new disks`,
    until: toRfc3339(watchdog.clock.wallMs() + 1_800_000),
  };
  expect((await why('worker-1')).watchdog).toEqual([hold]);
  expect((await why('worker-2')).watchdog).toEqual([]);
  await watchdog.watchdog.maintenance.end(window.id, 'ann');
  expect((await why('worker-1')).watchdog).toEqual([]);
});

it('says of an agent that is well that it is, and why', async () => {
  await watchdog.clock.advance(400);
  const answer = await why('worker-1');
  expect(answer).toMatchObject({ verdict: 'well', alerts: [], remediations: [], watchdog: [], advice: [] });
  expect(answer.summary).toBe('worker-1 is IDLE for 400ms: registered');
  expect(textsOf(answer)).toEqual([
    'heartbeat: no heartbeat of this generation yet (due every 1s, silent after 3.5s)',
    'process: external: Omoi did not start it and cannot restart it',
    'domain: 0 of 2 agents of its failure domain external are UNRESPONSIVE',
  ]);
});

it('says how one counts in its failure domain that has missed beats and is not given up', async () => {
  await watchdog.clock.advance(2500);
  await vi.waitFor(async () => expect((await why('worker-1')).agent.status).toBe('DEGRADED'));
  expect(textsOf(await why('worker-1')).at(-1)).toBe(
    'domain: 0 of 2 agents of its failure domain external are UNRESPONSIVE; this one is DEGRADED, and not counted there',
  );
});

it('says of the only agent of a failure domain that it is alone there', async () => {
  await running.fleet.agents.register(registration('recluse', { poolId: 'cave' }));
  expect(textsOf(await why('recluse'))).toContain(
    'domain: it is the only agent of its failure domain external:cave',
  );
});

it('says what is known of a silent one, and that a person has to see to an external one', async () => {
  await watchdog.clock.advance(4000);
  await vi.waitFor(async () => expect((await why('worker-1')).agent.status).toBe('UNRESPONSIVE'));
  const answer = await why('worker-1');
  expect(answer.verdict).toBe('ill');
  expect(textsOf(answer)[0]).toMatch(
    /^heartbeat: no heartbeat of this generation yet, 3 missed \(due every 1s, silent after 3\.5s\)$/,
  );
  expect(textsOf(answer).at(-1)).toBe(
    'domain: 2 of 2 agents of its failure domain external are UNRESPONSIVE, this one among them',
  );
  expect(answer.advice).toEqual([
    'restart it where it was started, or forget it: omoi agents forget worker-1',
  ]);
});

it('shows what fires, who is for it, and which guard holds its repair until when', async () => {
  watchdog.fleet.addAgent('worker-1');
  await watchdog.watchdog.pause('ann', 'moving house');
  await alerts.append({ silence: 9, unwatched: 9 });
  await alerts.advance(250);
  await watchdog.alerts.raise('a1', silent('worker-1'));
  await heldBy(watchdog, 'a1', 'paused');

  const held = await why('worker-1');
  expect(held.verdict).toBe('alerting');
  expect(held.alerts).toMatchObject([
    { rule_id: 'fleet/Silent', policies: [{ policy: 'restart_it', mode: 'act' }] },
  ]);
  expect(held.watchdog).toEqual([{ state: 'paused', reason: 'paused by ann: moving house', until: null }]);
  expect(held.remediations).toMatchObject([
    {
      state: 'planned',
      attempts: 0,
      max_attempts: 3,
      guardian: 'operators',
      suppressions: [{ guard: 'paused', holds: true, lifts: 'when somebody resumes' }],
    },
  ]);
  expect(held.advice).toEqual([
    expect.stringMatching(
      /^the guard paused holds \w+ back: you can have the watchdog go on: omoi resume, or the button/,
    ),
  ]);

  await watchdog.watchdog.resume('ann');
  await becomes(watchdog, 'a1', 'verifying');
  const going = await why('worker-1');
  expect(going.watchdog).toEqual([]);
  expect(going.remediations).toMatchObject([
    {
      state: 'verifying',
      attempts: 1,
      evidence: 'agent worker-1: generation 1 is UNRESPONSIVE, silent for 5s; fleet/Silent fires with 1',
      verifies: 'the new generation is ready or at work, stays well for 0s, and the alert recovers',
      suppressions: [{ guard: 'paused', holds: false }],
    },
  ]);
  expect(going.advice).toEqual([]);

  const unwatched = await why('worker-2');
  expect(unwatched.alerts).toMatchObject([{ rule_id: 'fleet/Unwatched', policies: [] }]);
  expect(unwatched.advice).toEqual([
    'no policy is for what fires: nothing is done about it unless a person does it',
  ]);
});

/** An alert about worker-1 fires. @returns its id */
async function fires(): Promise<string> {
  await alerts.append({ silence: 9 });
  await alerts.advance(250);
  return (await why('worker-1')).alerts[0]?.id ?? '';
}

/** … and the watchdog is told of it. */
async function firesAndIsTold(): Promise<string> {
  const id = await fires();
  await watchdog.alerts.raise(id, silent('worker-1'));
  return id;
}

it('says which guard keeps a policy from any repair of what fires, and how that lifts', async () => {
  watchdog.fleet.addAgent('worker-1', { managed: false });
  await watchdog.watchdog.pause('ann', 'moving house');
  await firesAndIsTold();
  expect(await why('worker-1')).toMatchObject({
    remediations: [],
    no_repair:
      'restart_it held back by the guard not_managed: cannot restart agent worker-1: it is external, Omoi did not start it; would run restart if it ran in a pool (lifts when Omoi runs the agent)',
  });
});

it('says that what a policy acts on is not there', async () => {
  await firesAndIsTold();
  expect((await why('worker-1')).no_repair).toBe('restart_it not planned: agent worker-1 is unknown');
});

it('says what is done to its pool where that is what a policy acts on', async () => {
  watchdog.fleet.pools.set('demo', 'PHASE_TESTING');
  const widen = SCALE.replace(/match: .*/, `match: ['alertname="Silent"']`).replace(
    /target: .*/,
    'target: { kind: pool, pool: demo }',
  );
  await reloadPolicies(watchdog.watchdog, [widen]);
  const id = await firesAndIsTold();
  await becomes(watchdog, id, 'verifying');
  expect(await why('worker-1')).toMatchObject({
    remediations: [],
    no_repair: 'scale_it acts on pool demo: verifying',
  });
});

it('says nothing of the kind where a repair of what fires is known; one of before is none', async () => {
  watchdog.fleet.addAgent('worker-1');
  await watchdog.alerts.raise('before', silent('worker-1'));
  await becomes(watchdog, 'before', 'verifying');
  await watchdog.watchdog.pause('ann', 'moving house');
  // The watchdog has not heard yet of what fires now.
  watchdog.alerts.begin(await fires(), silent('worker-1'));
  const told = await why('worker-1');
  expect(told.remediations.map((one) => one.alert_id)).toEqual(['before']);
  expect(told.no_repair).toBe(
    'restart_it held back by the guard paused: paused by ann: moving house (lifts when somebody resumes)',
  );
});

it('names the tasks that it held and that are parked, and how it ended', async () => {
  const { fleet } = running;
  // Losses count once the fleet has listened for a while.
  await watchdog.clock.advance(600_000);
  await fleet.agents.register(registration('worker-3'));
  await fleet.tasks.enqueue([task({ maxAttempts: 1 })], null);
  const [claimed] = await fleet.tasks.claim(claimOf('worker-3'));
  const holding = await why('worker-3');
  expect(holding.held_tasks).toEqual([
    {
      task_id: claimed?.task_id,
      task_type: 'build',
      claimed_at: expect.stringMatching(/Z$/),
      time_limit_ms: null,
    },
  ]);
  expect(textsOf(holding)).toContainEqual(
    expect.stringMatching(
      `^lease: holds task ${claimed?.task_id} \\(build\\), leased for 10s more; .*no sign of life$`,
    ),
  );
  const exit = { exitCode: 3, signal: null, asked: null, expect: 'forever' } as const;
  await fleet.agents.deregister({
    agentId: 'worker-3',
    generation: 1,
    reason: 'ended',
    exit,
    traceparent: null,
  });
  const answer = await why('worker-3');
  expect(answer).toMatchObject({ verdict: 'ill', agent: { status: 'FAILED' } });
  expect(textsOf(answer)[0]).toMatch(/^exit: generation 1 ended .* ago with exit code 3, after /);
  expect(answer.parked_tasks).toMatchObject([{ task_id: claimed?.task_id, task_type: 'build' }]);
  expect(answer.advice).toContain(
    `omoi tasks retry ${claimed?.task_id}, or omoi tasks cancel ${claimed?.task_id}`,
  );
});

it('says which agent was probably meant by one that is unknown', async () => {
  expect(await why('wroker-2')).toMatchObject({
    error: 'unknown_agent',
    message: 'Agent wroker-2 is unknown; did you mean worker-2?',
  });
  expect(await why('somebody-else')).toMatchObject({
    error: 'unknown_agent',
    message: 'Agent somebody-else is unknown.',
  });
});

it('is for who may read, not for agents', async () => {
  const url = '/api/v1/fleet/agents/worker-1/why';
  const { statusCode } = await api.app.inject({ method: 'GET', url, headers: api.as('agent') });
  expect(statusCode).toBe(403);
});
