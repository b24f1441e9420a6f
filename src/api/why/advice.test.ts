import { GUARDS } from '#telemetry';
import { describe, expect, it } from 'vitest';
import { GUARD_RELIEF } from '../watchdog/guard-relief.ts';
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

type Hold = Parameters<typeof noRepairBecause>[1]['withheld'][number];

const NOW_MS = Date.parse('2026-11-30T12:00:00Z');

/** What is said where these keep policies from a repair. */
function saidOf(alerts: readonly Alert[], withheld: readonly Hold[], elsewhere: readonly object[] = []) {
  const more = { withheld, elsewhere: elsewhere as never, nowMs: NOW_MS };
  return noRepairBecause({ alerts: [...alerts], remediations: [] }, more);
}

const heldBy = (guard: Hold['guard'], untilMs: number | null = null): Hold => ({
  policy: 'restart',
  guard,
  reason: 'so it is',
  untilMs,
});
const stalled = [alert('stalled', restarts)];

describe('why there is no repair', () => {
  it('is not said where nothing fires, and where one may still come', () => {
    expect(saidOf([], [])).toBeNull();
    expect(saidOf(stalled, [])).toBeNull();
  });

  it('is that no policy is for any of what fires', () => {
    expect(saidOf([alert('late', [])], [])).toBe('no policy is for what fires');
    expect(saidOf([alert('late', []), ...stalled], [])).toBeNull();
  });

  it.each(GUARDS)('is the guard %s, with how it lifts', (guard) => {
    expect(saidOf(stalled, [heldBy(guard)])).toBe(
      `restart held back by the guard ${guard}: so it is (lifts ${GUARD_RELIEF[guard].lifts})`,
    );
    expect(saidOf(stalled, [heldBy(guard, NOW_MS + 90_000)])).toBe(
      `restart held back by the guard ${guard}: so it is (lifts in 1m30s)`,
    );
  });

  it('is said once where several alerts have it, and what is no guard by itself', () => {
    const missing = { ...heldBy(null), policy: 'scale', reason: 'pool demo is unknown' };
    expect(saidOf([...stalled, alert('late', restarts)], [heldBy('storm'), heldBy('storm'), missing])).toBe(
      `restart held back by the guard storm: so it is (lifts ${GUARD_RELIEF.storm.lifts}); and scale not planned: pool demo is unknown`,
    );
  });

  it('is that its pool is acted on', () => {
    const ofPool = { policy: 'scale', target: { kind: 'pool', id: 'demo' } };
    expect(saidOf(stalled, [], [{ ...ofPool, state: 'awaiting_approval', outcome: null }])).toBe(
      'scale acts on pool demo: awaiting approval',
    );
    expect(saidOf(stalled, [], [{ ...ofPool, state: 'completed', outcome: 'no_effect' }])).toBe(
      'scale acts on pool demo: completed, no effect',
    );
  });

  it('is not said where a repair of what fires is known; one of before is none', () => {
    const repairs = (alertId: string) => [{ alert_id: alertId }] as Known['remediations'];
    const more = { withheld: [heldBy('paused')], elsewhere: [], nowMs: NOW_MS };
    expect(noRepairBecause({ alerts: stalled, remediations: repairs('stalled') }, more)).toBeNull();
    expect(noRepairBecause({ alerts: stalled, remediations: repairs('of before') }, more)).toMatch(/paused/);
  });
});

it.each([
  ['paused', [`the guard paused holds restart back: you can ${GUARD_RELIEF.paused.person}`]],
  ['storm', [`the guard storm holds restart back: you can ${GUARD_RELIEF.storm.person}`]],
  ['cooldown', [`the guard cooldown holds restart back: you can ${GUARD_RELIEF.cooldown.person}`]],
  // Nothing but time helps.
  ['self_suspicion', []],
  // What to do for an agent that Omoi did not start is said of the agent.
  ['not_managed', []],
  [null, []],
] as const)('says what a person can do where %s keeps a policy from a repair', (guard, said) => {
  const known: Known = { agent, alerts: stalled, remediations: [], parked_tasks: [], verdict: 'ill' };
  expect(adviceFor(known, [heldBy(guard)])).toEqual(said);
});
