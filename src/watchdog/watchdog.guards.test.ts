import { describe, expect, it, vi } from 'vitest';
import { GUARDS, type Guard } from '#telemetry';
import { useDemoStage } from './demo-stage.test-support.ts';
import {
  guardsThatHeld,
  becomes,
  becomesInTime,
  heldBy,
  RESTART,
  RESTART_SILENT,
  silent,
  reloadPolicies,
  stateOf,
  WAIT,
} from './watchdog.test-support.ts';

const stage = useDemoStage();

const raise = (alertId: string, agentId: string) => stage.alerts.raise(alertId, silent(agentId));
const pass = (seconds: number) => stage.clock.advance(seconds * 1000);

/** Another remediation of the policy is at work. */
async function begin(alertId: string, agentId: string): Promise<void> {
  await raise(alertId, agentId);
  await vi.waitFor(async () => expect(await stateOf(stage, alertId)).toBe('verifying'), WAIT);
}

async function beginAndEnd(alertId: string, agentId: string): Promise<void> {
  await begin(alertId, agentId);
  await stage.alerts.resolve(alertId);
  await vi.waitFor(async () => expect(await stateOf(stage, alertId)).toMatch(/^completed/), WAIT);
}

/** A guard that holds back a repair of the agent w-1, and what lets it pass: a time, or an event. */
interface Row {
  readonly by: string;
  readonly policy?: string;
  /** Before the alert about w-1 is raised. */
  readonly hold: () => Promise<unknown> | void;
  /** After it was raised. */
  readonly whenRaised?: () => Promise<unknown>;
  readonly lift: () => Promise<unknown>;
}

async function beginStorm(): Promise<void> {
  stage.fleet.silent = 3;
  await pass(1);
}

const WORK = { lengthMs: 600_000, reason: 'new disks', by: 'ann' };

async function endMaintenances(): Promise<void> {
  const { maintenance } = stage.watchdog;
  for (const { window } of maintenance.list()) await maintenance.end(window.id, 'bob');
}

