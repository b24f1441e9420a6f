import { describe, expect, it } from 'vitest';
import {
  initialMatchers,
  maxSilencedAlerts,
  parseDuration,
  readTypedSilence,
  subjectOfMany,
  type SilenceSubject,
} from './new-silence.ts';

const alert = (id: string, labels: Readonly<Record<string, string>>) => ({ id, labels });
const ONE: SilenceSubject = {
  kind: 'alerts',
  alerts: [alert('a', { alertname: 'Down', 'host.name': 'a "b"' })],
};
const TWO: SilenceSubject = {
  kind: 'alerts',
  alerts: [alert('a', { host: 'a' }), alert('b', { host: 'b' })],
};
const NONE: SilenceSubject = { kind: 'matchers', matchers: [] };
const typed = { matchers: '', duration: '1h', comment: ' disks ', untilResolved: false };
const rest = { duration_ms: 3_600_000, comment: 'disks', until_resolved: false };

describe('a silence that somebody types', () => {
  it('begins with the labels of the one alert that it is for', () => {
    expect(initialMatchers(ONE)).toBe('alertname="Down"\n"host.name"="a \\"b\\""');
    expect(initialMatchers(TWO)).toBe('');
    expect(initialMatchers({ kind: 'matchers', matchers: ['a="b"'] })).toBe('a="b"');
  });

  it.each([
    ['the alert as it is', ONE, { matchers: initialMatchers(ONE) }, { alert_id: 'a', ...rest }],
    [
      'fewer labels of the alert',
      ONE,
      { matchers: 'alertname="Down"' },
      { matchers: ['alertname="Down"'], ...rest },
    ],
    ['several alerts', TWO, {}, { matcher_sets: [['host="a"'], ['host="b"']], ...rest }],
    [
      'matchers, until they are over',
      NONE,
      { matchers: 'team=web, host=~"a,b"', untilResolved: true },
      { matchers: ['team=web', 'host=~"a,b"'], ...rest, until_resolved: true },
    ],
    [
      'alternatives',
      NONE,
      { matchers: 'team="web"\nhost=a\nor\nteam="db"' },
      { matcher_sets: [['team="web"', 'host=a'], ['team="db"']], ...rest },
    ],
    [
      'the labels of an alert, or others',
      ONE,
      { matchers: `${initialMatchers(ONE)}\nor\nteam="db"` },
      { matcher_sets: [['alertname="Down"', '"host.name"="a \\"b\\""'], ['team="db"']], ...rest },
    ],
  ])('for %s', (_what, subject, given, order) => {
    expect(readTypedSilence({ ...typed, ...given }, subject)).toEqual({ order });
  });

  it('is told what is missing, all at once', () => {
    const read = readTypedSilence(
      { matchers: ' ', duration: 'soon', comment: ' ', untilResolved: false },
      NONE,
    );
    expect(Object.keys('faults' in read ? read.faults : {})).toEqual(['matchers', 'duration', 'comment']);
  });
});

it.each([
  ['no matchers at the end', 'team="web"\nor\n', /`or` stands between matchers/],
  ['`or` within a line', 'team=web or team=db', /on a line of its own/],
])('%s is a fault of the matchers', (_what, matchers, fault) => {
  const read = readTypedSilence({ ...typed, matchers }, NONE);
  expect('faults' in read ? read.faults.matchers : '').toMatch(fault);
});

it.each([
  ['30m', 1_800_000],
  ['1h30m', 5_400_000],
  [' 2d ', 172_800_000],
  ['1w', 604_800_000],
  ['', null],
  ['0m', null],
  ['10', null],
  ['30m1h', null],
  ['367d', null],
])('%j lasts %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

describe('several alerts that are silenced at once', () => {
  const many = (count: number, labels: Readonly<Record<string, string>>) =>
    Array.from({ length: count }, (_, at) => ({ id: `a${at}`, labels: { ...labels, host: `h${at}` } }));

  it('are named each by its labels up to as many as one silence takes, and then by what they have in common', () => {
    const hundred = many(maxSilencedAlerts, { team: 'web' });
    expect(subjectOfMany(hundred)).toEqual({ kind: 'alerts', alerts: hundred });
    const more = many(maxSilencedAlerts + 1, { team: 'web' });
    expect(subjectOfMany(more)).toEqual({ kind: 'matchers', matchers: ['team="web"'] });
    expect(subjectOfMany(many(maxSilencedAlerts + 1, {}))).toBeNull();
  });
});
