import type { ValueType } from './ast.ts';

/** What a function takes and gives. */
export interface FunctionSignature {
  readonly name: string;
  readonly args: readonly ValueType[];
  /**
   * How many arguments beyond the listed ones may follow, the last listed one being optional too: 0 none,
   * −1 any number (all of the last listed type).
   */
  readonly variadic: number;
  readonly returns: ValueType;
}

const signatures = new Map<string, FunctionSignature>();

function define(
  names: string,
  args: readonly ValueType[],
  options: { readonly returns?: ValueType; readonly variadic?: number } = {},
): void {
  for (const name of names.split(' ')) {
    signatures.set(name, {
      name,
      args,
      variadic: options.variadic ?? 0,
      returns: options.returns ?? 'vector',
    });
  }
}

define('abs ceil floor exp sqrt ln log2 log10 sgn deg rad', ['vector']);
define('sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh', ['vector']);
define('info', ['vector', 'vector'], { variadic: 1 });
define('absent sort sort_desc timestamp start_timestamp', ['vector']);
define('histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar', ['vector']);
define('rate irate increase delta idelta deriv changes resets', ['matrix']);
define('avg_over_time sum_over_time min_over_time max_over_time count_over_time', ['matrix']);
define('stddev_over_time stdvar_over_time mad_over_time last_over_time first_over_time', ['matrix']);
define('ts_of_min_over_time ts_of_max_over_time ts_of_first_over_time ts_of_last_over_time', ['matrix']);
define('present_over_time absent_over_time', ['matrix']);
define('quantile_over_time', ['scalar', 'matrix']);
define('predict_linear', ['matrix', 'scalar']);
define('double_exponential_smoothing', ['matrix', 'scalar', 'scalar']);
define('histogram_quantile', ['scalar', 'vector']);
define('histogram_fraction', ['scalar', 'scalar', 'vector']);
define('histogram_quantiles', ['vector', 'string', 'scalar', 'scalar'], { variadic: 9 });
define('clamp', ['vector', 'scalar', 'scalar']);
define('clamp_min clamp_max', ['vector', 'scalar']);
define('round', ['vector', 'scalar'], { variadic: 1 });
define('days_in_month day_of_month day_of_week day_of_year', ['vector'], { variadic: 1 });
define('hour minute month year', ['vector'], { variadic: 1 });
define('label_replace', ['vector', 'string', 'string', 'string', 'string']);
define('label_join', ['vector', 'string', 'string', 'string'], { variadic: -1 });
define('sort_by_label sort_by_label_desc', ['vector', 'string'], { variadic: -1 });
define('vector', ['scalar']);
define('scalar', ['vector'], { returns: 'scalar' });
define('time pi start end step range', [], { returns: 'scalar' });
define('max_of min_of', ['scalar', 'scalar'], { returns: 'scalar' });

/** Functions that Prometheus 3.14 has behind `promql-experimental-functions`. */
const EXPERIMENTAL_FUNCTIONS: ReadonlySet<string> = new Set(
  (
    'double_exponential_smoothing end histogram_quantiles info mad_over_time max_of min_of range sort_by_label ' +
    'sort_by_label_desc start start_timestamp step ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ' +
    'ts_of_min_over_time'
  ).split(' '),
);

export const FUNCTION_NAMES: readonly string[] = [...signatures.keys()];

export function signatureOf(name: string): FunctionSignature | undefined {
  return signatures.get(name);
}

export function isExperimentalFunction(name: string): boolean {
  return EXPERIMENTAL_FUNCTIONS.has(name);
}
