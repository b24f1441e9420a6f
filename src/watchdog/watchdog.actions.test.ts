import { describe, expect, it, vi } from 'vitest';
import { OmoiError, silentLogger } from '#telemetry';
import { DEFAULT_ACTION_LIMITS } from './actions/action-limits.ts';
import { useDemoStage } from './demo-stage.test-support.ts';
import {
  becomes,
  becomesInTime,
  flood,
  heldBy,
  RESTART,
  RESTART_SILENT,
  SCALE,
  silent,
  reloadPolicies,
  stateOf,
} from './watchdog.test-support.ts';

const { maxAttempts, timeLimitMs } = DEFAULT_ACTION_LIMITS;
const never = () => new Promise<void>(() => {});
const stage = useDemoStage();

async function actionsOf(alertId: string) {
  const [detail] = await stage.archive.list({ alertId, limit: 1 });
  return detail?.actions ?? [];
}

function counted(name: string): Record<string, number> {
  const metric = stage.metrics.collect().find((one) => one.name === name);
  return Object.fromEntries(
    (metric?.points ?? []).map((point) => [Object.values(point.labels).join(' '), point.value]),
  );
}

describe('a step', () => {
  it('orders the generation after the one that runs when it starts', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'verifying');
    await stage.changeStatus('w-1', { status: 'UNRESPONSIVE' });
    await clock.advance(30_000);
    await becomes(stage, 'a1', 'verifying');
    expect(fleet.restarts.map((order) => order.expectedGeneration)).toEqual([1, 2]);
    expect(fleet.agents.get('w-1')?.generation).toBe(3);
    expect((await actionsOf('a1')).map((action) => action.expected_generation)).toEqual([1, 2]);
  });

  it('that the fleet refuses, since the agent was asked to leave meanwhile, is cancelled', async () => {
    const { alerts, fleet, events } = await stage.open(RESTART);
    fleet.before = (_call, agentId) => {
      fleet.addAgent(agentId, { leaves: true });
      return Promise.reject(new OmoiError('transition_not_allowed', 'w-1 is beyond the count of its pool'));
    };
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'completed(cancelled)');
    expect((await events()).filter((event) => event.event_type === 'watchdog.escalated')).toEqual([]);
  });

  it('that the fleet refuses has failed', async () => {
    const { alerts, fleet } = await stage.open(RESTART);
    fleet.before = () => Promise.reject(new OmoiError('agent_not_managed', 'agent w-1 is not ours'));
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'escalated(failed)');
    expect((await actionsOf('a1')).map(({ result, detail, attempts }) => [result, detail, attempts])).toEqual(
      [
        ['failed', 'agent w-1 is not ours', 1],
        ['failed', 'agent w-1 is not ours', 1],
      ],
    );
  });

  it.each([
    ['an error without a code', new Error('out of luck')],
    ['one that may pass', new OmoiError('lock_held', 'somebody has it')],
  ])('that fails with %s is ordered again, more and more seldom, and then given up', async (_what, error) => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    const calledAtMs: number[] = [];
    fleet.before = () => {
      calledAtMs.push(clock.monotonicMs());
      return Promise.reject(error);
    };
    await alerts.raise('a1', silent('w-1'));
    await becomesInTime(stage, 'a1', 'escalated(failed)');
    expect((await actionsOf('a1')).map(({ result, attempts }) => [result, attempts])).toEqual([
      ['failed', maxAttempts],
      ['failed', maxAttempts],
    ]);
    const gaps = calledAtMs.slice(1, maxAttempts).map((atMs, index) => atMs - (calledAtMs[index] ?? 0));
    const ceilings = [1000, 2000, 4000, 8000];
    gaps.forEach((gapMs, index) => {
      expect(gapMs).toBeGreaterThanOrEqual((ceilings[index] ?? 0) / 2);
      expect(gapMs).toBeLessThanOrEqual(ceilings[index] ?? 0);
    });
    expect(counted('omoi_watchdog_actions_total')).toEqual({
      'restart retried': 2 * (maxAttempts - 1),
      'restart failed': 2,
    });
    expect(counted('omoi_watchdog_remediations_total')).toEqual({ failed: 1 });
  });

  it('that is ordered again is so in a whole millisecond: a database keeps no part of one', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    fleet.before = async () => {
      await clock.advance(0.3);
      throw new Error('out of luck');
    };
    await alerts.raise('a1', silent('w-1'));
    const nextAttempt = async (): Promise<number | null> => {
      const [action] = await actionsOf('a1');
      return action?.next_attempt_at_ms ?? null;
    };
    await vi.waitFor(async () => expect(await nextAttempt()).not.toBeNull(), {
      timeout: 60_000,
      interval: 5,
    });
    expect(await nextAttempt()).toSatisfy(Number.isInteger);
  });

  it('that gets no answer ends as unknown', async () => {
    const { alerts, fleet } = await stage.open(RESTART);
    fleet.before = never;
    await alerts.raise('a1', silent('w-1'));
    await becomesInTime(stage, 'a1', 'escalated(unknown)');
    expect((await actionsOf('a1')).map(({ result, attempts }) => [result, attempts])).toEqual([
      ['unknown', maxAttempts],
      ['unknown', maxAttempts],
    ]);
  });

  it('whose answer is lost is not done twice', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    fleet.after = never;
    await alerts.raise('a1', silent('w-1'));
    await clock.advance(timeLimitMs + 1000);
    await becomes(stage, 'a1', 'verifying');
    expect(fleet.restarts).toHaveLength(1);
    expect(await actionsOf('a1')).toMatchObject([
      { result: 'done', attempts: 2, detail: 'generation 2 should run' },
    ]);
  });

  it('that hangs holds nobody else up', async () => {
    const { alerts, fleet } = await stage.open(RESTART, SCALE);
    fleet.before = (_call, targetId) => (targetId === 'w-1' ? never() : Promise.resolve());
    fleet.addAgent('w-1', { poolId: 'other' });
    fleet.addAgent('w-2', { poolId: 'other' });
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'executing');
    await alerts.raise('a2', silent('w-2'));
    await alerts.raise('a3', flood);
    await becomes(stage, 'a2', 'verifying');
    await becomes(stage, 'a3', 'verifying');
    expect(await stateOf(stage, 'a1')).toBe('executing');
  });

  it('that waits to be ordered again is not, once the alert has resolved', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    let calls = 0;
    fleet.before = () => Promise.reject(new Error(`out of luck ${++calls}`));
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'executing');
    await clock.advance(0);
    await alerts.resolve('a1');
    await becomes(stage, 'a1', 'cancelled(cancelled)');
    expect(calls).toBe(1);
    expect((await actionsOf('a1'))[0]).toMatchObject({ result: 'withdrawn', detail: 'out of luck 1' });
  });

  it('that may still be done says so when the alert has resolved', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    fleet.before = never;
    await alerts.raise('a1', silent('w-1'));
    await clock.advance(timeLimitMs);
    await alerts.resolve('a1');
    await becomes(stage, 'a1', 'completed(unknown)');
  });
});

