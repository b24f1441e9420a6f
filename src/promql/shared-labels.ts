import { METRIC_NAME_LABEL } from '#telemetry';
import { chainOf, type Aggregation, type Call, type Expression, type VectorMatching } from './syntax/ast.ts';

/**
 * Labels that each element of a result has in common with all series that it rests on: what an element says there, they
 * say too. Listed, or all but the listed ones.
 */
interface SharedLabels {
  readonly allBut: boolean;
  /** Belongs to who was given it: `common` takes it apart. */
  readonly names: Set<string>;
}

const none = (): SharedLabels => ({ allBut: false, names: new Set() });
/** Of what rests on no series, too. */
const all = (): SharedLabels => ({ allBut: true, names: new Set([METRIC_NAME_LABEL]) });

/** Functions that work on each series alone and keep its labels. */
const LABEL_KEEPING: ReadonlySet<string> = new Set(
  [
    'abs ceil floor exp sqrt ln log2 log10 sgn deg rad round clamp clamp_min clamp_max timestamp',
    'sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh',
    'sort sort_desc sort_by_label sort_by_label_desc',
    'rate irate increase delta idelta deriv changes resets predict_linear double_exponential_smoothing',
    'avg_over_time sum_over_time min_over_time max_over_time count_over_time stddev_over_time stdvar_over_time',
    'mad_over_time last_over_time first_over_time present_over_time quantile_over_time',
    'ts_of_min_over_time ts_of_max_over_time ts_of_first_over_time ts_of_last_over_time',
    'histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar',
    'days_in_month day_of_month day_of_week day_of_year hour minute month year',
    'vector time pi start end step range max_of min_of',
  ].flatMap((names) => names.split(' ')),
);

/**
 * Whether the elements of an expression's result have a label in common with all series that they rest on; those too
 * whose absence let them pass. Where that can't be told, they have not: `sum by (job) (x)` shares `job` alone,
 * `absent(x)` nothing.
 */
export function sharesLabel(expression: Expression): (name: string) => boolean {
  const { allBut, names } = sharedBy(expression);
  return (name) => names.has(name) !== allBut;
}

function sharedBy(expression: Expression): SharedLabels {
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'vector_selector':
    case 'matrix_selector':
      return all();
    case 'subquery':
    case 'parenthesized':
      return sharedBy(expression.expression);
    case 'unary':
      return sharedBy(expression.operand);
    case 'call':
      return sharedByCall(expression);
    case 'aggregation':
      return sharedByAggregation(expression);
    case 'binary': {
      const { first, links } = chainOf(expression);
      let shared = sharedBy(first);
      for (const { matching, right } of links) {
        shared = common(shared, sharedBy(right));
        if (matching.on || matching.labels.length > 0) shared = common(shared, matchedBy(matching));
      }
      return shared;
    }
  }
}

function sharedByCall({ name, args }: Call): SharedLabels {
  // Whatever stands for a number may be read from series: `clamp_max(x, scalar(y))`.
  const ofArgs = args.map(sharedBy).reduce(common, all());
  if (LABEL_KEEPING.has(name)) return ofArgs;
  if (name === 'histogram_quantile' || name === 'histogram_fraction') return without(ofArgs, ['le']);
  const [, written] = args;
  const isRewriting = name === 'label_replace' || name === 'label_join';
  return isRewriting && written?.kind === 'string' ? without(ofArgs, [written.value]) : none();
}

/** Which of a group's elements are picked depends on all of the group, too. */
function sharedByAggregation(aggregation: Aggregation): SharedLabels {
  const { operator, expression, parameter, grouping } = aggregation;
  const inner = common(sharedBy(expression), parameter ? sharedBy(parameter) : all());
  const grouped = aggregation.without
    ? without(inner, grouping)
    : common(inner, { allBut: false, names: new Set(grouping) });
  if (operator !== 'count_values') return grouped;
  return parameter?.kind === 'string' ? without(grouped, [parameter.value]) : none();
}

/** Labels that two elements have in common which have found each other. */
function matchedBy({ on, labels }: VectorMatching): SharedLabels {
  return { allBut: !on, names: new Set(labels) };
}

function without(shared: SharedLabels, dropped: readonly string[]): SharedLabels {
  return common(shared, { allBut: true, names: new Set(dropped) });
}

/**
 * What two have in common; neither can be used any more. Costs what the smaller one has, so that an expression costs
 * little more than its names, however they are combined.
 */
function common(one: SharedLabels, other: SharedLabels): SharedLabels {
  const [small, large] = one.names.size <= other.names.size ? [one, other] : [other, one];
  if (small.allBut) {
    // What the small one is without, the large one is without from now on.
    for (const name of small.names) {
      if (large.allBut) large.names.add(name);
      else large.names.delete(name);
    }
    return large;
  }
  for (const name of small.names) if (large.names.has(name) === large.allBut) small.names.delete(name);
  return small;
}