const ROWS: Readonly<Record<Guard, readonly Row[]>> = {
  paused: [
    {
      by: 'a person',
      hold: () => stage.watchdog.pause('ann', 'maintenance'),
      lift: () => stage.watchdog.resume('ann'),
    },
  ],
  observe: [
    {
      by: 'a reload',
      policy: RESTART.replace('mode: act', 'mode: observe'),
      hold: () => {},
      lift: () => reloadPolicies(stage.watchdog, [RESTART]),
    },
  ],
  not_managed: [
    {
      by: 'a start in a pool',
      hold: () => stage.watchdog.pause('ann', 'maintenance'),
      whenRaised: async () => {
        // For one that is external from the start nothing is planned.
        await vi.waitFor(async () => expect(await guardsThatHeld(stage)).toContain('paused'), WAIT);
        stage.fleet.addAgent('w-1', { managed: false });
        await stage.watchdog.resume('ann');
      },
      lift: () => stage.changeStatus('w-1', { managed: true }),
    },
  ],
  not_authorized: [
    {
      by: 'another sender',
      hold: () => stage.distrust('rule fleet/Silent reads series of anonymous'),
      lift: async () => {
        stage.distrust(null);
        await pass(31);
      },
    },
    {
      by: 'a policy that asks a person',
      hold: () => stage.distrust('rule fleet/Silent reads series of anonymous'),
      lift: async () => {
        await reloadPolicies(stage.watchdog, [RESTART.replace('mode: act', 'mode: approve')]);
        await pass(31);
        await becomes(stage, 'a1', 'awaiting_approval');
        const [asked] = await stage.archive.list({ alertId: 'a1', limit: 1 });
        await stage.watchdog.approve(asked?.remediation.id ?? '', 'ann');
      },
    },
  ],
  maintenance: [
    {
      by: 'time',
      hold: () => stage.watchdog.maintenance.begin({ ...WORK, target: 'pool:demo' }),
      lift: () => pass(601),
    },
    {
      by: 'a person',
      hold: () => stage.watchdog.maintenance.begin({ ...WORK, target: 'host:here' }),
      lift: () => endMaintenances(),
    },
  ],
  self_suspicion: [
    { by: 'time', hold: () => stage.watchdog.databaseFailed('it was away'), lift: () => pass(16) },
  ],
  storm: [
    {
      by: 'health',
      hold: beginStorm,
      lift: async () => {
        stage.fleet.silent = 0;
        await pass(40);
      },
    },
    { by: 'a person', hold: beginStorm, lift: () => stage.watchdog.resume('ann') },
    { by: 'time, though nobody comes back', hold: beginStorm, lift: () => pass(125) },
  ],
  one_per_target: [
    {
      by: 'the end of the other one',
      hold: () => begin('a0', 'w-1'),
      lift: async () => {
        await stage.alerts.resolve('a0');
        await pass(1);
        await pass(60);
        await stage.changeStatus('w-1', { status: 'UNRESPONSIVE', silenceMs: 5000 });
        await pass(60);
      },
    },
  ],
  cooldown: [
    {
      by: 'time',
      hold: async () => {
        await beginAndEnd('a0', 'w-1');
        stage.fleet.addAgent('w-1', { generation: 2 });
      },
      lift: () => pass(76),
    },
  ],
  max_parallel: [
    {
      by: 'the end of another one',
      policy: RESTART.replace('max_parallel: 2', 'max_parallel: 1'),
      hold: () => begin('a0', 'w-2'),
      lift: () => stage.alerts.resolve('a0'),
    },
  ],
  start_budget: [
    {
      by: 'time',
      policy: RESTART.replace('max_parallel: 2', 'max_parallel: 2, max_starts: 1, window: 2m'),
      hold: () => beginAndEnd('a0', 'w-2'),
      lift: () => pass(121),
    },
  ],
  repair_rate: [
    {
      by: 'time',
      policy: RESTART.replace('max_parallel: 2', 'max_parallel: 2, repair_burst: 1, repair_every: 5s'),
      hold: async () => {
        for (const agentId of ['w-1', 'w-2']) stage.fleet.addAgent(agentId, { status: 'FAILED' });
        await begin('a0', 'w-2');
      },
      // Slower than every 5 s: the server has just been started.
      lift: () => pass(13),
    },
  ],
  target_withdrawn: [
    {
      by: 'another generation, where it was asked to leave',
      hold: () => stage.fleet.addAgent('w-1', { leaves: true }),
      lift: () => stage.changeStatus('w-1', { status: 'FAILED', generation: 2, leaves: false }),
    },
    {
      by: 'its status',
      hold: () => stage.fleet.addAgent('w-1', { status: 'QUARANTINED' }),
      lift: () => stage.changeStatus('w-1', { status: 'UNRESPONSIVE' }),
    },
  ],
  target_healthy: [
    {
      by: 'its status',
      policy: RESTART_SILENT,
      hold: () => stage.fleet.addAgent('w-1', { status: 'IDLE', silenceMs: 100 }),
      lift: () => stage.changeStatus('w-1', { status: 'UNRESPONSIVE', silenceMs: 5000 }),
    },
    {
      by: 'the end of its work, where it was silent over it',
      policy: RESTART_SILENT,
      hold: () => stage.fleet.addAgent('w-1', { status: 'DEGRADED', silenceMs: 9000 }),
      lift: () => stage.changeStatus('w-1', { status: 'STALLED', silenceMs: 12_000 }),
    },
  ],
  new_generation: [
    {
      by: 'time, once it is no longer being started',
      hold: () => stage.fleet.addAgent('w-1', { status: 'SPAWNING', silenceMs: 0 }),
      lift: async () => {
        await stage.changeStatus('w-1', { status: 'UNRESPONSIVE', silenceMs: 5000 });
        await pass(31);
      },
    },
    {
      by: 'its silence beyond start_within',
      hold: () => stage.fleet.addAgent('w-1', { status: 'SPAWNING', silenceMs: 0 }),
      lift: async () => {
        await pass(31);
        await stage.changeStatus('w-1', { status: 'UNRESPONSIVE', silenceMs: 5000 });
      },
    },
  ],
  work_in_flight: [
    {
      by: 'time',
      hold: () => stage.fleet.addAgent('w-1', { workAfterBeatMs: 1000 }),
      lift: () => pass(3),
    },
  ],
};

