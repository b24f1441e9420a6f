import { expect, it } from 'vitest';
import { faultOfMatchers, typedAlternatives } from './typed-matchers.ts';

it.each([
  ['a="or"\n OR \nb=c, d=e', [['a="or"'], ['b=c', 'd=e']]],
  ['team=web', [['team=web']]],
  ['team="web"\nhost=a\nor\nteam=db\nor\nteam=mail', [['team="web"', 'host=a'], ['team=db'], ['team=mail']]],
  ['', [[]]],
])('%j is for %j', (text, alternatives) => {
  expect(typedAlternatives(text)).toEqual(alternatives);
});

it.each([
  ['team=web', false],
  ['team="web or worse = bad"', false],
  ['team="web\\" or team=\\"db"', false],
  ['reason=either or', false],
  ['orders=web', false],
  ['team=web\nor\nteam=db', false],
  ['team=web or team=db', 'on a line of its own'],
  ['team="web" or "host.name"!="a"', 'on a line of its own'],
  ['host=a, team=web OR team=~db', 'on a line of its own'],
  ['', 'Write which alerts'],
  ['team=web\nor\n', 'Write which alerts'],
  ['or\nteam=web', 'Write which alerts'],
])('%j has a fault: %s', (text, fault) => {
  if (fault === false) expect(faultOfMatchers(text)).toBeNull();
  else expect(faultOfMatchers(text)).toContain(fault);
});
