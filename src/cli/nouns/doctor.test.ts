import { expect, it } from 'vitest';
import { diagnosisOf } from './doctor.ts';

it.each([
  ['tasks', 'tasks', 'nobody claims it', /^start workers .*omoi tasks list/],
  [
    'alerting.rule_files',
    'configuration',
    'alerting.rule_files: nobody claims it',
    /^change the configuration/,
  ],
])('what the server warns of as %s is the check of %s, with what helps', (key, check, message, remedy) => {
  expect(diagnosisOf({ key, message: 'nobody claims it' })).toEqual({
    check,
    state: 'warning',
    message,
    remedy: expect.stringMatching(remedy) as string,
  });
});
