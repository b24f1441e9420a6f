import { print, println, shown } from '../format/print.ts';
import { printf } from '../format/printf.ts';
import { changes } from '../pieces.ts';
import { InPieces } from '../values/in-pieces.ts';
import { type FunctionDefinition, isTruthy, type TemplateValue, textOf } from '../values/value.ts';
import { equalsAny, orderOf } from './comparison.ts';
import { elementAt, lengthOf, sliceOf } from './elements.ts';
import { escapeHtml, escapeQuery, escapeScript } from './escapes.ts';
import { fixed, variadic } from './function-set.ts';

const ordered = (holds: (order: number) => boolean): FunctionDefinition =>
  fixed(['any', 'any'], ([left = null, right = null]) => holds(orderOf(left, right)));

const escaped = (escape: (text: string) => string): FunctionDefinition =>
  variadic(['any'], (args, max) => new InPieces(escapedText(args, max, escape)));

function* escapedText(
  args: readonly TemplateValue[],
  maxCharacters: number,
  escape: (text: string) => string,
): Generator<void, string> {
  const shownArgs = args.map((arg) => (arg === null ? shown(arg) : arg));
  return yield* changes(yield* print(shownArgs, maxCharacters), escape, maxCharacters);
}

/**
 * The functions that every Go template has. `and`, `or` and `call` are here for their names and parameters: the
 * evaluator cuts the first two short and calls what the third is given.
 */
export const BUILTINS: ReadonlyMap<string, FunctionDefinition> = new Map<string, FunctionDefinition>([
  [
    'and',
    variadic(
      ['any', 'any'],
      firstThat((value) => !isTruthy(value)),
    ),
  ],
  ['or', variadic(['any', 'any'], firstThat(isTruthy))],
  ['not', fixed(['any'], ([value = null]) => !isTruthy(value))],
  ['call', variadic(['any', 'any'], ([value = null]) => value)],
  ['eq', variadic(['any', 'any'], equalsAny)],
  ['ne', fixed(['any', 'any'], (args) => !equalsAny(args))],
  ['lt', ordered((order) => order < 0)],
  ['le', ordered((order) => order <= 0)],
  ['gt', ordered((order) => order > 0)],
  ['ge', ordered((order) => order >= 0)],
  ['len', fixed(['any'], ([value = null]) => lengthOf(value))],
  ['index', variadic(['any', 'any'], elementAt)],
  ['slice', variadic(['any', 'any'], sliceOf)],
  ['print', variadic(['any'], (args, max) => new InPieces(print(args, max)))],
  ['println', variadic(['any'], (args, max) => new InPieces(println(args, max)))],
  [
    'printf',
    variadic(['string', 'any'], ([format, ...args], max) => new InPieces(printf(textOf(format), args, max))),
  ],
  ['html', escaped(escapeHtml)],
  ['js', escaped(escapeScript)],
  ['urlquery', escaped(escapeQuery)],
]);

function firstThat(decides: (value: TemplateValue) => boolean): FunctionDefinition['call'] {
  return (args) => args.find(decides) ?? args.at(-1) ?? null;
}
