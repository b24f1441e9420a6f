import { describe, expect, it } from 'vitest';
import type { NewSystemEvent } from '#telemetry';
import { prepared, testRoute, useTestNotification, type TestOutlook } from '../notification.test-support.ts';
import {
  acts,
  awaitsApproval,
  ended,
  escalated,
  healedEvents,
  HELD,
  openHeld,
  started,
  suppressed,
} from './held-notification.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'one' };

const test = useTestNotification();
const { pass } = test;

async function holdDecisions(alertId: string): Promise<readonly string[]> {
  await test.stage.notification.decisions.settled();
  const { decisions } = await test.stage.notification.decisions.list(alertId);
  return decisions.flatMap((one) => (one.stage === 'hold' ? `${one.decision}: ${one.reason}` : []));
}

const rows = () => test.stage.database.reader.selectFrom('notification_holds').selectAll().execute();

const waits = (alertId: string): readonly string[] =>
  test.stage.notification.waitsOf(alertId).map(({ stage: stageName, untilMs, reason }) => {
    const inMs = (untilMs ?? 0) - test.stage.clock.wallMs();
    return `${stageName} ${Math.round(inMs / SECOND)}s: ${reason.replace(/until \S+Z/, 'until then')}`;
  });

describe('what an alert whose repair is under way waits for', () => {
  it.each([0, 30])('is the verdict, whatever its group waits for: group_wait %is', async (groupWait) => {
    await openHeld(test, { route: { ...HELD, groupWaitMs: groupWait * SECOND } });
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    expect(waits('a')).toEqual(['hold 59s: held until then, while restart_it works on agent:w-1']);
    await test.stage.tell(started('a'), ended('a', 'healed'));
    await pass(SECOND);
    expect(waits('a')).toEqual(['hold 58s: waits until then for its end: healed by restart in 2.1 s']);
    await pass(59 * SECOND);
    expect(waits('a').join()).toMatch(/^(group_interval|repeat_interval) /);
  });

  it('is its group again once the repair has failed, and nothing where nothing holds it back', async () => {
    await openHeld(test, { route: { ...HELD, groupWaitMs: 0, groupIntervalMs: 5 * MINUTE } });
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    await test.stage.tell(started('a'), ended('a', 'failed'));
    await pass(SECOND);
    expect(waits('a').join()).toMatch(/^repeat_interval /);
    await test.stage.alerts.resolve('a');
    await pass(0);
    expect(waits('a').join()).toMatch(/^group_interval /);
  });
});