describe('the agent itself', () => {
  it('is left alone as long as it beats, and restarted when its status says that it is gone', async () => {
    const { alerts, fleet } = await stage.open(RESTART_SILENT);
    fleet.addAgent('w-1', { status: 'IDLE', silenceMs: 100 });
    await alerts.raise('a1', silent('w-1'));
    await heldBy(stage, 'a1', 'target_healthy');
    expect(fleet.restarts).toEqual([]);
    await stage.changeStatus('w-1', { status: 'UNRESPONSIVE', silenceMs: 3000 });
    await becomes(stage, 'a1', 'verifying');
  });

  it('is left alone until its status says that it is gone, also where its heartbeat is too old', async () => {
    const { alerts, fleet } = await stage.open(RESTART_SILENT);
    fleet.addAgent('w-1', { status: 'QUARANTINED', silenceMs: 60_000 });
    await alerts.raise('a1', silent('w-1'));
    await heldBy(stage, 'a1', 'target_withdrawn');
    await stage.changeStatus('w-1', { status: 'IDLE', silenceMs: 61_000 });
    await heldBy(stage, 'a1', 'target_healthy');
    expect(fleet.restarts).toEqual([]);
    await stage.changeStatus('w-1', { status: 'UNRESPONSIVE', silenceMs: 61_100 });
    await becomes(stage, 'a1', 'verifying');
  });

  it('is restarted although it beats, where the policy is about other ills', async () => {
    const { alerts, fleet } = await stage.open(RESTART);
    fleet.addAgent('w-1', { status: 'RUNNING', silenceMs: 100 });
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'verifying');
  });

  it('gets time when somebody else has restarted it meanwhile', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    await stage.watchdog.pause('ann', 'I do it myself');
    await alerts.raise('a1', silent('w-1'));
    await heldBy(stage, 'a1', 'paused');
    await stage.changeStatus('w-1', { generation: 2, status: 'SPAWNING' });
    await stage.watchdog.resume('ann');
    await heldBy(stage, 'a1', 'new_generation');
    expect(fleet.restarts).toEqual([]);
    await stage.changeStatus('w-1', { generation: 2, status: 'UNRESPONSIVE' });
    await clock.advance(30_000);
    await becomes(stage, 'a1', 'verifying');
    expect(fleet.restarts).toMatchObject([{ expectedGeneration: 2 }]);
  });

  it('is not started anew while it may take longer to start than a step to take effect', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'verifying');
    await stage.changeStatus('w-1', { generation: 2, status: 'SPAWNING' });
    for (let second = 0; second < 300; second++) await clock.advance(1000);
    await becomes(stage, 'a1', 'verifying');
    expect(fleet.restarts).toHaveLength(1);
    await stage.changeStatus('w-1', { generation: 2, status: 'UNRESPONSIVE' });
    await vi.waitFor(() => expect(fleet.restarts).toHaveLength(2), { timeout: 60_000 });
    await becomes(stage, 'a1', 'verifying');
  });

  it('gets time where its generation was coming up when the alert was seen', async () => {
    const { alerts, fleet } = await stage.open(RESTART);
    fleet.addAgent('w-1', { generation: 2, status: 'SPAWNING' });
    await alerts.raise('a1', silent('w-1'));
    await heldBy(stage, 'a1', 'new_generation');
    await alerts.resolve('a1');
    await becomes(stage, 'a1', 'cancelled(cancelled)');
    expect(fleet.restarts).toEqual([]);
  });

  it('is not brought back when a person has stopped it', async () => {
    const { alerts, fleet } = await stage.open(RESTART);
    fleet.addAgent('w-1', { status: 'TERMINATED' });
    await alerts.raise('a1', silent('w-1'));
    await heldBy(stage, 'a1', 'target_withdrawn');
    expect(counted('omoi_watchdog_suppressions_total')).toEqual({ target_withdrawn: 1 });
  });
});

