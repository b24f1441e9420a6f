import { describe, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';
import { A, B, ladderRoute } from './escalation.test-support.ts';
import type { Delivery } from '../receivers/integration.ts';
import type { MuteStage } from '../stages/mute-stage.ts';
import { maxEscalatingAlerts } from './escalations.ts';
import { maxAlertsInEvent } from './ladder-messages.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const LADDER = {
  steps: [{ afterMs: 10 * MINUTE, receiver: 'pager', severity: null }],
  repeats: 0,
  during: null,
};

const test = useTestNotification();
let team: RecordingReceiver;
let pager: RecordingReceiver;
/** What keeps alerts back from people. */
let muted: Set<string>;

function configurationOf(changes: Partial<TestConfiguration> = {}): TestConfiguration {
  const silence: MuteStage = {
    judge: ({ alertId }) => (muted.has(alertId) ? { stage: 'silence', reason: 'by a silence' } : null),
  };
  return {
    route: ladderRoute,
    receivers: { team: [team], pager: [pager] },
    escalations: { page: LADDER },
    stages: [silence],
    ...changes,
  };
}

/** The pager takes nothing until it is told to. */
async function open(
  changes: Partial<TestConfiguration> = {},
  around?: Parameters<typeof openNotificationStage>[1],
): Promise<void> {
  muted = new Set();
  team = new RecordingReceiver();
  pager = new RecordingReceiver();
  pager.answer = refuses;
  test.stage = await openNotificationStage(configurationOf(changes), around);
}

const pass = (ms: number): Promise<void> => test.stage.clock.advance(ms);
const refuses: RecordingReceiver['answer'] = () => failed('connection', { retryable: true });
/** Each try ends when its time is over. */
const hangs: RecordingReceiver['answer'] = (_, { signal }) => {
  const { promise, resolve } = Promise.withResolvers<Delivery>();
  signal.addEventListener('abort', () => resolve(failed('timeout', { retryable: true })));
  return promise;
};

async function states(): Promise<readonly string[]> {
  const { messages } = await test.stage.notification.messages({ receiver: 'pager', limit: 100 });
  return messages.map(({ message }) => message.state);
}

async function told(alertId: string): Promise<readonly string[]> {
  await test.stage.notification.decisions.settled();
  const { decisions } = await test.stage.notification.decisions.list(alertId);
  return decisions.flatMap((one) => (one.stage === 'escalation' ? `${one.decision}: ${one.reason}` : []));
}

/** What somebody does so that no step is told any more. */
const ways: Readonly<Record<string, () => Promise<void>>> = {
  acknowledged: () => test.stage.alerts.acknowledge('a'),
  over: () => test.stage.alerts.resolve('a'),
  snoozed: () => test.stage.alerts.snooze('a', 24 * 60 * MINUTE),
};

describe.each(Object.entries(ways))(
  'a message that waits for its receiver as its alert is %s',
  (name, act) => {
    it('is taken back on disk at once, and never sent', async () => {
      await open();
      await test.stage.alerts.fire({ a: A });
      await pass(11 * MINUTE);
      expect(pager.take()).toContain('escalation +a');
      await act();
      await pass(0);
      expect(new Set(await states())).toEqual(new Set(['superseded']));
      const why = 'taken back: pager had not taken the message of its step';
      // Of what is over nobody asks that.
      if (name !== 'over') expect(await told('a')).toContain(why);
      pager.answer = () => DELIVERED;
      await test.stage.restart();
      await pass(2 * 60 * MINUTE);
      expect(pager.take()).toEqual([]);
    });

    it('is not tried again where a try hangs then', async () => {
      await open();
      pager.answer = hangs;
      await test.stage.alerts.fire({ a: A });
      await pass(10 * MINUTE + SECOND);
      expect(pager.take()).toEqual(['escalation +a']);
      await act();
      await pass(2 * 60 * MINUTE);
      expect(pager.take()).toEqual([]);
      expect(new Set(await states())).toEqual(new Set(['superseded']));
    });

    it.each([0, 1, 2, 3])('is not sent where the process dies %i commits behind that', async (commits) => {
      await open();
      await test.stage.alerts.fire({ a: A });
      await pass(10 * MINUTE + 30 * SECOND);
      test.stage.killAfterCommits(commits);
      await act();
      await pass(SECOND);
      if (!test.stage.isDead) test.stage.killAfterCommits(0);
      pager.take();
      pager.answer = () => DELIVERED;
      await test.stage.revive();
      await pass(2 * 60 * MINUTE);
      expect(pager.take()).toEqual([]);
      expect(await states()).not.toContain('pending');
    });
  },
);

