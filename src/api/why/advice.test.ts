import { expect, it } from 'vitest';
import { adviceFor } from './advice.ts';

type Known = Parameters<typeof adviceFor>[0];
type Alert = Known['alerts'][number];

const agent = { agent_id: 'coders-1', status: 'STALLED', managed: true } as Known['agent'];

const alert = (id: string, policies: Alert['policies']): Alert => ({ id, policies }) as Alert;

const adviceOn = (alerts: readonly Alert[]): string[] =>
  adviceFor({ agent, alerts: [...alerts], remediations: [], parked_tasks: [], verdict: 'ill' });

const restarts: Alert['policies'] = [{ policy: 'restart', mode: 'act' }];

it('says that nothing will be done only where no policy is for any of what fires', () => {
  expect(adviceOn([])).toEqual([]);
  expect(adviceOn([alert('stalled', restarts), alert('late', [])])).toEqual([]);
  expect(adviceOn([alert('late', []), alert('slow', [])])).toEqual([
    'no policy is for what fires: nothing is done about it unless a person does it',
  ]);
});

it.each([
  ['a last attempt that failed', 2, 'after 2 attempts'],
  ['a return after the last attempt', 0, 'after 3 attempts'],
])('counts the attempts of what was given up for %s', (_what, attempts, said) => {
  const given = {
    state: 'escalated',
    alert_id: 'ended',
    policy: 'restart',
    guardian: 'operators',
    attempts,
    max_attempts: 3,
    suppressions: [],
  } as unknown as Known['remediations'][number];
  const alerts = [alert('ended', restarts)];
  const told = adviceFor({ agent, alerts, remediations: [given], parked_tasks: [], verdict: 'ill' });
  expect(told).toEqual([expect.stringContaining(said)]);
});