describe('every guard lifts, though nothing is done that it forbids:', () => {
  it.each(GUARDS.flatMap((guard) => ROWS[guard].map((row) => ({ guard, ...row }))))(
    '$guard by $by',
    async ({ guard, policy = RESTART, hold, whenRaised, lift }) => {
      await stage.openEmpty([policy]);
      stage.fleet.pools.set('demo', 'PHASE_TESTING');
      for (const agentId of ['w-1', 'w-2', 'w-3', 'w-4']) stage.fleet.addAgent(agentId);
      await hold();
      await raise('a1', 'w-1');
      await whenRaised?.();
      await vi.waitFor(async () => expect(await guardsThatHeld(stage)).toContain(guard), WAIT);
      const before = stage.fleet.restarts.length;
      await lift();
      await vi.waitFor(() => expect(stage.fleet.restarts.length).toBeGreaterThan(before), WAIT);
      expect(stage.fleet.restarts.at(-1)?.agentId).toBe('w-1');
    },
  );
});

/** They bound how many repairs there are, and when: who gives up does none. The last one is told at once. */
const BOUNDS: readonly Guard[] = ['cooldown', 'max_parallel', 'start_budget', 'repair_rate'];
/** Of who is external nothing is planned at all; another policy at work on the target is what no single one shows. */
const NOT_HERE: readonly Guard[] = ['not_managed', 'one_per_target'];

describe('whoever has tried often enough gives up only when no guard says that it is not certain, or not its affair:', () => {
  const tellingGuards = GUARDS.filter((guard) => ![...BOUNDS, ...NOT_HERE].includes(guard));

  /** The policy has repaired w-1 as often as it may, and it did not last. */
  async function exhaust(): Promise<void> {
    for (const alertId of ['b1', 'b2', 'b3']) {
      await stage.changeStatus('w-1', { status: 'UNRESPONSIVE', silenceMs: 5000 });
      await raise(alertId, 'w-1');
      await becomesInTime(stage, alertId, 'verifying');
      await stage.alerts.resolve(alertId, 'remediated');
      await becomes(stage, alertId, 'completed(healed)');
      await pass(1);
    }
    await stage.changeStatus('w-1', { status: 'UNRESPONSIVE', silenceMs: 5000 });
  }
  const escalations = async () =>
    (await stage.events()).filter(
      (event) => event.event_type === 'watchdog.escalated' && event.payload.alert_id === 'a1',
    );

  it.each(tellingGuards.flatMap((guard) => ROWS[guard].slice(0, 1).map((row) => ({ guard, ...row }))))(
    '$guard',
    async ({ guard, policy = RESTART, hold, lift }) => {
      const acting = policy.replace('mode: observe', 'mode: act');
      await stage.openEmpty([acting]);
      stage.fleet.pools.set('demo', 'PHASE_TESTING');
      for (const agentId of ['w-1', 'w-2', 'w-3', 'w-4']) stage.fleet.addAgent(agentId);
      await exhaust();
      if (acting !== policy) await reloadPolicies(stage.watchdog, [policy]);
      await hold();
      await raise('a1', 'w-1');
      await heldBy(stage, 'a1', guard);
      await pass(1);
      expect(await stateOf(stage, 'a1')).toBe('planned');
      expect(await escalations()).toEqual([]);
      await lift();
      await becomesInTime(stage, 'a1', 'escalated(no_effect)');
      expect(await escalations()).toHaveLength(1);
      expect(stage.fleet.restarts).toHaveLength(3);
    },
  );

  it.each(BOUNDS)('%s is not asked', async (guard) => {
    const bounds = 'max_parallel: 1, max_starts: 4, window: 1h, repair_burst: 1, repair_every: 1h';
    await stage.openEmpty([RESTART.replace('max_parallel: 2', bounds)]);
    for (const agentId of ['w-1', 'w-2']) stage.fleet.addAgent(agentId);
    await exhaust();
    // What the guard gives is used up.
    if (guard === 'repair_rate')
      for (const agentId of ['w-1', 'w-2']) await stage.changeStatus(agentId, { status: 'FAILED' });
    await begin('a0', 'w-2');
    await raise('a1', 'w-1');
    await becomes(stage, 'a1', 'escalated(no_effect)');
    const [given] = await stage.archive.list({ alertId: 'a1', limit: 1 });
    expect(given?.suppressions).toEqual([]);
  });
});

