import { expect, it } from 'vitest';
import { noneListed } from './agents.ts';

it.each([
  [{}, /^no agent is there yet; omoi run --pool mine -- COMMAND /],
  [{ all: true }, /^no agent is known yet; /],
  [{ pool: 'mails' }, /^no agent of pool mails is there; omoi pools list /],
  [{ status: 'STALLED' }, /^no agent is STALLED$/],
  [{ pool: 'mails', status: 'STALLED' }, /^no agent of pool mails is STALLED$/],
])('an empty list of %j says so, and what to do', (chosen, said) => {
  expect(noneListed(chosen)).toMatch(said);
});
