import { OmoiError } from '#telemetry';
import { describe, expect, it } from 'vitest';
import { formatExpression } from './formatter.ts';
import { leastLength } from './least-length.ts';
import { prettyPrint } from './pretty-printer.ts';
import { expressionTree, maxTreeChain } from './expression-tree.ts';
import { NO_FEATURES } from './features.ts';
import { maxExpressionDepth, parseExpression, parseSelector } from './parser.ts';

describe('parseExpression', () => {
  it.each([
    ['1', '1'],
    ['0x1F + 1_000 + 017', '31 + 1000 + 15'],
    ['.5e-3', '0.0005'],
    ['1e30', '1000000000000000000000000000000'],
    ['Inf - -inf', 'Inf - -Inf'],
    ['1h30m', '1h30m'],
    ['-2^2', '-2 ^ 2'],
    ['2^3^2', '2 ^ 3 ^ 2'],
    ['a + b * c', 'a + b * c'],
    ['a and b or c unless d', 'a and b or c unless d'],
    ['# why\nfoo # not', 'foo'],
    ['foo:bar:baz', 'foo:bar:baz'],
    ['foo{a="b",}', 'foo{a="b"}'],
    ['{"my.metric", "label.x"!~"y|z", plain=\'q\'}', '{"label.x"!~"y|z",__name__="my.metric",plain="q"}'],
    ['{__name__=~"a.*", b=`\\d`}', '{__name__=~"a.*",b="\\\\d"}'],
    ['foo[5m] offset -1d @ 1.5', 'foo[5m] @ 1.500 offset -1d'],
    ['foo @ end() offset 300', 'foo @ end() offset 5m'],
    ['rate(foo[60])[1h:] @ start()', 'rate(foo[1m])[1h:] @ start()'],
    ['SUM BY (a, "b.c",) (x)', 'sum by (a, "b.c") (x)'],
    ['topk(3, x) without (by, on)', 'topk without (by, on) (3, x)'],
    ['a / ON (x) GROUP_LEFT () b', 'a / on (x) group_left () b'],
    ['a == BOOL ignoring(x) group_right(y) b', 'a == bool ignoring (x) group_right (y) b'],
    ['sum + count', 'sum + count'],
    ['start() + end()', 'start() + end()'],
    ['by{and="or"}', 'by{and="or"}'],
    ['fill + fill_left', 'fill + fill_left'],
    ['"\\u00e4\\x41\\101\\n"', '"äAA\\n"'],
    ['h </ 5 >/ 1', 'h </ 5 >/ 1'],
  ])('%s means %s', (text, formatted) => {
    expect(formatExpression(parseExpression(text))).toBe(formatted);
  });

  it.each([
    ['', '1:1: parse error: no expression found in input'],
    ['2 * 300y', '1:5: parse error: duration out of range'],
    ['sum(', '1:5: parse error: unclosed left parenthesis'],
    ['foo{', '1:5: parse error: unexpected end of input inside braces'],
    ['foo[', '1:5: parse error: unexpected end of input in duration expression'],
    ['foo[5m', '1:7: parse error: unclosed left bracket'],
    ['foo bar', '1:5: parse error: unexpected identifier "bar"'],
    ['foo\n  + * bar', '2:5: parse error: unexpected <op:*>'],
    ['a or', '1:5: parse error: unexpected end of input'],
    ['(a))', "1:5: parse error: unexpected right parenthesis ')'"],
    ['topk(3, sum(a +))', '1:16: parse error: unexpected ")" in aggregation'],
    ['sum(a) b', '1:8: parse error: unexpected identifier "b"'],
    ['sum bool (a)', '1:5: parse error: unexpected <bool>'],
    ['abs(a, ==)', '1:6: parse error: trailing commas not allowed in function call args'],
    ['a:b(c)', '1:4: parse error: unexpected "("'],
    ['foo = 1', '1:5: parse error: unexpected "="'],
    ['foo{sum}', '1:8: parse error: unexpected "}" in label matching, expected label matching operator'],
    ['foo{a=sum}', '1:7: parse error: unexpected identifier "sum" in label matching, expected string'],
    ['foo[:1m]', '1:6: parse error: unexpected colon before duration in duration expression'],
    ['foo[bar]', "1:5: parse error: unexpected character in duration expression: 'b'"],
    ['foo[5m:bar]', "1:8: parse error: unexpected character: 'b', expected ':'"],
    ['foo[5m, 1]', '1:7: parse error: unexpected "," in subquery or range, expected ":" or "]"'],
    ['foo @ end(1)', '1:11: parse error: unexpected number "1" in @, expected timestamp'],
    ['foo @ -Inf', '1:1: parse error: timestamp out of bounds for @ modifier: -Inf'],
    ['a * on (b) group_left on b', '1:23: parse error: unexpected <on> in grouping opts, expected "("'],
    ['1.5h', '1:1: parse error: not a valid duration string: "1.5h"'],
    ['5mfoo', '1:1: parse error: bad number or duration syntax: "5mf"'],
    ['1e', '1:1: parse error: bad number or duration syntax: "1e"'],
    ['0x', '1:1: parse error: error parsing number: strconv.ParseFloat: parsing "0x": invalid syntax'],
    ['a \\ b', "1:3: parse error: unexpected character: '\\\\'"],
    ['"ü" ~', "1:6: parse error: unexpected character: '~'"],
    ['foo{a="\\q"}', "1:7: parse error: unknown escape sequence U+0071 'q'"],
    [
      'foo{a b}',
      '1:7: parse error: unexpected identifier "b" in label matching, expected label matching operator',
    ],
    ['foo{a=b}', '1:7: parse error: unexpected identifier "b" in label matching, expected string'],
    [
      'foo{a="b" c="d"}',
      '1:11: parse error: unexpected identifier "c" in label matching, expected "," or "}"',
    ],
    ['"abc', '1:1: parse error: unterminated quoted string'],
    ['5mm', '1:1: parse error: bad number or duration syntax: "5mm"'],
    ['foo[0s]', '1:5: parse error: duration must be greater than 0'],
    ['foo[5m5d]', '1:5: parse error: not a valid duration string: "5m5d"'],
    [
      'foo offset',
      '1:11: parse error: unexpected end of input in offset, expected number, duration, step(), or range()',
    ],
    ['foo @ bar', '1:7: parse error: unexpected identifier "bar" in @, expected timestamp'],
    ['foo @ 1 @ 2', '1:1: parse error: @ <timestamp> may not be set multiple times'],
    ['foo offset 1m offset 1m', '1:1: parse error: offset may not be set multiple times'],
    [
      'sum(foo) offset 1m',
      '1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
    ],
    ['foo offset 5m[5m]', '1:14: parse error: no offset modifiers allowed before range'],
    ['sum(foo)[5m]', '1:9: parse error: ranges only allowed for vector selectors'],
    ['sum by a (foo)', '1:8: parse error: unexpected identifier "a" in grouping opts, expected "("'],
    [
      'sum(a, b)',
      '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2',
    ],
    [
      'topk(a)',
      '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1',
    ],
    ['nope(x)', '1:1: parse error: unknown function with name "nope"'],
    ['abs(x,)', '1:6: parse error: trailing commas not allowed in function call args'],
    ['abs()', '1:1: parse error: expected 1 argument(s) in call to "abs", got 0'],
    ['round(a, 1, 2)', '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3'],
    [
      'rate(foo)',
      '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
    ],
    [
      'sum(foo[5m])',
      '1:5: parse error: expected type instant vector in aggregation expression, got range vector',
    ],
    ['foo[5m] + 1', '1:1: parse error: binary expression must contain only scalar and instant vector types'],
    [
      '-"a"',
      '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "string"',
    ],
    ['1 == 1', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
    ['a + bool b', '1:3: parse error: bool modifier can only be used on comparison operators'],
    ['a and 1', '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
    ['a and on(x) group_left b', '1:1: parse error: no grouping allowed for "and" operation'],
    [
      'a + on(x) group_left(x) b',
      '1:3: parse error: label "x" must not occur in ON and GROUP clause at once',
    ],
    ['1 + on(x) b', '1:1: parse error: vector matching only allowed between instant vectors'],
    ['{}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
    ['{a=~".*"}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
    ['foo{__name__="bar"}', '1:1: parse error: metric name must not be set twice: "foo" or "bar"'],
    [
      'avg_over_time(1[5m:])',
      '1:15: parse error: subquery is only allowed on instant vector, got scalar instead',
    ],
  ])('refuses %j', (text, message) => {
    expect(() => parseExpression(text)).toThrow(expect.objectContaining({ code: 'query_invalid', message }));
  });

  it.each([
    ['a + fill(0) b', 'the fill modifier', 'promql-binop-fill-modifiers'],
    ['a + on(x) fill_left(0) b', 'the fill_left modifier', 'promql-binop-fill-modifiers'],
    ['limitk(1, a)', 'limitk()', 'promql-experimental-functions'],
    ['a[5m] anchored', 'the anchored modifier', 'promql-extended-range-selectors'],
    ['a smoothed', 'the smoothed modifier', 'promql-extended-range-selectors'],
    ['sort_by_label(a, "b")', 'function "sort_by_label"', 'promql-experimental-functions'],
  ] as const)('refuses the experimental %j unless its switch is on', (text, what, feature) => {
    expect(() => parseExpression(text, NO_FEATURES)).toThrow(
      `${what} is experimental and not enabled: name "${feature}" in \`promql.features\` of the configuration`,
    );
    expect(formatExpression(parseExpression(text, new Set([feature])))).not.toBe('');
  });

  it.each([
    ['foo[5m * 2]', 'foo[5m * 2]'],
    ['foo[-(1m+ 5)^2 % 3:(step())] @ 3', 'foo[-(1m + 5) ^ 2 % 3:(step())] @ 3.000'],
    ['foo offset (1m)', 'foo offset (1m)'],
    ['foo offset -step() + 2', 'foo offset -step() + 2'],
    ['foo offset max_of( 3,range())', 'foo offset max_of(3, range())'],
    ['foo offset 100 + 2', 'foo offset 1m40s + 2'],
    ['a + on (x) group_left fill(-1) b', 'a + on (x) group_left () fill (-1) b'],
    ['a == bool fill_right(Inf) fill_left(0) b', 'a == bool fill_left (0) fill_right (+Inf) b'],
    ['fill + fill(0) fill', 'fill + fill (0) fill'],
    ['foo smoothed @ 3 offset 5m', 'foo @ 3.000 smoothed offset 5m'],
    ['foo[5m] offset 5m anchored @ end()', 'foo[5m] anchored @ end() offset 5m'],
    ['foo anchored[5m] ANCHORED', 'foo[5m] anchored'],
    ['anchored anchored + smoothed', 'anchored anchored + smoothed'],
  ])('%j is written %j', (text, written) => {
    const expression = parseExpression(text);
    expect(formatExpression(expression)).toBe(written);
    expect(formatExpression(parseExpression(written))).toBe(written);
  });

  it.each([
    ['foo[4d/0]', '1:7: parse error: division by zero'],
    ['foo[4d%0]', '1:7: parse error: modulo by zero'],
    ['foo[-5]', '1:5: parse error: duration must be greater than 0'],
    ['foo[1e30]', '1:5: parse error: duration out of range'],
    ['foo[(1m]', '1:8: parse error: unexpected "]" in subquery or range selector'],
    ['foo[max_of(1m)]', '1:14: parse error: unexpected ")" in subquery or range selector'],
    ['foo offset (1m) offset 2m', '1:1: parse error: offset may not be set multiple times'],
    ['a and fill(0) b', '1:1: parse error: filling in missing series not allowed for set operators'],
    ['1 + fill(0) b', '1:1: parse error: filling in missing series only allowed between instant vectors'],
    ['(foo) anchored', '1:1: parse error: anchored modifier not implemented'],
    ['foo[1m:] smoothed', '1:1: parse error: smoothed modifier is not supported for subqueries'],
    [
      'foo[1m] anchored offset 5m smoothed',
      '1:1: parse error: anchored and smoothed modifiers cannot be used together',
    ],
    [
      `foo[${'('.repeat(101)}1m]`,
      '1:105: parse error: the duration nests deeper than maxDurationDepth (100)',
    ],
  ])('refuses %j as Prometheus does', (text, message) => {
    expect(() => parseExpression(text)).toThrow(expect.objectContaining({ code: 'query_invalid', message }));
  });

  it('tells the place of an error in line, column and offset', () => {
    const error = errorOf('sum(\n  rate(foo)\n)');
    expect(error.details).toEqual({ line: 2, column: 8, offset: 12 });
  });

  it.each([
    ['(', '('.repeat(100_000)],
    ['-', '-'.repeat(100_000)],
    ['abs(', 'abs('.repeat(100_000)],
    ['a ^', `a${' ^ a'.repeat(10_000)}`],
    ['[1m:]', `a${'[1m:]'.repeat(10_000)}`],
  ])('limits how deep %j may nest', (_, text) => {
    expect(errorOf(text).message).toContain(`maxExpressionDepth (${maxExpressionDepth})`);
  });

  it.each([
    ['or', 'up', ' or up', 1],
    ['+', '1', ' + 1', 1],
    ['or', 'up', ' or up or down', 2],
    ['+ and *', 'a', ' + a * a', 1],
    ['==', 'a', ' == on (job) a', 1],
  ])(
    'reads a chain of 5,000 × %s, writes it and shows it as a tree up to a length',
    (_, start, link, count) => {
      const text = start + link.repeat(5000);
      const expression = parseExpression(text);
      expect(formatExpression(expression)).toBe(text);
      expect(formatExpression(parseExpression(prettyPrint(expression)))).toBe(text);
      expect(() => expressionTree(expression)).toThrow(
        `a chain of ${5000 * count} operators is longer than maxTreeChain (${maxTreeChain})`,
      );
      const longest = parseExpression(start + link.repeat(maxTreeChain / count));
      const operators = JSON.stringify(expressionTree(longest)).match(/"binaryExpr"/g);
      expect(operators?.length).toBeGreaterThanOrEqual(maxTreeChain);
    },
  );

  it.each([
    ['1e1000', 'value out of range'],
    ['1.8e308', 'value out of range'],
    [`1${'0'.repeat(400)}`, 'value out of range'],
    ['0xFFFFFFFFFFFFFFFF', 'invalid syntax'],
    ['0x8000000000000000', 'invalid syntax'],
  ])('refuses the number %.30s', (text, reason) => {
    expect(errorOf(text).message).toBe(
      `1:1: parse error: error parsing number: strconv.ParseFloat: parsing "${text}": ${reason}`,
    );
  });

  it.each([
    ['0x7FFFFFFFFFFFFFFF', 2 ** 63],
    ['9223372036854775808', 2 ** 63],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['0777777777777777777777', 2 ** 63],
    ['07777777777777777777777', Number('7777777777777777777777')],
    ['017', 15],
    ['089', 89],
    ['1e-400', 0],
  ])('reads the number %s as Go does', (text, value) => {
    expect(parseExpression(text)).toMatchObject({ kind: 'number', value });
  });
});

describe('a selector that stands alone', () => {
  it.each([
    ['up', ['__name__="up"']],
    [' sum{a!="1",} # why', ['a!="1"', '__name__="sum"']],
    ['{"a.b"=~"c"}', ['a.b=~"c"']],
    ['{}', []],
  ])('%j has matchers', (text, expected) => {
    const shown = parseSelector(text).matchers.map(
      ({ name, operator, value }) => `${name}${operator}${JSON.stringify(value)}`,
    );
    expect(shown).toEqual(expected);
  });

  it.each([
    ['', '1:1: parse error: unexpected end of input'],
    ['1', '1:1: parse error: unexpected number "1"'],
    ['"up"', '1:1: parse error: unexpected string "\\"up\\""'],
    ['-up', '1:1: parse error: unexpected <op:->'],
    ['(up)', '1:1: parse error: unexpected "("'],
    ['sum(up)', '1:4: parse error: unexpected "("'],
    ['up offset 5m', '1:4: parse error: unexpected <offset>'],
    ['up[5m]', '1:3: parse error: unexpected "["'],
    ['up{', '1:4: parse error: unexpected end of input inside braces'],
  ])('%j is none', (text, message) => {
    expect(() => parseSelector(text)).toThrow(expect.objectContaining({ code: 'query_invalid', message }));
  });
});

function errorOf(text: string): OmoiError {
  try {
    parseExpression(text);
  } catch (error) {
    if (error instanceof OmoiError) return error;
    throw error;
  }
  return expect.fail(`${text} was accepted`);
}

describe('prettyPrint', () => {
  it('does not write what nests deep anew for each level', () => {
    const depth = maxExpressionDepth - 2;
    const inner = parseExpression(`a${' + a'.repeat(100)}`);
    let read = 0;
    const watched = new Proxy(inner, {
      get(target, key, receiver): unknown {
        if (key === 'kind') read++;
        return Reflect.get(target, key, receiver);
      },
    });
    let expression = watched;
    const { position } = inner;
    for (let level = 0; level < depth; level++) {
      expression = { kind: 'parenthesized', expression, position };
    }
    const lines = prettyPrint(expression).split('\n');
    expect(lines.slice(0, 2)).toEqual(['(', '  (']);
    expect(lines.length).toBeGreaterThan(2 * depth);
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(20);
  });

  it.each([
    `sum by (job) (${'a'.repeat(80)})`,
    `"${'x'.repeat(98)}"`,
    `f_${'a'.repeat(90)}{a="b"}`,
    `${'a'.repeat(48)} + on (b) ${'c'.repeat(42)}`,
  ])('fills a line as far as it goes: %s', (text) => {
    const line = formatExpression(parseExpression(text));
    expect(line.length).toBeLessThanOrEqual(100);
    expect(leastLength(parseExpression(text))).toBeLessThanOrEqual(line.length);
    expect(prettyPrint(parseExpression(text))).toBe(line);
  });
});