describe('of alerts of one message that waits', () => {
  it('those that nobody looks after are told, and of the others nothing', async () => {
    await open();
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(10 * MINUTE + 30 * SECOND);
    expect(pager.take().at(-1)).toBe('escalation +a +b');
    await test.stage.alerts.acknowledge('a');
    pager.answer = () => DELIVERED;
    await pass(2 * MINUTE);
    expect(pager.messages[0]).toMatchObject({
      note: 'Escalation page, step 1 of 1: nobody has acknowledged for 10m.',
      truncatedAlerts: 0,
    });
    expect(pager.take()).toEqual(['escalation +b']);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual([]);
    await test.stage.alerts.resolve('b');
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual(['all_resolved -b']);
  });

  it('one that is over is not told to fire', async () => {
    await open();
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(10 * MINUTE + 30 * SECOND);
    pager.take();
    await test.stage.alerts.resolve('a');
    pager.answer = () => DELIVERED;
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual(['escalation +b']);
  });

  it('one that is silenced is told once it is not any more, the others at once', async () => {
    await open();
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(10 * MINUTE + 30 * SECOND);
    pager.take();
    muted.add('a');
    pager.answer = () => DELIVERED;
    for (let seconds = 0; seconds < 60 && !(await states()).includes('superseded'); seconds++) {
      await pass(SECOND);
    }
    await pass(SECOND);
    expect(pager.take()).toEqual(['escalation +b']);
    await pass(60 * MINUTE);
    expect(pager.take()).toEqual([]);
    await test.stage.restart();
    await pass(2 * MINUTE);
    muted.clear();
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual(['escalation +a']);
  });

  it('where all are silenced it waits for that, also over a restart', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(10 * MINUTE + 30 * SECOND);
    pager.take();
    muted.add('a');
    pager.answer = () => DELIVERED;
    await pass(60 * MINUTE);
    await test.stage.restart();
    await pass(60 * MINUTE);
    expect([pager.take(), await states()]).toEqual([[], ['pending']]);
    expect(test.stage.notification.outbox.whatHasStopped()).toBeNull();
    muted.clear();
    await pass(MINUTE);
    expect(pager.take()).toEqual(['escalation +a']);
  });

  it('none is lost where that one is silenced could not be written', async () => {
    const disk = { isFull: false, failures: 0 };
    await open({}, (database) => ({
      ...database,
      transaction: (work, options) =>
        database.transaction(async (tx) => {
          const result = await work(tx);
          if (!disk.isFull) return result;
          disk.failures++;
          throw new Error('the disk is full');
        }, options),
    }));
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(10 * MINUTE + 30 * SECOND);
    pager.take();
    disk.isFull = true;
    muted.add('a');
    for (let seconds = 0; seconds < 60 && disk.failures === 0; seconds++) await pass(SECOND);
    expect(disk.failures).toBeGreaterThan(0);
    muted.clear();
    disk.isFull = false;
    pager.answer = () => DELIVERED;
    await pass(5 * MINUTE);
    expect(pager.take()).toEqual(['escalation +a +b']);
  });

  it('none is lost where the step of another comes, or the end of one that was told', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(5 * MINUTE);
    await test.stage.alerts.fire({ b: B });
    await pass(5 * MINUTE + 30 * SECOND);
    expect(pager.take().at(-1)).toBe('escalation +a');
    await pass(8 * MINUTE);
    expect(pager.take().at(-1)).toBe('escalation +b +a');
    pager.answer = () => DELIVERED;
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual(['escalation +b +a']);
    pager.answer = refuses;
    await test.stage.alerts.resolve('a');
    await pass(SECOND);
    await test.stage.alerts.resolve('b');
    await pass(SECOND);
    pager.take();
    pager.answer = () => DELIVERED;
    await pass(5 * MINUTE);
    expect(pager.take()).toEqual(['all_resolved -b -a']);
  });
});

