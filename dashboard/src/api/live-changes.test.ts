import { describe, expect, it } from 'vitest';
import { changedBy, prependEvents } from './live-changes.ts';

describe('changedBy', () => {
  it.each([
    { type: 'fleet.agent.exited', resources: ['agents', 'pools', 'overview'] },
    { type: 'fleet.pool.changed', resources: ['pools'] },
    { type: 'fleet.task.refused', resources: ['agents'] },
    { type: 'fleet.task.parked', resources: ['agents', 'parked'] },
    { type: 'monitor.alert.triggered', resources: ['alerts', 'timeline', 'notifications', 'overview'] },
    { type: 'notification.delivered', resources: ['timeline', 'notifications'] },
    { type: 'notification.on_call.overridden', resources: ['on-call'] },
    { type: 'notification.silence.created', resources: ['silences', 'notifications'] },
    { type: 'monitor.anomaly.closed', resources: ['anomalies'] },
    { type: 'watchdog.remediation.changed', resources: ['remediations', 'alerts', 'timeline', 'overview'] },
    { type: 'watchdog.state.changed', resources: ['watchdog'] },
    { type: 'watchdog.maintenance.ended', resources: ['maintenances'] },
  ] as const)('$type changes $resources', ({ type, resources }) => {
    expect(changedBy({ event_type: type })).toEqual(resources);
  });
});

describe('prependEvents', () => {
  it('keeps the newest, once', () => {
    const feed = [{ id: 3 }, { id: 2 }];
    expect(prependEvents(feed, [{ id: 4 }], 3)).toEqual([{ id: 4 }, { id: 3 }, { id: 2 }]);
    expect(prependEvents(feed, [{ id: 4 }], 2)).toEqual([{ id: 4 }, { id: 3 }]);
    expect(prependEvents(feed, [{ id: 3 }], 3)).toBe(feed);
    expect(prependEvents([{ id: 5 }], [{ id: 4 }, { id: 6 }, { id: 6 }, { id: 5 }], 3)).toEqual([
      { id: 6 },
      { id: 5 },
      { id: 4 },
    ]);
  });
});
