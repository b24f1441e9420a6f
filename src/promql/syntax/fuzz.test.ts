import { OmoiError } from '#telemetry';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import type { Expression } from './ast.ts';
import { formatExpression } from './formatter.ts';
import { leastLength } from './least-length.ts';
import { parseExpression } from './parser.ts';
import { prettyPrint } from './pretty-printer.ts';

/** Pieces of queries, so that random sequences of them get far into the grammar. */
const PIECES = (
  'foo sum rate by without on ignoring group_left offset anchored smoothed bool and or atan2 start end Inf NaN 5m 1 0x1f .5 ' +
  '( ) [ ] { } , : @ + - * / % ^ == != =~ = < </ "x" \'y\' `z` "\\n" # ä \\'
)
  .split(' ')
  .concat(' ', '\n');

const name = fc.constantFrom('a', 'b:c', 'sum', 'offset', 'anchored', 'start', 'and');
const label = fc.constantFrom('job', 'le', 'utf8.name', 'on', 'ü');
const value = fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text.isWellFormed());
const duration = fc.constantFrom('1ms', '5m', '1h30m', '1d', '300', '0.5');

const selector = fc
  .record({
    metric: name,
    matchers: fc.array(fc.tuple(label, fc.constantFrom('=', '!='), value), { maxLength: 2 }),
    offset: fc.option(fc.tuple(fc.constantFrom('', '-'), duration)),
    at: fc.option(fc.constantFrom('start()', 'end()', '12.5', '-3')),
    boundary: fc.option(fc.constantFrom('anchored', 'smoothed')),
  })
  .map(({ metric, matchers, offset, at, boundary }) => ({
    text: `${metric}{${matchers.map(([n, op, v]) => `${JSON.stringify(n)}${op}${quoted(v)}`).join(',')}}`,
    time:
      (at === null ? '' : ` @ ${at}`) +
      (boundary === null ? '' : ` ${boundary}`) +
      (offset === null ? '' : ` offset ${offset.join('')}`),
  }));

const { vector } = fc.letrec<{ vector: string; scalar: string }>((tie) => ({
  scalar: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('1', '-2.5', 'Inf', 'NaN', '5m', 'pi()', 'time()'),
    tie('vector').map((inner) => `scalar(${inner})`),
    fc
      .tuple(tie('scalar'), fc.constantFrom('+', '^', '% ', 'atan2'), tie('scalar'))
      .map((parts) => parts.join(' ')),
  ),
  vector: fc.oneof(
    { maxDepth: 4 },
    selector.map(({ text, time }) => text + time),
    fc.tuple(selector, duration).map(([{ text, time }, range]) => `rate(${text}[${range}]${time})`),
    fc.tuple(tie('vector'), duration).map(([inner, range]) => `max_over_time((${inner})[${range}:1m])`),
    fc
      .tuple(fc.constantFrom('sum', 'count'), label, tie('vector'))
      .map(([aggregator, by, inner]) => `${aggregator} by (${JSON.stringify(by)}) (${inner})`),
    fc.tuple(tie('scalar'), tie('vector')).map(([k, inner]) => `topk without (job) (${k}, ${inner})`),
    fc
      .tuple(
        tie('vector'),
        fc.constantFrom('+', '-', '*', '^', '== bool', '> ', 'and', 'unless on (job)'),
        tie('vector'),
      )
      .map(([left, operator, right]) => `${left} ${operator} ${right}`),
    fc
      .tuple(tie('vector'), tie('vector'))
      .map(([left, right]) => `(${left}) / ignoring (le) group_left (job) ${right}`),
    tie('vector').map((inner) => `-${inner}`),
    fc
      .tuple(tie('vector'), value)
      .map(([inner, text]) => `label_replace(${inner}, "x", ${quoted(text)}, "y", ".*")`),
  ),
}));

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

describe('the parser', () => {
  it('answers any text with an expression or a coded error, quickly', () => {
    const anyText = fc.oneof(
      fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join('')),
      fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join(' ')),
      fc.string({ unit: 'binary', maxLength: 80 }),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        try {
          parseExpression(text);
        } catch (error) {
          if (!(error instanceof OmoiError)) throw error;
          expect(error.code).toBe('query_invalid');
          expect(error.details['offset']).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: propertyRuns(3000) },
    );
  });

  it('takes time in proportion to the text', () => {
    for (const piece of [
      '(',
      '-',
      '{',
      'a[',
      'sum(',
      '1 + ',
      '"',
      '\\',
      '#\n',
      '9 ',
      '9_',
      '9',
      '1.',
      'a"',
      ' ',
    ]) {
      const before = process.cpuUsage();
      expect(() => parseExpression(`${piece.repeat(200_000)}!`)).toThrow(OmoiError);
      // What grows with the square would take hours.
      expect(process.cpuUsage(before).user / 1000).toBeLessThan(30_000);
    }
  });

  it('checks what is written in time in proportion to it', () => {
    const names = (letter: string) => Array.from({ length: 300_000 }, (_, at) => `${letter}${at}`).join(', ');
    const before = process.cpuUsage();
    const matched = parseExpression(`a * on (${names('l')}) group_left (${names('m')}) b`);
    expect(matched).toMatchObject({
      matching: { labels: { length: 300_000 }, include: { length: 300_000 } },
    });
    const chain = parseExpression(`a${' or b'.repeat(300_000)}`);
    expect(chain).toMatchObject({ kind: 'binary', operator: 'or' });
    // What grows with the square would take many minutes.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(60_000);
  });

  it('reads back what the formatter writes', () => {
    fc.assert(
      fc.property(vector, (text) => {
        const expression = parseExpression(text);
        const formatted = formatExpression(expression);
        expect(plain(parseExpression(formatted))).toEqual(plain(expression));
        expect(formatExpression(parseExpression(formatted))).toBe(formatted);
        expect(plain(parseExpression(prettyPrint(expression)))).toEqual(plain(expression));
        expect(leastLength(expression)).toBeLessThanOrEqual(formatted.length);
      }),
      { numRuns: propertyRuns(1500) },
    );
  });
});

/** The expression without positions, and with matchers as text in the formatter's order. */
function plain(expression: Expression): unknown {
  return JSON.parse(
    JSON.stringify(expression, (key, part: unknown) => {
      if (key === 'position') return undefined;
      if (typeof part === 'number' && !Number.isFinite(part)) return String(part);
      if (key !== 'matchers' || !Array.isArray(part)) return part;
      return part.map((matcher) => JSON.stringify(matcher)).sort();
    }),
  );
}