it('a ladder that a reload has taken away says so at its next step, and goes on where one of its name is there', async () => {
  await open();
  pager.answer = () => DELIVERED;
  await test.stage.alerts.fire({ a: A });
  await pass(5 * MINUTE);
  await test.stage.notification.take(prepared(configurationOf({ escalations: { renamed: LADDER } })));
  await test.stage.notification.take(prepared(configurationOf({})));
  await pass(6 * MINUTE);
  expect(pager.take()).toEqual(['escalation +a']);
  await test.stage.alerts.fire({ b: B });
  await pass(5 * MINUTE);
  await test.stage.notification.take(prepared(configurationOf({ escalations: { renamed: LADDER } })));
  await pass(20 * MINUTE);
  expect(pager.take()).toEqual([]);
  expect((await told('b')).at(-1)).toBe('stopped: there is no escalation page any more');
});

it(`${maxEscalatingAlerts} alerts climb at once; of one more nobody is told but by its route`, async () => {
  await open();
  await test.stage.alerts.fire({ a: A });
  await pass(SECOND);
  const { dispatcher, escalations } = test.stage.notification;
  const [group] = dispatcher.groups();
  const alert = dispatcher.membership.get('a');
  if (!group || !alert) throw new Error('the alert has no group');
  const firing = Array.from({ length: maxEscalatingAlerts }, (_, at) => ({
    ...alert,
    alertId: `a${at}`,
    fingerprint: String(at),
  }));
  await test.stage.database.transaction((tx) => escalations.begin(tx, [{ group, firing }]));
  const { count } = await test.stage.database.reader
    .selectFrom('notification_escalations')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  expect(count).toBe(maxEscalatingAlerts);
  expect(await told(`a${maxEscalatingAlerts - 2}`)).toEqual([]);
  expect(await told(`a${maxEscalatingAlerts - 1}`)).toEqual([
    `not escalated: ${maxEscalatingAlerts} alerts are escalated already`,
  ]);
});

it.each([maxAlertsInEvent, maxAlertsInEvent + 1])(
  `of %i alerts that take a step its event names ${maxAlertsInEvent}`,
  async (count) => {
    await open();
    pager.answer = () => DELIVERED;
    const all = Array.from({ length: count }, (_, at) => [`a${at}`, { ...A, at: String(at) }] as const);
    await test.stage.alerts.fire(Object.fromEntries(all));
    await pass(11 * MINUTE);
    const events = await test.stage.events();
    const steps = events.flatMap((event) =>
      event.event_type === 'notification.escalated' ? event.payload : [],
    );
    expect(steps.map(({ alert_ids: named, alerts }) => [named.length, alerts])).toEqual([
      [maxAlertsInEvent, count],
    ]);
  },
);

it('a message that waits for its next try is not begun while the next step writes another one in its place', async () => {
  const isAsked = Promise.withResolvers<void>();
  const mayWrite = Promise.withResolvers<void>();
  let isSlow = false;
  const [first] = LADDER.steps;
  const steps = [...LADDER.steps, ...(first ? [{ ...first, afterMs: 20 * MINUTE }] : [])];
  await open({ escalations: { page: { ...LADDER, steps } } }, (database) => ({
    ...database,
    async transaction(work, options) {
      if (isSlow) {
        isSlow = false;
        isAsked.resolve();
        await mayWrite.promise;
      }
      return database.transaction(work, options);
    },
  }));
  pager.answer = () => failed('serverError', { retryable: true, retryAfterMs: 10 * MINUTE + 30 * SECOND });
  await test.stage.alerts.fire({ a: A });
  await pass(19 * MINUTE);
  expect(pager.take()).toEqual(['escalation +a']);
  isSlow = true;
  await pass(MINUTE + SECOND);
  await isAsked.promise;
  pager.answer = () => DELIVERED;
  // The time of its next try comes while the other is being written.
  await pass(MINUTE);
  const begun = pager.take();
  mayWrite.resolve();
  expect(begun).toEqual([]);
  await pass(10 * MINUTE);
  expect(pager.take()).toEqual(['escalation +a']);
});

it('a step that cannot be decided is decided again', async () => {
  let failures = 0;
  const broken: MuteStage = {
    judge: () => {
      if (failures === 0) return null;
      failures--;
      throw new Error('broken');
    },
  };
  await open({ stages: [broken] });
  pager.answer = () => DELIVERED;
  await test.stage.alerts.fire({ a: A });
  await pass(9 * MINUTE + 59 * SECOND);
  failures = 3;
  await pass(MINUTE);
  expect([failures, pager.take()]).toEqual([0, ['escalation +a']]);
});
