import { describe, expect, it } from 'vitest';
import { parseAlertMatcher } from './alert-query.ts';

describe('a matcher of alerts', () => {
  it.each([
    ['team="infra"', 'team', '=', 'infra'],
    [' team != "a b" ', 'team', '!=', 'a b'],
    ['team=~"a|b"', 'team', '=~', 'a|b'],
    ['team=infra', 'team', '=', 'infra'],
    ['team =~ a|b ', 'team', '=~', 'a|b'],
    ['team!~a.*', 'team', '!~', 'a.*'],
    ['team=', 'team', '=', ''],
    ['url=http://x/?a=b', 'url', '=', 'http://x/?a=b'],
    ['say=it\'s "so"', 'say', '=', 'it\'s "so"'],
    ["team='it'", 'team', '=', 'it'],
    ['team=`\\d`', 'team', '=', '\\d'],
    ['team="\\u00e9\\n"', 'team', '=', 'é\n'],
    ['"my.team"="x"', 'my.team', '=', 'x'],
    ['__proto__="x"', '__proto__', '=', 'x'],
  ])('%s', (text, name, operator, value) => {
    expect(parseAlertMatcher(text)).toMatchObject({ name, operator, value });
  });

  it.each(['', 'team', 'a="b",c="d"', '{a="b"}', 'team=="x"', 'team=~"("', 'team="x', '="x"', 'a b="x"'])(
    '%j is none',
    (text) => {
      expect(() => parseAlertMatcher(text)).toThrow(
        expect.objectContaining({
          code: 'invalid_request',
          message: expect.stringContaining('is no matcher like'),
        }),
      );
    },
  );
});
