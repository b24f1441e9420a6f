import { describe, expect, it } from 'vitest';
import { useDemoStage } from './demo-stage.test-support.ts';
import {
  becomes,
  becomesInTime,
  heldBy,
  reloadPolicies,
  RESTART,
  silent,
  stateOf,
} from './watchdog.test-support.ts';

const stage = useDemoStage();

/** With one step: nothing follows it but the guardian. */
const STEP = '  - { action: restart, verify: { within: 30s, healthy_for: 0s } }\n';
const ONCE = `${RESTART.replace(STEP, '')}max_attempts: 1\n`;
const pass = (seconds: number) => stage.clock.advance(seconds * 1000);

async function escalations() {
  const events = await stage.events();
  return events.flatMap((event) => (event.event_type === 'watchdog.escalated' ? [event.payload] : []));
}

const toldOf = async (alertId: string) =>
  (await escalations()).filter(({ alert_id: alert }) => alert === alertId);

/** Its new generation is silent as well, and has `within` to be heard. */
async function restartInVain(): Promise<void> {
  await stage.open(ONCE);
  await stage.alerts.raise('a1', silent('w-1'));
  await becomes(stage, 'a1', 'verifying');
  await stage.changeStatus('w-1', { status: 'UNRESPONSIVE', silenceMs: 5000 });
}

interface Hold {
  readonly guard: string;
  readonly hold: () => Promise<unknown> | void;
  readonly lift: () => Promise<unknown>;
}

const HOLDS: readonly Hold[] = [
  {
    guard: 'storm',
    hold: async () => {
      stage.fleet.silent = 3;
      await pass(1);
    },
    lift: () => stage.watchdog.resume('ann'),
  },
  {
    guard: 'paused',
    hold: () => stage.watchdog.pause('ann', 'looking'),
    lift: () => stage.watchdog.resume('ann'),
  },
  {
    guard: 'maintenance',
    hold: () =>
      stage.watchdog.maintenance.begin({
        target: 'pool:demo',
        lengthMs: 600_000,
        reason: 'disks',
        by: 'ann',
      }),
    lift: () => pass(601),
  },
];

describe('a verification that fails while it is doubtful whether the repair did', () => {
  it.each(HOLDS)('is given to nobody before the guard $guard lifts', async ({ guard, hold, lift }) => {
    await restartInVain();
    await hold();
    await heldInTime(guard);
    expect(await stateOf(stage, 'a1')).toBe('planned');
    expect(await toldOf('a1')).toEqual([]);
    await lift();
    await becomesInTime(stage, 'a1', 'escalated(no_effect)');
    expect(await toldOf('a1')).toMatchObject([
      {
        guardian: 'operators',
        last_output: 'the last words of w-1',
        reason: expect.stringContaining('generation 2 is UNRESPONSIVE, and was to be healthy by now'),
      },
    ]);
    expect(stage.fleet.restarts).toHaveLength(1);
  });

  it.each(HOLDS)(
    'is nothing to tell where all was well before $guard lifted',
    async ({ guard, hold, lift }) => {
      await restartInVain();
      await hold();
      await heldInTime(guard);
      await stage.changeStatus('w-1', { status: 'IDLE', silenceMs: 0 });
      await stage.alerts.resolve('a1');
      await becomes(stage, 'a1', 'completed(unknown)');
      await lift();
      await pass(60);
      expect(await toldOf('a1')).toEqual([]);
    },
  );

  it('waits over a restart of the server, too', async () => {
    await restartInVain();
    await stage.watchdog.pause('ann', 'looking');
    await heldInTime('paused');
    await stage.restartProcess();
    await pass(60);
    expect(await stateOf(stage, 'a1')).toBe('planned');
    await stage.watchdog.resume('ann');
    await becomesInTime(stage, 'a1', 'escalated(no_effect)');
    expect(stage.fleet.restarts).toHaveLength(1);
  });

  it.each(HOLDS)(
    'is not told sooner where a reload removes the policy while $guard holds',
    async ({ guard, hold, lift }) => {
      await restartInVain();
      await hold();
      await heldInTime(guard);
      await reloadPolicies(stage.watchdog, []);
      await pass(30);
      expect(await stateOf(stage, 'a1')).toBe('planned');
      expect(await toldOf('a1')).toEqual([]);
      await lift();
      await becomesInTime(stage, 'a1', 'escalated(no_effect)');
      expect(await toldOf('a1')).toMatchObject([{ guardian: 'operators' }]);
    },
  );

  it('is told at once of a generation that was seen to end: a storm is about silence', async () => {
    await restartInVain();
    stage.fleet.silent = 3;
    await pass(1);
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await becomes(stage, 'a1', 'escalated(no_effect)');
  });

  it('is cancelled where somebody has taken the agent out of service meanwhile', async () => {
    await restartInVain();
    await stage.watchdog.pause('ann', 'looking');
    await heldInTime('paused');
    await stage.changeStatus('w-1', { status: 'QUARANTINED' });
    await stage.watchdog.resume('ann');
    await becomesInTime(stage, 'a1', 'completed(cancelled)');
    expect(await toldOf('a1')).toEqual([]);
  });

  it('is judged without the last output where that is not to be had', async () => {
    await restartInVain();
    stage.fleet.lastOutput = () => new Promise(() => {});
    await becomesInTime(stage, 'a1', 'escalated(no_effect)');
    expect(await toldOf('a1')).toMatchObject([
      { last_output: '(its output could not be read: no answer within 10000 ms)' },
    ]);
  });

  /** Once its time to be well is over. */
  async function heldInTime(guard: string): Promise<void> {
    for (let second = 0; second < 60 && (await stateOf(stage, 'a1')) === 'verifying'; second++) await pass(1);
    await heldBy(stage, 'a1', guard);
  }
});
