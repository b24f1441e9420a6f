import { describe, expect, it } from 'vitest';
import { editedSilence, isForOthers, readEditedSilence } from './changed-silence.ts';
import { typedAlternatives } from './typed-matchers.ts';

const BEFORE = editedSilence({
  matcher_sets: [['team="web"', 'host=~"a.*"'], ['alertname="or, else"']],
  comment: 'disks',
  until_resolved: false,
});

describe('a silence that is edited', () => {
  it('has a matcher a line, and `or` between alternatives', () => {
    expect(BEFORE.matchers).toBe('team="web"\nhost=~"a.*"\nor\nalertname="or, else"');
    expect(typedAlternatives(BEFORE.matchers)).toEqual([
      ['team="web"', 'host=~"a.*"'],
      ['alertname="or, else"'],
    ]);
  });

  it.each([
    ['nothing', {}, null],
    ['blanks', { matchers: `${BEFORE.matchers}\n `, comment: ' disks ' }, null],
    ['why', { comment: 'late disks' }, { comment: 'late disks' }],
    ['its end', { untilResolved: true }, { until_resolved: true }],
    ['for what', { matchers: 'team="db"' }, { matcher_sets: [['team="db"']] }],
  ])('is asked for with what is otherwise: %s', (_what, edited, order) => {
    expect(readEditedSilence({ ...BEFORE, ...edited }, BEFORE)).toEqual({ order });
    expect(isForOthers({ ...BEFORE, ...edited }, BEFORE)).toBe(order !== null && 'matcher_sets' in order);
  });

  it.each([
    [{ matchers: '' }, ['matchers']],
    [{ matchers: 'team="web"\nor\n' }, ['matchers']],
    [{ matchers: 'or\na=b', comment: ' ' }, ['matchers', 'comment']],
  ])('%j is told by field', (edited, fields) => {
    const read = readEditedSilence({ ...BEFORE, ...edited }, BEFORE);
    expect('faults' in read ? Object.keys(read.faults) : []).toEqual(fields);
  });
});
