import { createMatcher, type Labels, type Matcher } from '#telemetry';
import { sharesLabel } from './shared-labels.ts';
import { chainOf, type Expression, type VectorSelector } from './syntax/ast.ts';

/**
 * An expression over those series alone that its elements with these labels rest on: such elements are the same as without
 * it, and others are left out as far as that can be told. Labels that elements don't share with their series are left out.
 */
export function narrowedTo(expression: Expression, labels: Labels): Expression {
  const shares = sharesLabel(expression);
  const matchers = Object.entries(labels)
    .filter(([name]) => shares(name))
    .map(([name, value]) => createMatcher(name, '=', value));
  return matchers.length === 0 ? expression : withMatchers(expression, matchers);
}

function withMatchers(expression: Expression, more: readonly Matcher[]): Expression {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return expression;
    case 'vector_selector':
      return narrowedSelector(expression, more);
    case 'matrix_selector':
      return { ...expression, selector: narrowedSelector(expression.selector, more) };
    case 'subquery':
    case 'aggregation':
    case 'parenthesized':
      return { ...expression, expression: withMatchers(expression.expression, more) };
    case 'unary':
      return { ...expression, operand: withMatchers(expression.operand, more) };
    case 'call':
      return {
        ...expression,
        // What `info` is told is which labels are wanted.
        args: expression.args.map((arg, at) =>
          expression.name === 'info' && at > 0 ? arg : withMatchers(arg, more),
        ),
      };
    case 'binary': {
      const { first, links } = chainOf(expression);
      return links.reduce<Expression>(
        (left, link) => ({ ...link, left, right: withMatchers(link.right, more) }),
        withMatchers(first, more),
      );
    }
  }
}

/** The matcher of the metric’s name stays the last one. */
function narrowedSelector(selector: VectorSelector, more: readonly Matcher[]): VectorSelector {
  const named = new Set(
    selector.matchers.map(({ name, operator, value }) => JSON.stringify([name, operator, value])),
  );
  const added = more.filter(
    ({ name, operator, value }) => !named.has(JSON.stringify([name, operator, value])),
  );
  return { ...selector, matchers: [...added, ...selector.matchers] };
}