describe('a step whose order failed is not ordered again while a guard holds that did not when it began:', () => {
  /** What a person, or the evidence, says; the others have been passed for this step. */
  const askedAgain: readonly Guard[] = [
    'paused',
    'observe',
    'maintenance',
    'self_suspicion',
    'storm',
    'target_healthy',
    'work_in_flight',
  ];
  let ordered = 0;

  /** The first order waits until it is told to fail. */
  async function order(policy: string): Promise<(error: Error) => void> {
    const first = Promise.withResolvers<void>();
    await stage.openEmpty([policy]);
    stage.fleet.pools.set('demo', 'PHASE_TESTING');
    for (const agentId of ['w-1', 'w-2', 'w-3', 'w-4']) {
      stage.fleet.addAgent(agentId, { status: 'UNRESPONSIVE', silenceMs: 5000 });
    }
    ordered = 0;
    stage.fleet.before = () => (++ordered === 1 ? first.promise : Promise.resolve());
    await raise('a1', 'w-1');
    await vi.waitFor(() => expect(ordered).toBe(1), WAIT);
    return first.reject;
  }

  it.each(askedAgain.flatMap((guard) => ROWS[guard].map((row) => ({ guard, ...row }))))(
    '$guard, until it lifts by $by',
    async ({ guard, policy = RESTART, hold, lift }) => {
      const acting = policy.replace('mode: observe', 'mode: act');
      const fail = await order(acting);
      if (acting !== policy) await reloadPolicies(stage.watchdog, [policy]);
      await hold();
      fail(new Error('out of luck'));
      await pass(1);
      await heldBy(stage, 'a1', guard);
      expect(await stateOf(stage, 'a1')).toBe('executing');
      expect(ordered).toBe(1);
      await lift();
      await becomesInTime(stage, 'a1', 'verifying');
      expect(ordered).toBe(2);
    },
  );

  it('and is not missed where it was done all the same', async () => {
    const fail = await order(RESTART);
    await stage.watchdog.pause('ann', 'maintenance');
    stage.fleet.addAgent('w-1', { generation: 2 });
    fail(new Error('the answer was lost'));
    await becomesInTime(stage, 'a1', 'verifying');
    expect(ordered).toBe(1);
  });

  it('nor for an alert that has ended meanwhile', async () => {
    const fail = await order(RESTART);
    await stage.watchdog.pause('ann', 'maintenance');
    fail(new Error('out of luck'));
    await pass(1);
    await heldBy(stage, 'a1', 'paused');
    await stage.alerts.resolve('a1');
    await becomes(stage, 'a1', 'cancelled(cancelled)');
    expect(ordered).toBe(1);
  });

  it.each([
    ['cancelled(cancelled)', (fail: (error: Error) => void) => fail(new Error('out of luck'))],
    ['completed(unknown)', () => pass(11)],
  ] as const)('nor for a policy that is gone: it ends as %s', async (state, give) => {
    const fail = await order(RESTART);
    await reloadPolicies(stage.watchdog, []);
    await give(fail);
    await becomesInTime(stage, 'a1', state);
    expect(ordered).toBe(1);
  });
});