describe('a reload', () => {
  const oneStep = RESTART.replace('  - { action: restart, verify: { within: 30s } }\n', '');
  const mode = (text: string, to: string) => text.replace('mode: act', `mode: ${to}`);

  it('changes no step of what was planned', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'verifying');
    await reloadPolicies(stage.watchdog, [oneStep]);
    await stage.changeStatus('w-1', { status: 'UNRESPONSIVE' });
    await clock.advance(30_000);
    expect(fleet.restarts).toHaveLength(2);
    await clock.advance(30_000);
    await becomes(stage, 'a1', 'escalated(no_effect)');
  });

  it('lets a new policy see what fires, and a promoted one act on what it has observed', async () => {
    const { alerts } = await stage.open(mode(SCALE, 'observe'));
    await alerts.raise('a1', silent('w-1'));
    await alerts.raise('a2', flood);
    await heldBy(stage, 'a2', 'observe');
    expect(await stateOf(stage, 'a1')).toBe('none');
    stage.fleet.addAgent('w-1', { poolId: 'other' });
    await reloadPolicies(stage.watchdog, [RESTART, SCALE]);
    await becomes(stage, 'a1', 'verifying');
    await becomes(stage, 'a2', 'verifying');
  });

  it('happens at a start, too', async () => {
    const { alerts } = await stage.open();
    await alerts.raise('a1', silent('w-1'));
    await stage.clock.advance(0);
    await stage.restartProcess([RESTART]);
    await becomes(stage, 'a1', 'verifying');
  });

  it('frees what awaits an approval that is asked for no more, and ends what has no policy any more', async () => {
    const other = RESTART.replace('restart_it', 'other').replace('Silent', 'Other');
    const { alerts } = await stage.open(mode(RESTART, 'approve'), mode(other, 'approve'));
    await alerts.raise('a1', silent('w-1'));
    await alerts.raise('a2', { ...silent('w-2'), alertname: 'Other' });
    await becomes(stage, 'a1', 'awaiting_approval');
    await becomes(stage, 'a2', 'awaiting_approval');
    await reloadPolicies(stage.watchdog, [RESTART]);
    await becomes(stage, 'a1', 'verifying');
    await becomes(stage, 'a2', 'cancelled(cancelled)');
  });

  it('that is broken changes nothing', async () => {
    await stage.open(RESTART);
    await expect(reloadPolicies(stage.watchdog, [RESTART.replace('mode:', 'mod:')])).rejects.toThrow(
      'did you mean "mode"',
    );
    expect(stage.watchdog.policies.list().map((policy) => policy.name)).toEqual(['restart_it']);
  });
});

