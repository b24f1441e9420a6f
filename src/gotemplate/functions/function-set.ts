import { textOf, type TemplateValue } from '../values/value.ts';

/** A parameter's type by Go's name; `any` takes everything. */
export type ParameterType = 'any' | 'string' | 'float64' | 'int' | (string & {});

export interface FunctionDefinition {
  /** Of a variadic function the last one may be given any number of times. */
  readonly parameters: readonly ParameterType[];
  readonly isVariadic: boolean;
  /**
   * Called with values that fit the parameters.
   * @throws with the reason; the template fails with it
   */
  readonly call: (args: readonly TemplateValue[]) => TemplateValue;
}

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
