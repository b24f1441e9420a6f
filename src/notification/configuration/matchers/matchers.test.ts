import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it, test } from 'vitest';
import { createMatcher, type Matcher } from '#telemetry';
import { propertyRuns } from '../../../../tests/property-runs.ts';
import {
  compareMatchers,
  createAlertMatcher,
  formatMatcher,
  formatMatchers,
  isLabelName,
  MatcherSyntaxError,
  type MatcherMode,
  parseMatcher,
  parseMatchers,
} from './index.ts';

type Row = readonly [string, string, string];

const rowsOf = (matchers: readonly Matcher[]): Row[] =>
  matchers.map(({ name, operator, value }) => [name, operator, value]);

function refusalOf(read: () => unknown): string | null {
  try {
    read();
    return null;
  } catch (thrown) {
    return thrown instanceof MatcherSyntaxError ? thrown.message : `unexpected: ${String(thrown)}`;
  }
}

describe('the UTF-8 grammar', () => {
  test.each<[string, ...Row[]]>([
    [''],
    ['{}'],
    ['  '],
    ['{foo=bar}', ['foo', '=', 'bar']],
    ['{foo=bar,}', ['foo', '=', 'bar']],
    ['{ foo = bar , }', ['foo', '=', 'bar']],
    ['{foo!=bar}', ['foo', '!=', 'bar']],
    ['{foo=~[a-z]+}', ['foo', '=~', '[a-z]+']],
    ['foo!~[a-z]+', ['foo', '!~', '[a-z]+']],
    ['{foo=🙂}', ['foo', '=', '🙂']],
    ['{"foo"="\\xf0\\x9f\\x99\\x82"}', ['foo', '=', '🙂']],
    ['{"foo"="\\U0001f642"}', ['foo', '=', '🙂']],
    ['"foo"="bar\\n\\t\\"\\\\",', ['foo', '=', 'bar\n\t"\\']],
    ['{"foo"=~"\\\\d+"}', ['foo', '=~', '\\d+']],
    ['foo="bar",bar!="baz"', ['foo', '=', 'bar'], ['bar', '!=', 'baz']],
    ['{foo=""}', ['foo', '=', '']],
    ['{name-with-dashes = "bar"}', ['name-with-dashes', '=', 'bar']],
    ['{quote="She said: \\"Hi, ladies!\\""}', ['quote', '=', 'She said: "Hi, ladies!"']],
    [
      'contains_quote != "\\"" , contains_comma !~ "foo,bar" , ',
      ['contains_quote', '!=', '"'],
      ['contains_comma', '!~', 'foo,bar'],
    ],
  ])('%s', (input, ...expected) => {
    expect(rowsOf(parseMatchers(input, { mode: 'utf8-strict' }))).toEqual(expected);
  });

  test.each([
    [',', '0:1: unexpected ,: expected label name'],
    ['{,}', '1:2: unexpected ,: expected label name'],
    ['{', '0:1: end of input: expected close brace'],
    ['}', '0:1: }: expected opening brace'],
    ['foo=bar}', '0:8: }: expected opening brace'],
    ['{foo=bar', '0:8: end of input: expected close brace'],
    ['{foo=bar}}', '9:10: }: expected end of input'],
    ['{foo=:"bar"}', '6:11: unexpected "bar": expected a comma or close brace'],
    ['{foo="bar\\w"}', '5:12: "bar\\w": invalid input'],
    ['{"foo"=~"\\d+"}', '8:13: "\\d+": invalid input'],
    ['{foo=bar\\n}', '8:9: \\: invalid input: expected a comma or close brace'],
    ['{"foo"="\\xf0\\x9f"}', '7:17: "\\xf0\\x9f": invalid input'],
    ['foo', "end of input: expected an operator such as '=', '!=', '=~' or '!~'"],
    ['foo!bar', "3:4: !: expected one of '=~': expected an operator such as '=', '!=', '=~' or '!~'"],
    [
      'foo!',
      "3:4: unexpected end of input, expected one of '=~': expected an operator such as '=', '!=', '=~' or '!~'",
    ],
    ['foo=', 'end of input: expected label value'],
    ['foo=bar,,', '8:9: unexpected ,: expected a matcher or close brace after comma'],
    ['job="value', '4:10: "value: missing end ": expected label value'],
  ])('refuses %s as Alertmanager does', (input, message) => {
    expect(refusalOf(() => parseMatchers(input, { mode: 'utf8-strict' }))).toBe(message);
  });

  it('refuses a broken regular expression', () => {
    expect(() => parseMatchers('{foo=~"invalid[regexp"}', { mode: 'utf8-strict' })).toThrow(
      /^failed to create matcher: .*missing closing \]/,
    );
  });

  test.each([
    ['', 'no matchers'],
    ['foo=bar,bar=baz', 'expected 1 matcher, found 2'],
    ['{foo=bar}', 'unexpected open or close brace: {foo=bar}'],
  ])('refuses %s as one matcher', (input, message) => {
    expect(refusalOf(() => parseMatcher(input, { mode: 'utf8-strict' }))).toBe(message);
  });
});

