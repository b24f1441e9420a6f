import { expect, it } from 'vitest';
import { adviceFor, noRepairBecause } from './advice.ts';

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

it.each<[what: string, managed: boolean, alerts: readonly Alert[], said: string | null]>([
  ['nothing fires', true, [], null],
  ['no policy is for it', true, [alert('late', [])], 'no policy is for what fires'],
  ['it may still be repaired', true, [alert('stalled', restarts)], null],
  [
    'Omoi did not start it',
    false,
    [alert('stalled', restarts), alert('late', restarts)],
    'restart held back by the guard not_managed: Omoi did not start it',
  ],
])('says why there is no repair where %s', (_what, managed, alerts, said) => {
  const known = { agent: { ...agent, managed }, alerts: [...alerts], remediations: [] };
  expect(noRepairBecause(known)).toBe(said);
  expect(noRepairBecause({ ...known, remediations: [{} as Known['remediations'][number]] })).toBeNull();
});
