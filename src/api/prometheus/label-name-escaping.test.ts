import { expect, test } from 'vitest';
import { unescapeLabelName } from './label-name-escaping.ts';

test.each([
  ['job', 'job'],
  ['my__job', 'my__job'],
  ['U__job', 'job'],
  ['U__my_2e_job', 'my.job'],
  ['U__my__job', 'my_job'],
  ['U___1F680_', '🚀'],
  ['U__', ''],
  ['U__a_', 'U__a_'],
  ['U__a_2e', 'U__a_2e'],
  ['U__a_zz_', 'U__a_zz_'],
  ['U__a_d800_', 'U__a_d800_'],
  ['U__a_1234567_', 'U__a_1234567_'],
])('%s stands for %s', (escaped, name) => {
  expect(unescapeLabelName(escaped)).toBe(name);
});
