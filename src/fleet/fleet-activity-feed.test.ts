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
