import { describe, expect, it } from 'vitest';
import { changedBy, prependEvent } from './live-changes.ts';

describe('changedBy', () => {
  it.each([
    { type: 'fleet.agent.exited', resources: ['agents', 'pools'] },
    { type: 'fleet.pool.changed', resources: ['pools'] },
    { type: 'fleet.task.refused', resources: ['agents'] },
    { type: 'monitor.alert.triggered', resources: ['alerts'] },
    { type: 'monitor.anomaly.closed', resources: ['anomalies'] },
    { type: 'watchdog.remediation.changed', resources: ['remediations', 'alerts'] },
    { type: 'watchdog.state.changed', resources: ['watchdog'] },
  ] as const)('$type changes $resources', ({ type, resources }) => {
    expect(changedBy({ event_type: type })).toEqual(resources);
  });
});

describe('prependEvent', () => {
  it('keeps the newest, once', () => {
    const feed = [{ id: 3 }, { id: 2 }];
    expect(prependEvent(feed, { id: 4 }, 3)).toEqual([{ id: 4 }, { id: 3 }, { id: 2 }]);
    expect(prependEvent(feed, { id: 4 }, 2)).toEqual([{ id: 4 }, { id: 3 }]);
    expect(prependEvent(feed, { id: 3 }, 3)).toBe(feed);
    expect(prependEvent([{ id: 5 }], { id: 4 }, 3)).toEqual([{ id: 5 }, { id: 4 }]);
  });
});