describe('an alert without a remediation', () => {
  it('for want of room is looked at again when others have ended', async () => {
    await stage.openEmpty([RESTART], { maxOpenRemediations: 1 });
    const { alerts, fleet, clock } = stage;
    fleet.addAgent('w-1');
    fleet.addAgent('w-2');
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'verifying');
    await alerts.raise('a2', silent('w-2'));
    await clock.advance(1000);
    expect(await stateOf(stage, 'a2')).toBe('none');
    expect(counted('omoi_watchdog_unplanned_total')).toEqual({ max_open_remediations: 1 });
    await alerts.resolve('a1');
    await clock.advance(30_000);
    await becomes(stage, 'a2', 'verifying');
  });

  it('for want of a target is looked at again', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-9'));
    await clock.advance(1000);
    expect(counted('omoi_watchdog_unplanned_total')).toEqual({ no_target: 1 });
    fleet.addAgent('w-9');
    await clock.advance(30_000);
    await becomes(stage, 'a1', 'verifying');
  });
});

describe('many alerts without a target', () => {
  it('are one line in the log for each policy, with their number', async () => {
    const lines: [fields: object, message: string][] = [];
    const logger = { ...silentLogger, warn: (...line: [object, string]) => void lines.push(line) };
    await stage.openEmpty([RESTART], { logger });
    const labelsOf = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`a${at}`, silent(`w-${at}`)]));
    await stage.alerts.raiseAll(labelsOf);
    await expect.poll(() => counted('omoi_watchdog_unplanned_total')).toEqual({ no_target: 50 });
    expect(lines).toEqual([
      [
        expect.objectContaining({ policy: 'restart_it', alert_id: 'a0', alerts: 50 }),
        'No remediation planned for the alert, nor for 49 more alerts, tried again every 30 s: agent w-0 is unknown',
      ],
    ]);
  });
});

