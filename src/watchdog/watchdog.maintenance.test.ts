import { describe, expect, it, vi } from 'vitest';
import type { EventPayload, Labels, OmoiError } from '#telemetry';
import { useDemoStage } from './demo-stage.test-support.ts';
import { becomes, becomesInTime, heldBy, RESTART, silent, WAIT } from './watchdog.test-support.ts';

const MINUTE_MS = 60_000;

const stage = useDemoStage();

const begin = (target: string, lengthMs = 10 * MINUTE_MS) =>
  stage.watchdog.maintenance.begin({ target, lengthMs, reason: 'new disks', by: 'ann' });
const running = () => stage.watchdog.maintenance.list();
const restarted = () => stage.fleet.restarts.map(({ agentId }) => agentId);

async function maintenanceEvents(): Promise<readonly string[]> {
  const events = await stage.events();
  return events.flatMap((event) => {
    if (event.event_type === 'watchdog.maintenance.started')
      return [`started ${event.payload.target} by ${event.payload.started_by}`];
    if (event.event_type !== 'watchdog.maintenance.ended') return [];
    const { target, ended_by: by }: EventPayload<'watchdog.maintenance.ended'> = event.payload;
    return [`ended ${target} by ${by ?? 'itself'}`];
  });
}

async function suppressionOf(alertId: string) {
  const [detail] = await stage.archive.list({ alertId, limit: 1 });
  return detail?.suppressions.find(({ guard }) => guard === 'maintenance');
}

