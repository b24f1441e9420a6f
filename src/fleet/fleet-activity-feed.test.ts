import { expect, test } from 'vitest';
import { VirtualClock } from '#telemetry';
import { AgentIndex } from './agents/agent-index.ts';
import { FleetActivityFeed } from './fleet-activity-feed.ts';
import { StallWatch } from './leases/stall-watch.ts';
import { DEFAULT_FLEET_LIMITS } from './limits.ts';

test('locks are counted by type and mode, and types without a lock are forgotten', () => {
  const clock = new VirtualClock();
  const stall = new StallWatch(clock, DEFAULT_FLEET_LIMITS);
  const feed = new FleetActivityFeed(new AgentIndex(clock, stall, DEFAULT_FLEET_LIMITS));
  feed.countLocks('file', 'shared', 1);
  feed.countLocks('file', 'shared', 1);
  feed.countLocks('file', 'exclusive', 1);
  for (let at = 0; at < 100; at++) {
    feed.countLocks(`type-${at}`, 'exclusive', 1);
    feed.countLocks(`type-${at}`, 'exclusive', -1);
  }
  feed.countLocks('file', 'shared', -1);
  expect(feed.snapshot().locks).toEqual([
    { resourceType: 'file', lockMode: 'shared', active: 1 },
    { resourceType: 'file', lockMode: 'exclusive', active: 1 },
  ]);
});

test('phases without a task are forgotten where there are very many, and the others keep their counts', () => {
  const clock = new VirtualClock();
  const stall = new StallWatch(clock, DEFAULT_FLEET_LIMITS);
  const feed = new FleetActivityFeed(new AgentIndex(clock, stall, DEFAULT_FLEET_LIMITS));
  feed.countQueued('build', 0, 2);
  feed.countQueued('test', 5, 1);
  for (let at = 0; at < 2000; at++) {
    feed.countQueued(`phase-${at}`, 0, 1);
    feed.countQueued(`phase-${at}`, 0, -1);
  }
  feed.countQueued('build', 0, 1);
  const { queue } = feed.snapshot();
  expect(queue.length).toBeLessThanOrEqual(257);
  expect(queue.filter(({ queued }) => queued > 0)).toMatchObject([
    { phaseId: 'build', priority: 0, queued: 3 },
    { phaseId: 'test', priority: 5, queued: 1 },
  ]);
  expect([...feed.phases()]).toEqual(['build', 'test']);
});