describe('an alert whose repair is under way', () => {
  it('is held back, and nobody is told once it is healed; the event says what was done', async () => {
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    await test.stage.tell(started('a'));
    await pass(SECOND);
    await test.stage.alerts.resolve('a');
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    expect(await healedEvents(test.stage)).toEqual([]);
    await test.stage.tell(ended('a', 'healed'));
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    expect(await healedEvents(test.stage)).toEqual([
      {
        alert_id: 'a',
        severity: '',
        labels: A,
        policy: 'restart_it',
        target: 'agent:w-1',
        summary: 'healed by restart in 2.1 s',
        receivers: ['team'],
      },
    ]);
    expect((await holdDecisions('a')).slice(1)).toEqual(['healed: healed by restart in 2.1 s']);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
    expect(await rows()).toEqual([]);
  });

  it('is healed as well where the verdict comes before the alert is over', async () => {
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: A });
    await test.stage.tell(started('a'), ended('a', 'healed'));
    await pass(10 * SECOND);
    expect(await healedEvents(test.stage)).toEqual([]);
    await test.stage.alerts.resolve('a');
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    expect(await healedEvents(test.stage)).toHaveLength(1);
  });

  it.each([
    ['after it was over', ['resolve', 'heal']],
    ['before it was over', ['heal', 'resolve']],
    ['before it was over, with a restart in between', ['heal', 'restart', 'resolve']],
  ] as const)('is said to be healed once, where the verdict comes %s', async (_, steps) => {
    await openHeld(test);
    await test.stage.alerts.fire({ a: A });
    await test.stage.tell(started('a'));
    await pass(SECOND);
    for (const step of steps) {
      if (step === 'resolve') await test.stage.alerts.resolve('a');
      else if (step === 'heal') await test.stage.tell(ended('a', 'healed'));
      else await test.stage.restart();
      await pass(SECOND);
    }
    await pass(10 * MINUTE);
    const said = await holdDecisions('a');
    const healed = 'healed: healed by restart in 2.1 s';
    expect([said.filter((one) => one.startsWith('healed')), said.at(-1)]).toEqual([[healed], healed]);
  });

  it('is told of at once when it is not healed, without waiting for group_interval', async () => {
    const team = await openHeld(test, { route: { ...HELD, groupIntervalMs: 10 * MINUTE } });
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    await test.stage.tell(started('a'));
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    await test.stage.tell(ended('a', 'no_effect'));
    await pass(0);
    expect(team.take()).toEqual(['not_healed +a']);
    expect(await holdDecisions('a')).toContain('released: tried restart; restart_it has ended: no effect');
    await test.stage.alerts.resolve('a');
    await pass(11 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
  });

  it('is told of at the deadline, and of its end afterwards, whoever healed it then', async () => {
    const team = await openHeld(test, { route: { ...HELD, groupIntervalMs: 10 * MINUTE } });
    await test.stage.alerts.fire({ a: A });
    await test.stage.tell(started('a'));
    await pass(59 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(SECOND);
    expect(team.take()).toEqual(['not_healed +a']);
    await test.stage.alerts.resolve('a');
    await test.stage.tell(ended('a', 'healed'));
    await pass(11 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
    expect(await healedEvents(test.stage)).toEqual([]);
    expect(await rows()).toEqual([]);
  });

  it('that is over without a verdict stays until there is one, and is told of where nothing was done', async () => {
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    await test.stage.alerts.resolve('a');
    await pass(30 * SECOND);
    expect(team.take()).toEqual([]);
    await test.stage.tell(ended('a', 'cancelled'));
    await pass(0);
    expect(team.take()).toEqual(['brief -a']);
  });

  it('keeps no other alert of its group back', async () => {
    const team = await openHeld(test, {
      outlookOf: (id) => (id === 'a' ? acts(id) : { acts: false, reason: 'no policy is for it' }),
    });
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(SECOND);
    expect(team.take()).toEqual(['first_notification +b']);
    await test.stage.tell(started('a'), ended('a', 'failed'));
    await pass(0);
    expect(team.take()).toEqual(['not_healed +b +a']);
    expect(await holdDecisions('b')).toEqual(['not held: no policy is for it']);
  });
});

describe('two alerts of one group that are held back', () => {
  it('are told of apart, where one is not healed and the other is', async () => {
    const team = await openHeld(test, { route: { ...HELD, groupIntervalMs: 10 * MINUTE } });
    await test.stage.alerts.fire({ a: A, b: B });
    await test.stage.tell(started('a'), started('b'));
    await pass(SECOND);
    await test.stage.tell(ended('a', 'no_effect'));
    await pass(SECOND);
    expect(team.take()).toEqual(['not_healed +a']);
    await test.stage.alerts.resolve('b');
    await test.stage.tell(ended('b', 'healed'));
    await pass(11 * MINUTE);
    expect(team.take()).toEqual([]);
    await test.stage.alerts.resolve('a');
    await pass(11 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
    expect(await healedEvents(test.stage)).toMatchObject([{ alert_id: 'b' }]);
  });

  it.each([
    ['group_wait, and not for the interval of a group of which nobody was told', 20 * SECOND, 'error'],
    ['no longer where it is critical', 2 * SECOND, 'critical'],
  ])('keep another one waiting for %s', async (_, groupWaitMs, severity) => {
    const team = await openHeld(test, {
      route: { ...HELD, groupWaitMs, groupIntervalMs: 10 * MINUTE },
      outlookOf: (id) => (id === 'c' ? { acts: false, reason: 'no policy is for it' } : acts(id)),
    });
    await test.stage.alerts.fire({ a: A, b: B });
    await test.stage.tell(started('a'), started('b'));
    await pass(groupWaitMs + SECOND);
    await test.stage.alerts.fire({ c: { ...A, severity } });
    await pass(groupWaitMs - 1);
    expect(team.take()).toEqual([]);
    await pass(1);
    expect(team.take()).toEqual(['first_notification +c']);
    // From here on there is something that was told: what comes now waits for the interval.
    await test.stage.alerts.fire({ d: { ...A, severity: 'critical', part: 'd' } });
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    await test.stage.alerts.resolve('a', 'b');
    await test.stage.tell(ended('a', 'healed'), ended('b', 'healed'));
    await pass(11 * MINUTE);
    expect(team.take()).toEqual(['new_alerts +c +d']);
  });
});

describe('a reload during a hold', () => {
  const holdFor = (seconds: number | null) =>
    testRoute({
      groupWaitMs: 0,
      omoi: { ...testRoute().omoi, holdForRemediationMs: seconds === null ? null : seconds * SECOND },
    });

  it.each([
    ['takes the hold out', null, SECOND],
    ['shortens it', 3, 3 * SECOND],
  ])('that %s pages then, and claims no page that was spared', async (_, seconds, afterMs) => {
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: A });
    await test.stage.tell(started('a'));
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    await test.stage.notification.take(prepared({ route: holdFor(seconds), receivers: { team: [team] } }));
    await pass(afterMs);
    expect(team.take()).toEqual(['not_healed +a']);
    await test.stage.alerts.resolve('a');
    await test.stage.tell(ended('a', 'healed'));
    await pass(10 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
    expect(await healedEvents(test.stage)).toEqual([]);
  });

  it('that lengthens it keeps nobody waiting for longer than was promised', async () => {
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: A });
    await test.stage.tell(started('a'));
    await pass(SECOND);
    await test.stage.notification.take(prepared({ route: holdFor(600), receivers: { team: [team] } }));
    await pass(58 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(SECOND);
    expect(team.take()).toEqual(['not_healed +a']);
  });
});

