import { RE2JS } from 're2js';
import { expect, it, vi } from 'vitest';
import { createAlertMatcher, maxRememberedValues } from './alert-matcher.ts';

it.each([
  [maxRememberedValues, maxRememberedValues],
  [maxRememberedValues + 1, 2 * (maxRememberedValues + 1)],
])(
  `of %i values that come again, of which ${maxRememberedValues} are remembered, an expression is run on %i`,
  (count, runs) => {
    const matcher = createAlertMatcher('host', '=~', 'web-[0-9]*[13579]');
    const values = Array.from({ length: count }, (_, at) => `web-${at}`);
    const run = vi.spyOn(RE2JS.prototype, 'matches');
    try {
      const accepted = [values, values].map((all) => all.map((value) => matcher.matches(value)));
      const odd = values.map((_, at) => at % 2 === 1);
      expect(accepted).toEqual([odd, odd]);
      expect(run).toHaveBeenCalledTimes(runs);
    } finally {
      run.mockRestore();
    }
  },
);
