import { expect, it } from 'vitest';
import { prometheusFeatures } from './prometheus-features.ts';

const withReload = (onChange: boolean) => ({ reload: { on_change: onChange, settle: 1000 } });

it('tells what of the language is switched on, and whether files are read again when they change', () => {
  const some = prometheusFeatures(new Set(['promql-extended-range-selectors']), withReload(true));
  expect(some).toMatchObject({
    promql: { anchored: true, fill: false },
    promql_functions: { rate: true, info: false },
    promql_operators: { limitk: false, '>=': true },
    prometheus: { auto_reload_config: true },
  });
  expect(prometheusFeatures(new Set(), withReload(false))).toMatchObject({
    promql: { anchored: false },
    prometheus: { auto_reload_config: false },
  });
});

it('has the functions that templates of rules may call', () => {
  const { templating_functions: functions = {} } = prometheusFeatures(new Set(), withReload(true));
  expect(Object.keys(functions)).toEqual(expect.arrayContaining(['humanize', 'query', 'urlQueryEscape']));
});
