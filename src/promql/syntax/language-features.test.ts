import { expect, it } from 'vitest';
import { ALL_FEATURES, NO_FEATURES, type PromqlFeatures } from './features.ts';
import { languageFeatures } from './language-features.ts';

/** What is off, of all kinds. */
function offIn(features: PromqlFeatures): readonly string[] {
  return Object.values(languageFeatures(features)).flatMap((list) =>
    Object.keys(list).filter((name) => list[name] !== true),
  );
}

it('has off what Prometheus 3.14 has off, but for what is no matter of its switches', () => {
  expect(offIn(NO_FEATURES).join(' ')).toBe(
    'anchored fill fill_left fill_right per_step_stats smoothed type_and_unit_labels ' +
      'double_exponential_smoothing end histogram_quantiles info mad_over_time max_of min_of range ' +
      'sort_by_label sort_by_label_desc start start_timestamp step ' +
      'ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time limit_ratio limitk',
  );
  expect(offIn(ALL_FEATURES)).toEqual(['per_step_stats']);
});

it('lists the operators of Prometheus 3.14, with the aggregations', () => {
  expect(Object.keys(languageFeatures(NO_FEATURES).promql_operators).join(' ')).toBe(
    '!= !~ % * + - / < </ <= == =~ > >/ >= @ ^ and atan2 avg bottomk count count_values group limit_ratio limitk ' +
      'max min or quantile stddev stdvar sum topk unless',
  );
});

it('lists all functions of Prometheus 3.14', () => {
  expect(Object.keys(languageFeatures(NO_FEATURES).promql_functions)).toHaveLength(90);
});