describe('a scale override', () => {
  const rows = () => stage.database.reader.selectFrom('watchdog_claims').select('claim_id').execute();

  it.each([
    ['is dropped when its pool is gone', 'pool'],
    ['is dropped when it expired while Omoi was away', 'expiry'],
  ])('%s', async (_what, how) => {
    const { alerts, fleet, clock } = await stage.open(SCALE);
    await alerts.raise('a1', flood);
    await becomes(stage, 'a1', 'verifying');
    expect(await rows()).toHaveLength(1);
    if (how === 'pool') fleet.overrides.clear();
    else {
      stage.kill();
      await clock.advance(40_000);
      await stage.restartProcess();
    }
    await clock.advance(20_000);
    expect(await rows()).toEqual([]);
    expect(counted('omoi_watchdog_scale_overrides_ended_total')).toEqual({ expired: 1 });
  });

  const only = async () => (await stage.archive.list({ alertId: 'a1', limit: 1 }))[0];

  it('is not raised where the pool may have no more, and the guardian is told what keeps it from growing', async () => {
    const { alerts, fleet } = await stage.open(SCALE);
    fleet.replicas = { ...fleet.replicas, desired: 12, max: 12 };
    await alerts.raise('a1', flood);
    await becomes(stage, 'a1', 'escalated(failed)');
    expect(fleet.overrides.size).toBe(0);
    expect((await only())?.remediation.reason).toBe(
      'pool demo is to have 12 agents, which is its max: none can be added before its max is raised',
    );
  });

  it.each([
    [12, /^4 more under scale override \S+$/],
    [6, /^4 more under scale override \S+, up to the pool’s max of 6$/],
  ])('says how many a pool of at most %d may have of them', async (max, detail) => {
    const { alerts, fleet } = await stage.open(SCALE);
    fleet.replicas = { ...fleet.replicas, desired: 4, max };
    await alerts.raise('a1', flood);
    await becomes(stage, 'a1', 'verifying');
    expect((await only())?.actions.at(-1)?.detail).toMatch(detail);
  });

  it('is not left behind by a step that failed', async () => {
    const { alerts, fleet } = await stage.open(SCALE);
    fleet.before = () => Promise.reject(new OmoiError('unknown_pool', 'pool demo is unknown'));
    await alerts.raise('a1', flood);
    await becomes(stage, 'a1', 'escalated(failed)');
    expect(await rows()).toEqual([]);
  });

  it('whose answer was lost is looked after all the same', async () => {
    const { alerts, fleet, clock } = await stage.open(SCALE);
    fleet.after = never;
    await alerts.raise('a1', flood);
    await clock.advance(timeLimitMs + 1000);
    await becomes(stage, 'a1', 'verifying');
    await clock.advance(40_000);
    expect(
      [...fleet.overrides.values()].map((override) => override.expiresAtMs > clock.monotonicMs()),
    ).toEqual([true]);
    await alerts.resolve('a1');
    await clock.advance(31_000);
    expect(fleet.overrides.size).toBe(0);
    expect(await rows()).toEqual([]);
  });

  it('whose upkeep hangs holds up no other', async () => {
    const { alerts, fleet, clock } = await stage.open(`${SCALE}guards: { max_parallel: 2 }`);
    fleet.pools.set('second', 'PHASE_DESIGN');
    await alerts.raise('a1', flood);
    await alerts.raise('a2', { ...flood, phase_id: 'PHASE_DESIGN' });
    await becomes(stage, 'a1', 'verifying');
    await clock.advance(1000);
    const [first, second] = [...fleet.overrides.keys()];
    fleet.before = (_call, overrideId) => (overrideId === first ? never() : Promise.resolve());
    await clock.advance(29_000);
    expect(fleet.overrides.get(first ?? '')?.extended).toBe(0);
    expect(fleet.overrides.get(second ?? '')?.extended).toBeGreaterThan(0);
  });
});
