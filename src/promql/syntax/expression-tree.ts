import type { Matcher } from '#telemetry';
import {
  isSetOperator,
  type AtModifier,
  type BinaryExpression,
  type Expression,
  type VectorSelector,
} from './ast.ts';
import { typeOf } from './checker.ts';
import { signatureOf } from './function-signatures.ts';
import { formatDecimal } from './text-literals.ts';

/** A node as JSON; its children are nodes again. */
export type TreeNode = Readonly<Record<string, unknown>> & { readonly type: string };

/** An expression as `/api/v1/parse_query` of Prometheus shows it, for tree views. Durations and times in ms. */
export function expressionTree(expression: Expression): TreeNode {
  switch (expression.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatDecimal(expression.value) };
    case 'string':
      return { type: 'stringLiteral', val: expression.value };
    case 'vector_selector':
      return { type: 'vectorSelector', ...selectorTree(expression) };
    case 'matrix_selector': {
      const { selector, rangeMs } = expression;
      return { type: 'matrixSelector', ...selectorTree(selector), range: rangeMs, rangeExpr: null };
    }
    case 'subquery':
      return {
        type: 'subquery',
        expr: expressionTree(expression.expression),
        range: expression.rangeMs,
        rangeExpr: null,
        step: expression.stepMs ?? 0,
        stepExpr: null,
        ...timeTree(expression),
      };
    case 'call':
      return {
        type: 'call',
        func: functionTree(expression.name),
        args: expression.args.map(expressionTree),
      };
    case 'aggregation': {
      const { operator, parameter, grouping, without } = expression;
      return {
        type: 'aggregation',
        op: operator,
        expr: expressionTree(expression.expression),
        param: parameter && expressionTree(parameter),
        grouping,
        without,
      };
    }
    case 'binary':
      return {
        type: 'binaryExpr',
        op: expression.operator,
        lhs: expressionTree(expression.left),
        rhs: expressionTree(expression.right),
        matching: matchingTree(expression),
        bool: expression.returnBool,
      };
    case 'unary':
      return { type: 'unaryExpr', op: expression.operator, expr: expressionTree(expression.operand) };
    case 'parenthesized':
      return { type: 'parenExpr', expr: expressionTree(expression.expression) };
  }
}

function selectorTree(selector: VectorSelector): object {
  const { name, matchers } = selector;
  return {
    name,
    matchers: matchers.map(matcherTree),
    ...timeTree(selector),
    anchored: false,
    smoothed: false,
  };
}

function timeTree({ at, offsetMs }: { readonly at: AtModifier | null; readonly offsetMs: number }): object {
  return {
    offset: offsetMs,
    offsetExpr: null,
    timestamp: at?.kind === 'time' ? at.timeMs : null,
    startOrEnd: at === null || at.kind === 'time' ? null : at.kind,
  };
}

function matcherTree({ name, operator, value }: Matcher): object {
  return { name, value, type: operator };
}

function functionTree(name: string): object {
  const signature = signatureOf(name);
  return {
    name,
    argTypes: signature?.args ?? [],
    variadic: signature?.variadic ?? 0,
    returnType: signature?.returns ?? 'vector',
  };
}

/** Null where the sides need not find each other, because one is a scalar. */
function matchingTree({ operator, left, right, matching }: BinaryExpression): object | null {
  if (typeOf(left) !== 'vector' || typeOf(right) !== 'vector') return null;
  const { cardinality, on, labels, include } = matching;
  return {
    card: isSetOperator(operator) ? 'many-to-many' : cardinality,
    labels,
    on,
    include,
    fillValues: { lhs: null, rhs: null },
  };
}
