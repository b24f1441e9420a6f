import { expect, it } from 'vitest';
import { filterOf, listAlerts } from './alerts.ts';

const FLAGS = { state: 'firing', match: [] } as const;
const row = {
  state: 'firing',
  severity: 'error',
  rule_id: 'fleet/AgentFailed',
  labels: { alertname: 'AgentFailed', severity: 'error', pool_id: 'mailers' },
};

it.each([
  ['nothing else is asked for', FLAGS, true],
  ['it is of the severity', { ...FLAGS, severity: 'error' }, true],
  ['it is of another severity', { ...FLAGS, severity: 'critical' }, false],
  ['it is of the rule', { ...FLAGS, rule: 'fleet/AgentFailed' }, true],
  ['it is of another rule', { ...FLAGS, rule: 'fleet/AgentStalled' }, false],
  ['each matcher accepts it', { ...FLAGS, match: ['pool_id=~"mail.*"', 'severity!="info"'] }, true],
  ['one matcher does not accept it', { ...FLAGS, match: ['pool_id="mailers"', 'severity="info"'] }, false],
  ['what has ended is asked for', { ...FLAGS, state: 'resolved' as const }, false],
])('an alert that changes is shown with -f or not, where %s', async (_, flags, isShown) => {
  expect((await filterOf(flags))(row)).toBe(isShown);
});

it('how one that fired has ended is shown, too', async () => {
  expect((await filterOf(FLAGS))({ ...row, state: 'resolved' })).toBe(true);
});

it('a matcher that is none is refused', async () => {
  await expect(filterOf({ ...FLAGS, match: ['pool_id'] })).rejects.toThrow();
});

it('to whom alerts go is not followed', async () => {
  const flags = { ...FLAGS, limit: 1, receiver: 'pager', url: 'http://127.0.0.1:1' };
  await expect(listAlerts({ ...flags, follow: true })).rejects.toThrow(/--receiver goes without --follow/);
});