describe('people are told at once', () => {
  it.each<readonly [string, ReturnType<TestOutlook>]>([
    ['no policy acts', { acts: false, reason: 'the policy x only observes' }],
    [
      'a guard holds the repair back for an unknown time',
      {
        acts: true,
        policy: 'restart_it',
        target: 'agent:w-1',
        heldBy: { suppressed: 'storm', reason: 'storm', untilMs: null },
      },
    ],
    [
      'a guard holds it back beyond the deadline',
      {
        acts: true,
        policy: 'restart_it',
        target: 'agent:w-1',
        heldBy: { suppressed: 'cooldown', reason: 'cooldown', untilMs: Date.parse('2100-01-01') },
      },
    ],
  ])('where %s', async (_name, outlook) => {
    const team = await openHeld(test, { outlookOf: () => outlook });
    await test.stage.alerts.fire({ a: A });
    await pass(0);
    expect(team.take()).toEqual(['first_notification +a']);
    expect((await holdDecisions('a')).join()).toMatch(/^not held: /);
    expect(await rows()).toEqual([]);
  });

  it('of a critical alert, but where its route says so', async () => {
    const critical = { ...A, severity: 'critical' };
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: critical });
    await pass(0);
    expect(team.take()).toEqual(['first_notification +a']);
    await test.stage.close();
    const patient = await openHeld(test, { route: { ...HELD, omoi: { ...HELD.omoi, holdCritical: true } } });
    await test.stage.alerts.fire({ a: critical });
    await pass(30 * SECOND);
    expect(patient.take()).toEqual([]);
  });

  it.each<readonly [string, NewSystemEvent]>([
    ['the policy asks for approval', awaitsApproval('a')],
    ['the watchdog is paused', suppressed('a', 'paused', null)],
    ['a cooldown lasts longer', suppressed('a', 'cooldown', Date.parse('2100-01-01'))],
    ['what was healed before has come back', ended('an earlier one', 'relapsed')],
    ['the guardian has it', escalated('a', 'operators')],
  ])('when %s', async (_name, event) => {
    const team = await openHeld(test, { route: { ...HELD, groupIntervalMs: 10 * MINUTE } });
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    await test.stage.tell(event);
    await pass(0);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('but not for a guard that lifts in time, nor for what another policy says', async () => {
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    const other = suppressed('a', 'observe', null);
    await test.stage.tell(
      suppressed('a', 'repair_rate', test.stage.clock.wallMs() + 5 * SECOND),
      suppressed('a', 'max_parallel', null),
      { ...other, payload: { ...other.payload, policy: 'another' } } as NewSystemEvent,
    );
    await pass(30 * SECOND);
    expect(team.take()).toEqual([]);
  });
});