describe('a maintenance', () => {
  it('holds what is in it, says by whom, why and until when, and nothing else', async () => {
    await stage.open(RESTART);
    stage.fleet.addAgent('x-1', { poolId: 'other', host: 'there', domains: ['pool:other'] });
    await begin('pool:demo');
    await stage.alerts.raise('a1', silent('w-1'));
    await stage.alerts.raise('a2', silent('x-1'));
    await heldBy(stage, 'a1', 'maintenance');
    await becomes(stage, 'a2', 'verifying');
    expect(restarted()).toEqual(['x-1']);
    expect(await suppressionOf('a1')).toMatchObject({
      reason: 'pool:demo is under maintenance by ann: new disks',
      until_ms: stage.clock.wallMs() + 10 * MINUTE_MS,
    });
  });

  it('lets what is under way be finished', async () => {
    await stage.open(RESTART);
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'verifying');
    await begin('agent:w-1');
    await stage.alerts.resolve('a1');
    await becomes(stage, 'a1', 'completed(healed)');
  });

  it('makes no relapse of what somebody takes away, and gives nothing to the guardian', async () => {
    await stage.open(RESTART);
    for (const alertId of ['a1', 'a2', 'a3']) {
      await stage.alerts.raise(alertId, silent('w-1'));
      await becomesInTime(stage, alertId, 'verifying');
      await stage.alerts.resolve(alertId, 'remediated');
      await becomes(stage, alertId, 'completed(healed)');
      await stage.clock.advance(1000);
    }
    const { window } = await begin('agent:w-1');
    stage.alerts.maintained = true;
    await stage.alerts.raise('a4', silent('w-1'));
    await heldBy(stage, 'a4', 'maintenance');
    await stage.watchdog.maintenance.end(window.id, 'ann');
    await becomesInTime(stage, 'a4', 'verifying');
    await stage.alerts.resolve('a4', 'remediated');
    await becomes(stage, 'a4', 'completed(healed)');
    const rows = (await stage.archive.list({ limit: 10 })).map(({ remediation }) => remediation).toReversed();
    expect(rows.map(({ outcome, attempts }) => [outcome, attempts])).toEqual([
      ['relapsed', 1],
      ['relapsed', 2],
      ['healed', 3],
      ['healed', 1],
    ]);
    const types = (await stage.events()).map(({ event_type: type }) => type);
    expect(types).not.toContain('watchdog.escalated');
  });

  it('ends by itself, once, and what it held is decided again', async () => {
    await stage.open(RESTART);
    await begin('w-1');
    await stage.alerts.raise('a1', silent('w-1'));
    await heldBy(stage, 'a1', 'maintenance');
    await stage.clock.advance(10 * MINUTE_MS - 1);
    expect(restarted()).toEqual([]);
    expect(running()).toHaveLength(1);
    await stage.clock.advance(2000);
    await vi.waitFor(() => expect(restarted()).toEqual(['w-1']), WAIT);
    await vi.waitFor(
      async () =>
        expect(await maintenanceEvents()).toEqual(['started agent:w-1 by ann', 'ended agent:w-1 by itself']),
      WAIT,
    );
    await stage.clock.advance(10_000);
    expect(await maintenanceEvents()).toHaveLength(2);
  });

  it.each([3_600_000, -3_600_000])(
    'is as long as it was meant to be over a restart and a step of the wall clock by %d ms',
    async (stepMs) => {
      await stage.open(RESTART);
      await begin('host:here');
      await stage.clock.advance(4 * MINUTE_MS);
      stage.clock.stepWallClock(stepMs);
      await stage.restartProcess();
      expect(running().map(({ leftMs, window }) => [window.startedBy, Math.round(leftMs)])).toEqual([
        ['ann', 6 * MINUTE_MS],
      ]);
      await stage.alerts.raise('a1', silent('w-1'));
      await heldBy(stage, 'a1', 'maintenance');
      await stage.clock.advance(6 * MINUTE_MS + 2000);
      await vi.waitFor(() => expect(restarted()).toEqual(['w-1']), WAIT);
    },
  );

  it('lasts no longer than it was meant to after a reboot with a clock that was set back, nor where that is set then', async () => {
    await stage.open(RESTART);
    await begin('pool:demo');
    stage.kill();
    stage.clock.reboot();
    stage.clock.stepWallClock(-3_600_000);
    await stage.restartProcess();
    const left = () => running().map(({ leftMs }) => Math.round(leftMs / MINUTE_MS));
    expect(left()).toEqual([10]);
    await stage.clock.advance(4 * MINUTE_MS);
    expect(left()).toEqual([6]);
    stage.clock.stepWallClock(3_600_000);
    await stage.restartProcess();
    expect(left()).toEqual([6]);
    await stage.clock.advance(6 * MINUTE_MS + 2000);
    await vi.waitFor(
      async () => expect(await maintenanceEvents()).toContain('ended pool:demo by itself'),
      WAIT,
    );
  });

  it('that is over when the server starts again holds nothing, and its end is told', async () => {
    await stage.open(RESTART);
    await begin('pool:demo', MINUTE_MS);
    stage.kill();
    await stage.clock.advance(2 * MINUTE_MS);
    await stage.restartProcess();
    expect(running()).toEqual([]);
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'verifying');
    await stage.clock.advance(2000);
    await vi.waitFor(
      async () => expect(await maintenanceEvents()).toContain('ended pool:demo by itself'),
      WAIT,
    );
  });

  it('is ended by a person, as often as he likes', async () => {
    await stage.open(RESTART);
    const { window } = await begin('pool:demo');
    await stage.watchdog.maintenance.end(window.id, 'bob');
    await stage.watchdog.maintenance.end(window.id, 'eve');
    expect(await maintenanceEvents()).toEqual(['started pool:demo by ann', 'ended pool:demo by bob']);
    await expect(stage.watchdog.maintenance.end('mnt_none', 'bob')).rejects.toThrow(
      'no maintenance mnt_none',
    );
  });

  it('is bounded in number and length', async () => {
    await stage.open(RESTART);
    await expect(begin('pool:demo', 8 * 86_400_000)).rejects.toThrow('at most 1w');
    await expect(begin('pool:demo', 0)).rejects.toMatchObject({ code: 'invalid_request' });
    const orders = Array.from({ length: 201 }, () => begin('pool:demo'));
    const results = await Promise.allSettled(orders);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => (reason as OmoiError).code)).toEqual(['too_many_maintenances']);
    expect(running()).toHaveLength(200);
  });

  it('marks what an alert is about by its agent, its pool or its host', async () => {
    await stage.open(RESTART);
    const { window: ofPool } = await begin('pool:demo');
    const ofLabels = (labels: Labels) => stage.watchdog.maintenance.ofLabels(labels);
    expect(ofLabels({ agent_id: 'w-1' })).toBe(ofPool.id);
    expect(ofLabels({ pool_id: 'demo' })).toBe(ofPool.id);
    expect(ofLabels({ pool_id: 'other' })).toBeNull();
    const { window: ofHost } = await begin('host:here', 20 * MINUTE_MS);
    expect(ofLabels({ host: 'here' })).toBe(ofHost.id);
    expect(ofLabels({ agent_id: 'w-1' })).toBe(ofHost.id);
    expect(ofLabels({})).toBeNull();
  });
});
