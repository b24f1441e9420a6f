import { afterEach, describe, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, silentLogger, VirtualClock } from '#telemetry';
import {
  openNotificationStage,
  RecordingReceiver,
  type NotificationStage,
  type TestOutlook,
} from '../notification.test-support.ts';
import { ChangedPolicies, maxReleasedPerWrite } from './changed-policies.ts';
import { HELD } from './held-notification.test-support.ts';
import { TestPolicies } from './test-policies.test-support.ts';

const SECOND = 1000;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'two' };
const ASKS = 'the policy restart_it asks for approval first';
/** Its repair waits for its turn: another one is at work. */
const inLine: TestOutlook = (alertId) => ({
  acts: true,
  policy: alertId === 'b' ? 'scale_it' : 'restart_it',
  target: `agent:${alertId}`,
  heldBy: { suppressed: 'max_parallel', reason: 'three are at work', untilMs: null },
});

describe('an alert that is held for a repair that waits for its turn', () => {
  let stage: NotificationStage;
  afterEach(() => stage.close());
  const pass = (ms: number): Promise<void> => stage.clock.advance(ms);

  async function open(around?: (database: StateDatabase) => StateDatabase) {
    const policies = new TestPolicies();
    const team = new RecordingReceiver();
    const configuration = { route: HELD, receivers: { team: [team] }, outlookOf: inLine, policies };
    stage = await openNotificationStage(configuration, around);
    await stage.alerts.fire({ a: A, b: B });
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    return { policies, team };
  }

  async function whyOf(alertId: string): Promise<string | undefined> {
    await stage.notification.decisions.settled();
    const { decisions } = await stage.notification.decisions.list(alertId);
    return decisions.findLast((one) => one.stage === 'hold')?.reason;
  }

  it('is told of as soon as its policy does not act by itself any more, and no other', async () => {
    const { policies, team } = await open();
    policies.change('restart_it', ASKS);
    await pass(SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    expect(await whyOf('a')).toBe(ASKS);
    expect(stage.notification.holds.get('a')?.state).toBe('released');
    await stage.restart();
    expect(stage.notification.holds.get('a')?.state).toBe('released');
    expect(stage.notification.holds.get('b')?.state).toBe('held');
    expect(team.take()).toEqual([]);
  });

  it('is told of with what was tried, where its repair has begun', async () => {
    const { policies, team } = await open();
    await stage.tell({
      event_type: 'watchdog.remediation.started',
      entity_type: 'remediation',
      entity_id: 'r',
      traceparent: null,
      payload: {
        remediation_id: 'r',
        policy: 'restart_it',
        alert_id: 'a',
        target: 'agent:a',
        step: 'restart',
      },
    });
    await pass(SECOND);
    policies.change('restart_it', ASKS);
    await pass(SECOND);
    expect(team.take()).toEqual(['not_healed +a']);
    expect(await whyOf('a')).toBe(`tried restart; ${ASKS}`);
  });

  it('is told of after a start, where that has happened meanwhile', async () => {
    const { team } = await open();
    const policies = new TestPolicies();
    policies.change('restart_it', ASKS);
    await stage.restart({ route: HELD, receivers: { team: [team] }, outlookOf: inLine, policies });
    await pass(SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('is told of where that happens while its hold is being written', async () => {
    const gate = { opened: Promise.resolve() };
    const around = (database: StateDatabase): StateDatabase => ({
      ...database,
      transaction: async (work, options) => {
        const done = await database.transaction(async (tx) => {
          const worked = await work(tx);
          await gate.opened;
          return worked;
        }, options);
        return done;
      },
    });
    const { policies, team } = await open(around);
    const { promise, resolve } = Promise.withResolvers<void>();
    gate.opened = promise;
    await stage.alerts.fire({ c: { alertname: 'C', group: 'three' } });
    await pass(1);
    policies.change('restart_it', ASKS);
    resolve();
    await pass(SECOND);
    expect(team.take().toSorted()).toEqual(['first_notification +a', 'first_notification +c']);
  });

  it('is told of, too, where the database is away at first', async () => {
    let isAway = false;
    const around = (database: StateDatabase): StateDatabase => ({
      ...database,
      transaction: (work, options) =>
        isAway ? Promise.reject(new Error('away')) : database.transaction(work, options),
    });
    const { policies, team } = await open(around);
    isAway = true;
    policies.change('restart_it', ASKS);
    await pass(5 * SECOND);
    expect(team.take()).toEqual([]);
    isAway = false;
    await pass(20 * SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
  });
});

it.each([
  [maxReleasedPerWrite, 1],
  [maxReleasedPerWrite + 1, 2],
])(`of %i holds ${maxReleasedPerWrite} end in one transaction`, async (count, transactions) => {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock, 'none');
  const held = new Set(Array.from({ length: count }, (_, at) => `a${at}`));
  const released: number[] = [];
  const looked: string[] = [];
  const policies = new ChangedPolicies({
    database,
    clock,
    random: createSeededRandom(1),
    logger: silentLogger,
    remediations: new TestPolicies(),
    holds: {
      ofPoliciesThatDoNotAct: () => [...held],
      async release(_, alertIds) {
        released.push(alertIds.length);
        for (const alertId of alertIds) held.delete(alertId);
        return alertIds;
      },
    },
    look: (alertId) => looked.push(alertId),
  });
  policies.start();
  await clock.advance(1);
  await policies.stop();
  expect([released.length, Math.max(...released), looked.length]).toEqual([
    transactions,
    maxReleasedPerWrite,
    count,
  ]);
  await database.close();
});