describe('the classic grammar', () => {
  test.each<[string, ...Row[]]>([
    ['{}'],
    ["{foo='}", ['foo', '=', "'"]],
    ['{foo=\\n}', ['foo', '=', '\n']],
    ['{foo=\\t}', ['foo', '=', '\\t']],
    ['{foo=bar\\}', ['foo', '=', 'bar\\']],
    ['{foo=bar\\\\}', ['foo', '=', 'bar\\']],
    ['{foo=bar\\"}', ['foo', '=', 'bar"']],
    ['tricky=~~~', ['tricky', '=~', '~~']],
    ['trickier==\\\\=\\=\\"', ['trickier', '=', '=\\=\\="']],
    ['{foo=bar}}', ['foo', '=', 'bar}']],
    ['{foo=bar}},}', ['foo', '=', 'bar}}']],
    ['{foo=,bar=}}', ['foo', '=', ''], ['bar', '=', '}']],
    ['job=', ['job', '=', '']],
    ['{foo=}b', ['foo', '=', '}b']],
    ['foo = a b ,x:y="a,b" , ', ['foo', '=', 'a b'], ['x:y', '=', 'a,b']],
    ['foo="\\x\\n"', ['foo', '=', '\\x\n']],
  ])('%s', (input, ...expected) => {
    expect(rowsOf(parseMatchers(input, { mode: 'classic' }))).toEqual(expected);
  });

  test.each([
    ['{,}', 'bad matcher format: '],
    ['job="value', 'matcher value contains unescaped double quote: "value'],
    ['job="value\\"', 'matcher value contains unescaped double quote: "value\\"'],
    ['job=value"', 'matcher value contains unescaped double quote: value"'],
    ['trickier==\\\\=\\=\\""', 'matcher value contains unescaped double quote: =\\\\=\\=\\""'],
    ['"foo="bar""', 'bad matcher format: "foo="bar""'],
    ['{{foo=', 'bad matcher format: {foo='],
    ['foo🙂=bar', 'bad matcher format: foo🙂=bar'],
  ])('refuses %s as Alertmanager does', (input, message) => {
    expect(refusalOf(() => parseMatchers(input, { mode: 'classic' }))).toBe(message);
  });

  it('takes no longer for blanks than for other characters', () => {
    const blanks = ' '.repeat(200_000);
    expect(rowsOf(parseMatchers(`foo=a${blanks}b`, { mode: 'classic' }))).toEqual([
      ['foo', '=', `a${blanks}b`],
    ]);
  });
});

describe('the fallback', () => {
  const read = (input: string): { readonly rows: readonly Row[]; readonly warnings: readonly string[] } => {
    const warnings: string[] = [];
    return { rows: rowsOf(parseMatchers(input, { warn: (text) => warnings.push(text) })), warnings };
  };

  it('takes what both read alike, and what only the UTF-8 grammar reads, without a word', () => {
    expect(read('{foo=bar,bar=baz}')).toEqual({
      rows: [
        ['foo', '=', 'bar'],
        ['bar', '=', 'baz'],
      ],
      warnings: [],
    });
    expect(read('{foo🙂=bar}')).toEqual({ rows: [['foo🙂', '=', 'bar']], warnings: [] });
    expect(read('{}')).toEqual({ rows: [], warnings: [] });
  });

  it('takes from the classic grammar what only it reads, and says how to write it', () => {
    expect(read('{foo=!bar,bar=$baz\\n}')).toEqual({
      rows: [
        ['foo', '=', '!bar'],
        ['bar', '=', '$baz\n'],
      ],
      warnings: [expect.stringContaining('write foo="!bar",bar="$baz\\n" (')],
    });
  });

  it('takes what both read differently from the classic grammar, with a warning', () => {
    expect(read('foo="\\xf0\\x9f\\x99\\x82"')).toEqual({
      rows: [['foo', '=', '\\xf0\\x9f\\x99\\x82']],
      warnings: [expect.stringContaining('mean different things')],
    });
  });

  it('refuses in the words of the classic grammar', () => {
    expect(refusalOf(() => parseMatcher('foo!bar'))).toBe('bad matcher format: foo!bar');
    expect(refusalOf(() => parseMatchers('{foo!bar}'))).toBe('bad matcher format: foo!bar');
  });
});

