import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { AgentIndex } from '../agents/agent-index.ts';
import { FleetActivityFeed } from '../fleet-activity-feed.ts';
import { StallWatch } from '../leases/stall-watch.ts';
import { DEFAULT_FLEET_LIMITS } from '../limits.ts';
import { QueueRoom } from './queue-room.ts';

function open(limits: { readonly maxQueuedPhases: number }) {
  const clock = new VirtualClock();
  const stall = new StallWatch(clock, DEFAULT_FLEET_LIMITS);
  const activity = new FleetActivityFeed(new AgentIndex(clock, stall, DEFAULT_FLEET_LIMITS));
  const room = new QueueRoom({ activity, limits: { ...DEFAULT_FLEET_LIMITS, ...limits } });
  return {
    activity,
    reserve: (...phases: readonly string[]) => room.reserve(phases.length, new Set(phases)),
  };
}

it('tasks wait in so many phases, those that are being committed among them', () => {
  const { activity, reserve } = open({ maxQueuedPhases: 3 });
  activity.countQueued('build', 0, 1);
  const giveBack = reserve('test', 'ship');
  reserve('test', 'build')();
  expect(() => reserve('more')).toThrow(
    expect.objectContaining({ code: 'queue_full', details: { max_queued_phases: 3 } }),
  );
  giveBack();
  giveBack();
  reserve('more', 'others')();
});

it('what was committed counts once, and a phase that is empty makes room', () => {
  const { activity, reserve } = open({ maxQueuedPhases: 1 });
  const committed = reserve('build');
  activity.countQueued('build', 0, 1);
  committed();
  reserve('build')();
  expect(() => reserve('test')).toThrow(/maxQueuedPhases/);
  activity.countQueued('build', 0, -1);
  reserve('test')();
});
