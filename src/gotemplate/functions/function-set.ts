import { changedInPieces } from '../pieces.ts';
import { textOf, type FunctionDefinition, type ParameterType } from '../values/value.ts';

/** The functions that templates of one kind may call, beside Go's own. */
export interface FunctionSet {
  get(name: string): FunctionDefinition | undefined;
}

/** A function of a fixed number of arguments. */
export function fixed(
  parameters: readonly ParameterType[],
  call: FunctionDefinition['call'],
): FunctionDefinition {
  return { parameters, isVariadic: false, call };
}

/** A function whose last parameter may be given any number of times. */
export function variadic(
  parameters: readonly ParameterType[],
  call: FunctionDefinition['call'],
): FunctionDefinition {
  return { parameters, isVariadic: true, call };
}

/** A function from text to text. */
export function ofText(change: (text: string) => string): FunctionDefinition {
  return fixed(['string'], ([text]) => change(textOf(text)));
}

/** A function from text to text that looks at one character at a time. */
export function ofCharacters(change: (text: string) => string): FunctionDefinition {
  return fixed(['string'], ([text], maxCharacters) => changedInPieces(textOf(text), change, maxCharacters));
}
