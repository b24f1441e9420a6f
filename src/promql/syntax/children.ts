import type { Expression } from './ast.ts';
import { infoSelectorOf } from './info-selector.ts';

/** The expressions directly below one, in the order they are evaluated. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'vector_selector':
      return [];
    case 'matrix_selector':
      return [expression.selector];
    case 'subquery':
    case 'parenthesized':
      return [expression.expression];
    case 'unary':
      return [expression.operand];
    case 'call':
      // Of the labels that it names, `info` makes a selector of its own.
      return expression.name === 'info'
        ? [...expression.args.slice(0, 1), infoSelectorOf(expression)]
        : expression.args;
    case 'aggregation':
      return expression.parameter ? [expression.parameter, expression.expression] : [expression.expression];
    case 'binary':
      return [expression.left, expression.right];
  }
}
