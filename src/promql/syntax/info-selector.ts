import { createMatcher, METRIC_NAME_LABEL, type Matcher } from '#telemetry';
import type { AtModifier, Call, Expression, VectorSelector } from './ast.ts';

const TARGET_INFO: Matcher = createMatcher(METRIC_NAME_LABEL, '=', 'target_info');
const ANY_INFO: Matcher = createMatcher(METRIC_NAME_LABEL, '=~', '.+_info');

const known = new WeakMap<Call, VectorSelector>();

/**
 * The selector of the series that `info(v, {…})` takes labels from: `target_info`, or what its second argument says, at the time
 * of the first selector of `v`. Their values of `instance` and `job` are compared when both are known.
 */
export function infoSelectorOf(call: Call): VectorSelector {
  let selector = known.get(call);
  if (!selector) known.set(call, (selector = build(call)));
  return selector;
}

function build({ args, position }: Call): VectorSelector {
  const [of, by] = args;
  const matchers = by?.kind === 'vector_selector' ? by.matchers : [];
  const others = matchers.filter(({ name }) => name !== METRIC_NAME_LABEL);
  const { at, offsetMs } = (of && firstReference(of, [])) ?? { at: null, offsetMs: 0 };
  return {
    kind: 'vector_selector',
    name: '',
    matchers: [...others, ...infoNameMatchers(matchers)],
    offsetMs,
    offset: null,
    at,
    boundary: null,
    position,
  };
}

/** What names of info metrics are matched by: where nothing says which, there is one. */
export function infoNameMatchers(matchers: readonly Matcher[]): readonly Matcher[] {
  const named = matchers.filter(({ name }) => name === METRIC_NAME_LABEL);
  if (named.length === 0) return [TARGET_INFO];
  const isPositive = named.some(({ operator }) => operator === '=' || operator === '=~');
  return isPositive ? named : [ANY_INFO, ...named];
}

interface Reference {
  readonly at: AtModifier | null;
  readonly offsetMs: number;
}

/** Of the first selector: what fixes its time, with the offsets of what stands around it up to there. */
function firstReference(expression: Expression, around: readonly Reference[]): Reference | null {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return null;
    case 'vector_selector':
      return reference(expression, around);
    case 'matrix_selector':
      return reference(expression.selector, around);
    case 'subquery':
      return firstReference(expression.expression, [expression, ...around]);
    case 'parenthesized':
    case 'aggregation':
      return firstReference(expression.expression, around);
    case 'unary':
      return firstReference(expression.operand, around);
    case 'binary':
      return firstReference(expression.left, around) ?? firstReference(expression.right, around);
    case 'call':
      for (const arg of expression.args) {
        const found = firstReference(arg, around);
        if (found) return found;
      }
      return null;
  }
}

function reference(selector: Reference, around: readonly Reference[]): Reference {
  let { at, offsetMs } = selector;
  for (const outer of around) {
    if (at !== null) break;
    offsetMs += outer.offsetMs;
    at = outer.at;
  }
  return { at, offsetMs };
}
