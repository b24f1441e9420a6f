import { OmoiError, type Matcher } from '#telemetry';
import {
  chainOf,
  isSetOperator,
  type BinaryExpression,
  type Expression,
  type VectorSelector,
} from './ast.ts';
import { typeOf } from './checker.ts';
import type { DurationExpression } from './duration-expression.ts';
import { signatureOf } from './function-signatures.ts';
import { formatDecimal } from './text-literals.ts';

/** A node as JSON; its children are nodes again. */
export type TreeNode = Readonly<Record<string, unknown>> & { readonly type: string };

/** How many operators one chain may have to be shown as a tree: as JSON, each nests what stands before it. */
export const maxTreeChain = 2000;

/**
 * An expression as `/api/v1/parse_query` of Prometheus shows it, for tree views. Durations and times in ms.
 * @throws OmoiError `query_limit` for a chain longer than maxTreeChain
 */
export function expressionTree(expression: Expression): TreeNode {
  switch (expression.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatDecimal(expression.value) };
    case 'string':
      return { type: 'stringLiteral', val: expression.value.toWellFormed() };
    case 'vector_selector':
      return { type: 'vectorSelector', ...selectorTree(expression) };
    case 'matrix_selector': {
      const { selector, rangeMs, range } = expression;
      return {
        type: 'matrixSelector',
        ...selectorTree(selector),
        range: rangeMs,
        rangeExpr: durationTree(range),
      };
    }
    case 'subquery':
      return {
        type: 'subquery',
        expr: expressionTree(expression.expression),
        range: expression.rangeMs,
        rangeExpr: durationTree(expression.range),
        step: expression.stepMs ?? 0,
        stepExpr: durationTree(expression.step),
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
      return chainTree(expression);
    case 'unary':
      return { type: 'unaryExpr', op: expression.operator, expr: expressionTree(expression.operand) };
    case 'parenthesized':
      return { type: 'parenExpr', expr: expressionTree(expression.expression) };
  }
}

function chainTree(outermost: BinaryExpression): TreeNode {
  const { first, links } = chainOf(outermost);
  if (links.length > maxTreeChain) {
    throw new OmoiError(
      'query_limit',
      `a chain of ${links.length} operators is longer than maxTreeChain (${maxTreeChain}); it can be evaluated, but not shown as a tree`,
    );
  }
  let tree = expressionTree(first);
  let type = typeOf(first);
  for (const link of links) {
    const right = typeOf(link.right);
    tree = {
      type: 'binaryExpr',
      op: link.operator,
      lhs: tree,
      rhs: expressionTree(link.right),
      // Null where the sides need not find each other, because one is a scalar.
      matching: type === 'vector' && right === 'vector' ? matchingTree(link) : null,
      bool: link.returnBool,
    };
    type = type === 'scalar' && right === 'scalar' ? 'scalar' : 'vector';
  }
  return tree;
}

function selectorTree(selector: VectorSelector): object {
  const { name, matchers, boundary } = selector;
  return {
    name,
    matchers: matchers.map(matcherTree),
    ...timeTree(selector),
    anchored: boundary === 'anchored',
    smoothed: boundary === 'smoothed',
  };
}

/** Arithmetic in the place of a duration; a number where it is one has no tree. */
function durationTree(expression: DurationExpression | null): object | null {
  if (expression === null) return null;
  const wrapped = expression.kind === 'parenthesized';
  const inner = wrapped ? expression.expression : expression;
  const node = (op: string, lhs: DurationExpression | null, rhs: DurationExpression | null): object => ({
    type: 'durationExpr',
    op,
    lhs: durationTree(lhs),
    rhs: durationTree(rhs),
    wrapped,
  });
  switch (inner.kind) {
    case 'literal': {
      const tree = { type: 'numberLiteral', val: formatDecimal(inner.seconds), duration: inner.isDuration };
      // Prometheus has a sign in front of what stands in parentheses for themselves.
      return wrapped ? { type: 'durationExpr', op: '+', lhs: null, rhs: tree, wrapped } : tree;
    }
    case 'parenthesized':
      return durationTree(inner);
    case 'step':
    case 'range':
      return node(inner.kind, null, null);
    case 'negated':
      return node('-', null, inner.operand);
    case 'arithmetic':
      return node(inner.operator, inner.left, inner.right);
    case 'min_of':
    case 'max_of':
      return node(inner.kind, inner.left, inner.right);
  }
}

function timeTree({ at, offsetMs, offset }: Pick<VectorSelector, 'at' | 'offsetMs' | 'offset'>): object {
  return {
    offset: offsetMs,
    offsetExpr: durationTree(offset),
    timestamp: at?.kind === 'time' ? at.timeMs : null,
    startOrEnd: at === null || at.kind === 'time' ? null : at.kind,
  };
}

function matcherTree({ name, operator, value }: Matcher): object {
  return { name, value: value.toWellFormed(), type: operator };
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

function matchingTree({ operator, matching }: BinaryExpression): object {
  const { cardinality, on, labels, include, fill } = matching;
  return {
    card: isSetOperator(operator) ? 'many-to-many' : cardinality,
    labels,
    on,
    include,
    fillValues: { lhs: fill.left, rhs: fill.right },
  };
}
