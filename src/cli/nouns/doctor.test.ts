import { expect, it } from 'vitest';
import { asOne, diagnosisOf } from './doctor.ts';

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

it('tells who is not let in once, with all that could not be looked at', () => {
  const refused = (check: string) =>
    ({ check, state: 'warning', message: 'not looked at: who are you?', remedy: 'log in' }) as const;
  const fine = { check: 'disk', state: 'ok', message: 'enough', remedy: null } as const;
  expect(asOne([refused('access'), fine, refused('clock')])).toEqual([
    { ...refused('access'), message: 'access, clock not looked at: who are you?' },
    fine,
  ]);
  expect(asOne([refused('clock'), fine])).toEqual([refused('clock'), fine]);
});
