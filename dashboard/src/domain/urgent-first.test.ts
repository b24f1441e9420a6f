import { describe, expect, it } from 'vitest';
import { agentFilters, alertFilters } from './urgent-first.ts';

describe('agentFilters', () => {
  it.each([
    { byStatus: { IDLE: 90, FAILED: 10, TERMINATED: 900 }, filters: ['present=true'] },
    {
      byStatus: { IDLE: 2000, FAILED: 1, UNRESPONSIVE: 30, STALLED: 2, DEGRADED: 0 },
      filters: ['status=UNRESPONSIVE', 'status=STALLED', 'status=FAILED', 'present=true'],
    },
    { byStatus: {}, filters: ['present=true'] },
  ])('$byStatus: $filters', ({ byStatus, filters }) => {
    expect(agentFilters(byStatus, 100)).toEqual(filters);
  });
});

describe('alertFilters', () => {
  it('asks for what nobody has seen first, and for nothing that is not there', () => {
    const counts = [
      { severity: 'info', firing: 2, unacknowledged: 0 },
      { severity: 'page me', firing: 5, unacknowledged: 5 },
      { severity: 'critical', firing: 3, unacknowledged: 1 },
    ];
    expect(alertFilters(counts)).toEqual([
      'state=firing&acknowledged=false&severity=critical',
      'state=firing&acknowledged=false&severity=page%20me',
      'state=firing&acknowledged=true&severity=critical',
      'state=firing&acknowledged=true&severity=info',
    ]);
    expect(alertFilters([])).toEqual([]);
  });
});