test.each<[string, Row]>([
  ['foo="bar"', ['foo', '=', 'bar']],
  ['foo="a\\"b\\\\c\\nd\te"', ['foo', '=', 'a"b\\c\nd\te']],
  ['"f o"!="a\\tb"', ['f o', '!=', 'a\tb']],
  ['föö!~"x"', ['föö', '!~', 'x']],
])('%s is printed so', (expected, [name, operator, value]) => {
  expect(formatMatcher(createMatcher(name, operator as '=', value))).toBe(expected);
});

test('several are printed in braces, in their order', () => {
  expect(formatMatchers(parseMatchers('b="1",a=~"2"'))).toBe('{b="1",a=~"2"}');
  expect(formatMatchers([])).toBe('{}');
});

test('the order is by name, value and operator', () => {
  const shuffled = parseMatchers('b=1,a!=1,a=2,a=~1,a=1,a!~1', { mode: 'classic' });
  expect(formatMatchers(shuffled.sort(compareMatchers))).toBe('{a="1",a!="1",a=~"1",a!~"1",a="2",b="1"}');
});

test('a point stands for no newline', () => {
  expect(createAlertMatcher('l', '=~', 'a.b').matches('a\nb')).toBe(false);
  expect(createAlertMatcher('l', '=~', 'a.b').matches('axb')).toBe(true);
  expect(createAlertMatcher('l', '!~', 'a.b').matches('a\nb')).toBe(true);
});

const expressions = fc.string({
  unit: fc.constantFrom('a', 'b', '.', '*', '+', '?', '|', '(', ')', '\n', '{2}', '🙂'),
  maxLength: 6,
});

test('a regular expression accepts what RE2 does, whatever was asked before', () => {
  fc.assert(
    fc.property(
      expressions,
      fc.array(expressions, { minLength: 1, maxLength: 5 }),
      (expression, candidates) => {
        let plain: RE2JS;
        try {
          plain = RE2JS.compile(expression);
        } catch {
          return;
        }
        const matcher = createAlertMatcher('l', '=~', expression);
        for (const candidate of [...candidates, ...candidates]) {
          expect(matcher.matches(candidate)).toBe(plain.matches(candidate));
        }
      },
    ),
    { numRuns: propertyRuns(3000) },
  );
});

test('what is remembered of an expression is bounded, and right', () => {
  const matcher = createAlertMatcher('l', '=~', 'a.*[02468]');
  for (const _round of [1, 2]) {
    for (let at = 0; at < 200; at++) expect(matcher.matches(`a${at}`)).toBe(at % 2 === 0);
  }
});

test.each<[string, MatcherMode, boolean]>([
  ['_foo1', 'classic', true],
  ['', 'classic', false],
  ['0foo', 'classic', false],
  ['foo🙂', 'classic', false],
  ['0foo', 'fallback', true],
  ['foo🙂', 'utf8-strict', true],
  ['', 'utf8-strict', false],
  ['\ud800', 'fallback', false],
])('%j is a label name in mode %s: %s', (name, mode, expected) => {
  expect(isLabelName(name, mode)).toBe(expected);
});

const text = fc.string({
  unit: fc.constantFrom(
    'a',
    'Z',
    '_',
    ':',
    ' ',
    '\n',
    '\t',
    '"',
    '\\',
    ',',
    '{',
    '}',
    '=',
    '~',
    '!',
    "'",
    'ü',
    '🙂',
    '\u0085',
  ),
  maxLength: 8,
});
const operators = fc.constantFrom('=' as const, '!=' as const);

test('what is printed is read again as it was, by the grammar in which it can be written', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, operators, text), { maxLength: 4 }), (rows) => {
      const matchers = rows.map(([name, operator, value]) => createMatcher(`n${name}`, operator, value));
      expect(rowsOf(parseMatchers(formatMatchers(matchers), { mode: 'utf8-strict' }))).toEqual(
        rowsOf(matchers),
      );
    }),
    { numRuns: propertyRuns(1000) },
  );
});

test('whatever is written is read or refused, in every mode', () => {
  fc.assert(
    fc.property(text, fc.constantFrom<MatcherMode>('fallback', 'utf8-strict', 'classic'), (input, mode) => {
      try {
        expect(Array.isArray(parseMatchers(input, { mode }))).toBe(true);
      } catch (thrown) {
        expect(thrown).toMatchObject({ name: 'MatcherSyntaxError' });
      }
    }),
    { numRuns: propertyRuns(2000) },
  );
});
