import { describe, expect, it } from 'vitest';
import { alertParams, isFiltered, quotedForRegex, readAlertSearch, splitMatchers } from './alert-filter.ts';

describe('the filter of alerts in the address', () => {
  it.each([
    [{}, {}],
    [{ state: 'firing', acknowledged: 'any', severity: '', match: ' ' }, {}],
    [
      { state: 'resolved', acknowledged: 'no', severity: 'critical', match: 'a=b' },
      { state: 'resolved', acknowledged: 'no', severity: 'critical', match: 'a=b' },
    ],
    [
      { receiver: 'team\\.web', agent: 7 },
      { receiver: 'team\\.web', agent: '7' },
    ],
    [{ state: 'ended', acknowledged: 1, severity: 2, match: 3, receiver: '', agent: null }, {}],
  ])('%j is read as %j', (search, read) => {
    expect(readAlertSearch(search)).toEqual(read);
    expect(isFiltered(readAlertSearch(search))).toBe(Object.keys(read).length > 0);
  });

  it.each([
    [{}, 'state=firing'],
    [{ state: 'all', acknowledged: 'yes' } as const, 'acknowledged=true'],
    [
      { acknowledged: 'no', severity: 'critical', match: 'a="b, c", d=~e' } as const,
      'state=firing&severity=critical&acknowledged=false&matcher=a%3D%22b%2C+c%22&matcher=d%3D%7Ee',
    ],
    [
      { receiver: 'team\\.web', agent: 'a "b"', match: 'c=d' } as const,
      'state=firing&receiver=team%5C.web&matcher=agent_id%3D%22a+%5C%22b%5C%22%22&matcher=c%3Dd',
    ],
  ])('%j asks for %s', (search, asked) => {
    expect(alertParams(search).toString()).toBe(asked);
  });
});

it.each([
  ['', []],
  [' a=b ', ['a=b']],
  ['{a="b", c!~"d|e"}', ['a="b"', 'c!~"d|e"']],
  ['a="x,y\\"z", b=1\nc=2,', ['a="x,y\\"z"', 'b=1', 'c=2']],
  ['a="unclosed, b=1', ['a="unclosed, b=1']],
])('%j has the matchers %j', (text, matchers) => {
  expect(splitMatchers(text)).toEqual(matchers);
});

it('a name as an expression matches itself alone', () => {
  const name = 'team.web (a|b)*';
  expect(new RegExp(`^${quotedForRegex(name)}$`).exec(name)?.[0]).toBe(name);
  expect(new RegExp(`^${quotedForRegex('a.b')}$`).test('aXb')).toBe(false);
});
