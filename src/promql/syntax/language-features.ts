import { AGGREGATORS } from './ast.ts';
import type { PromqlFeature, PromqlFeatures } from './features.ts';
import { FUNCTION_NAMES, isExperimentalFunction } from './function-signatures.ts';
import { BINARY_OPERATORS, isExperimentalAggregator } from './keywords.ts';

/** What can be on or off, by the names of Prometheus's list of features. */
export type FeatureList = Readonly<Record<string, boolean>>;

export interface LanguageFeatures {
  /** Modifiers, and what else an engine may do. */
  readonly promql: FeatureList;
  readonly promql_functions: FeatureList;
  /** Aggregations are among them. */
  readonly promql_operators: FeatureList;
}

const ALWAYS = [
  'at_modifier',
  'bool',
  'by',
  'delayed_name_removal',
  'duration_expr',
  'group_left',
  'group_right',
  'ignoring',
  'negative_offset',
  'offset',
  'on',
  'per_query_lookback_delta',
  'subqueries',
  'without',
];
const NEVER = ['per_step_stats'];
const GATED: Readonly<Record<string, PromqlFeature>> = {
  anchored: 'promql-extended-range-selectors',
  smoothed: 'promql-extended-range-selectors',
  fill: 'promql-binop-fill-modifiers',
  fill_left: 'promql-binop-fill-modifiers',
  fill_right: 'promql-binop-fill-modifiers',
  type_and_unit_labels: 'type-and-unit-labels',
};
/** What Prometheus has among the operators and no expression is made of. */
const OTHER_MARKS = ['@', '=~', '!~'];

/** What of the language there is, and whether it is on: as `/api/v1/features` of Prometheus 3.14 tells it. */
export function languageFeatures(features: PromqlFeatures): LanguageFeatures {
  const functionsOn = features.has('promql-experimental-functions');
  return {
    promql: sorted([
      ...ALWAYS.map((name) => [name, true] as const),
      ...NEVER.map((name) => [name, false] as const),
      ...Object.entries(GATED).map(([name, feature]) => [name, features.has(feature)] as const),
    ]),
    promql_functions: sorted(
      FUNCTION_NAMES.map((name) => [name, functionsOn || !isExperimentalFunction(name)] as const),
    ),
    promql_operators: sorted([
      ...[...BINARY_OPERATORS, ...OTHER_MARKS].map((name) => [name, true] as const),
      ...AGGREGATORS.map((name) => [name, functionsOn || !isExperimentalAggregator(name)] as const),
    ]),
  };
}

function sorted(entries: readonly (readonly [string, boolean])[]): FeatureList {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
