import { describe, expect, it } from 'vitest';
import { annotationsOf, changeOf, endOf, endOfOrder, matcherSetsOf, noneListed } from './silences.ts';

describe('what a silence is for, as it is typed', () => {
  it.each<[string, readonly (readonly string[])[]]>([
    ['HighLoad', [['alertname="HighLoad"']]],
    ['HighLoad host=web-1', [['alertname="HighLoad"', 'host=web-1']]],
    ['team=~"web.*" or Full team!=db', [['team=~"web.*"'], ['alertname="Full"', 'team!=db']]],
  ])('%s', (line, sets) => {
    expect(matcherSetsOf(line.split(' '))).toEqual(sets);
  });

  it.each([
    [[], 'name the alerts by matchers (alertname="Down"), or one by --alert'],
    [['or', 'a=b'], '`or` stands between matchers'],
    [['a=b', 'or'], '`or` stands between matchers'],
  ])('%o is refused', (words, message) => {
    expect(() => matcherSetsOf(words)).toThrow(message);
  });
});

it.each([
  [{ for: '2h' }, { duration_ms: 7_200_000 }],
  [{ until: '2026-12-01T08:00:00Z' }, { ends_at: '2026-12-01T08:00:00Z' }],
])('its end %o is asked for as %o', (flags, order) => {
  expect(endOfOrder(flags)).toEqual(order);
});

it.each([
  [{}, 'one of --for and --until'],
  [{ for: '2h', until: '2026-12-01T08:00:00Z' }, 'one of --for and --until'],
  [{ for: 'soon' }, '--for: "soon" is no duration; write 30m, 2h, 1d'],
])('an end %o is refused', (flags, message) => {
  expect(() => endOfOrder(flags)).toThrow(message);
});

it.each([
  [[], { reason: 'late' }, { comment: 'late' }],
  [['Full', 'or', 'a=b'], {}, { matcher_sets: [['alertname="Full"'], ['a=b']] }],
  [[], { untilResolved: false }, { until_resolved: false }],
])('a change by %j and %j is asked for as %j', (words, flags, order) => {
  expect(changeOf(words, flags)).toEqual(order);
});

it('a change of nothing is refused', () => {
  expect(() => changeOf([], {})).toThrow('say what is to be otherwise: matchers, --reason');
});

it('annotations are names and texts', () => {
  expect(annotationsOf(['ticket=OPS-7', 'link=http://a/?b=c'])).toEqual({
    ticket: 'OPS-7',
    link: 'http://a/?b=c',
  });
  expect(() => annotationsOf(['=x'])).toThrow('is not like ticket=OPS-7');
});

it.each([
  ['active', 'in 2h'],
  ['pending', 'in 2h, from in 1h'],
  ['expired', '0s ago'],
])('the end of one that is %s is shown as %s', (state, shown) => {
  const nowMs = Date.UTC(2026, 10, 30, 12);
  const row = {
    id: '1',
    state,
    matcher_sets: [],
    starts_at: new Date(nowMs + 3_600_000).toISOString(),
    ends_at: new Date(state === 'expired' ? nowMs : nowMs + 7_200_000).toISOString(),
    created_by: 'ann',
    set_by: 'ann',
    comment: '',
    annotations: {},
    until_resolved: false,
    warn_before_ms: null,
    alert_id: null,
    end: null,
  };
  expect(endOf(row, nowMs)).toBe(shown);
});

it.each([
  [{ state: 'live', match: [] }, 'no silence is set'],
  [{ state: 'all', match: [] }, 'no silence is known'],
  [{ state: 'pending', match: [] }, 'no silence is pending'],
  [{ state: 'live', match: ['a=b'] }, 'no silence has these matchers'],
])('an empty list of %o says %s', (flags, said) => {
  expect(noneListed(flags)).toBe(said);
});
