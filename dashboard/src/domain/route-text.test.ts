import { describe, expect, it } from 'vitest';
import type { Route } from '../api/wire.ts';
import { describeHeld, describeTimers, routeMatch, routeNotes } from './route-text.ts';

const ROUTE: Route = {
  route_id: '{}',
  depth: 0,
  receiver: 'team',
  matchers: [],
  continue: false,
  group_by: ['alertname', 'pool'],
  group_wait_ms: 30_000,
  group_interval_ms: 300_000,
  repeat_interval_ms: 14_400_000,
  mute_time_intervals: [],
  active_time_intervals: [],
  silent: null,
  hold_for_remediation_ms: null,
  escalation: null,
  groups: 0,
  alerts: 0,
};

describe('a route', () => {
  it.each<[Partial<Route>, string]>([
    [{}, 'every alert'],
    [{ depth: 1 }, 'every alert that comes here'],
    [{ depth: 1, matchers: ['a="b"', 'c=~"d"'] }, 'a="b", c=~"d"'],
  ])('%j is for %s', (given, text) => {
    expect(routeMatch({ ...ROUTE, ...given })).toBe(text);
  });

  it.each<[Partial<Route>, string]>([
    [{}, 'by alertname, pool; told after 30s, changes every 5m, again every 4h'],
    [{ group_by: [], group_wait_ms: 0 }, 'all together; told at once, changes every 5m, again every 4h'],
    [{ group_by: ['...'] }, 'each alert by itself; told after 30s, changes every 5m, again every 4h'],
  ])('%j tells %s', (given, text) => {
    expect(describeTimers({ ...ROUTE, ...given })).toBe(text);
  });

  it.each<[Partial<Route>, readonly string[]]>([
    [{}, []],
    [
      { mute_time_intervals: ['nights'], active_time_intervals: ['days'] },
      ['muted within nights', 'speaks within days only'],
    ],
    [
      { mute_time_intervals: ['nights', 'sundays'], silent: { because: 'mute', names: ['nights'] } },
      ['silent now, within nights'],
    ],
    [
      { active_time_intervals: ['days'], silent: { because: 'inactive', names: ['days'] } },
      ['silent now: it speaks within days only'],
    ],
    [
      { hold_for_remediation_ms: 60_000, escalation: 'ladder' },
      ['waits up to 1m for a repair', 'escalates by ladder'],
    ],
  ])('%j notes %j', (given, notes) => {
    expect(routeNotes({ ...ROUTE, ...given })).toEqual(notes);
  });

  it('holds alerts', () => {
    expect(describeHeld(ROUTE)).toBe('nothing now');
    expect(describeHeld({ groups: 2, alerts: 1 })).toBe('1 alert in 2 groups');
  });
});
