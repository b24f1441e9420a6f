import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { nextTurn, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { DecisionLog, maxRememberedAlerts, maxWaitingDecisions } from './decision-log.ts';
import type { Decision } from './decision.ts';
import { maxDecisionsLookedAt, maxDecisionsRead, maxFirstDecisions } from './read-decisions.ts';

let clock: VirtualClock;
let database: StateDatabase;
let metrics: SelfMetrics;
let log: DecisionLog;

beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock);
  metrics = new SelfMetrics();
  log = new DecisionLog({ database, clock, metrics, logger: silentLogger });
});
afterEach(() => database.close());

const decision = (alertId: string, reason = 'r'): Decision => ({
  alertId,
  stage: 'silence',
  decision: 'kept back',
  receiver: null,
  notificationId: null,
  reason,
});

function dropped(): number | undefined {
  const metric = metrics.collect().find(({ name }) => name === 'omoi_notification_decisions_dropped_total');
  return metric?.points[0]?.value;
}

it('keeps what is said again and again once, for each whom it concerns', async () => {
  log.record(decision('a', 'one'), 'group');
  log.record(decision('a', 'one'), 'group');
  log.record(decision('a', 'one'), 'other');
  log.record(decision('a', 'two'), 'group');
  log.record(decision('a', 'one'), 'group');
  await log.settled();
  expect((await log.list('a')).decisions.map(({ reason }) => reason)).toEqual(['one', 'one', 'two', 'one']);
});

it('keeps what is decided within a transaction, however long that lasts', async () => {
  await database.transaction(async (tx) => {
    log.record(decision('a'), 'hold');
    // The log begins to write while this transaction is still under way.
    for (let turn = 0; turn < 3; turn++) {
      await tx.db.selectFrom('notification_decisions').select('id').execute();
      await nextTurn();
    }
  });
  log.record(decision('b'), 'hold');
  await log.settled();
  expect((await log.list('a')).decisions).toHaveLength(1);
  expect((await log.list('b')).decisions).toHaveLength(1);
  expect(dropped()).toBe(0);
});

it('counts what it cannot keep', async () => {
  for (let at = 0; at < maxWaitingDecisions + 5; at++) log.record(decision(`a${at}`), 'group');
  expect(dropped()).toBe(5);
  expect(log.rememberedAlerts).toBe(maxRememberedAlerts);
  await log.settled();
  const { rows } = await database.reader
    .selectFrom('notification_decisions')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow();
  expect(rows).toBe(maxWaitingDecisions);
  expect((await log.list(`a${maxWaitingDecisions + 1}`)).decisions).toEqual([]);
});

it.each([0, 1, 143])(
  'of a long alert reads the first of each kind and the newest, and counts %i others',
  async (others) => {
    const told = (at: number, receiver: string, reason: string): Decision => ({
      alertId: 'a',
      stage: 'delivery',
      decision: 'queued',
      receiver,
      notificationId: `ntf_${at}`,
      reason: `a message to ${receiver}/webhook/0: ${reason}`,
    });
    log.record({ ...decision('a', 'to both'), stage: 'routing', decision: 'routed' }, 'group');
    log.record(told(0, 'day', 'first notification'), 'day');
    log.record(told(1, 'night', 'first notification'), 'night');
    log.record(told(2, 'night', 'repeat'), 'night');
    for (let at = 3; at < 3 + others + maxDecisionsRead; at++)
      log.record(told(at, 'night', 'repeat'), 'night');
    log.record(told(0, 'day', 'of another alert'), 'other');
    await log.settled();
    const { decisions, leftOut } = await log.list('a');
    expect(leftOut).toEqual({ decisions: others + 1, messages: others + 1, isMore: false });
    expect(decisions).toHaveLength(4 + maxDecisionsRead);
    expect(decisions.slice(0, 5).map(({ notificationId }) => notificationId)).toEqual([
      null,
      'ntf_0',
      'ntf_1',
      'ntf_2',
      `ntf_${4 + others}`,
    ]);
  },
);

it.each([
  [maxDecisionsRead - 1, maxDecisionsRead - 1, 0],
  [maxDecisionsRead, maxDecisionsRead, 0],
  [maxDecisionsRead + 1, maxDecisionsRead + 1, 0],
  [maxDecisionsRead + 2, maxDecisionsRead + 1, 1],
])('of %i decisions about an alert reads %i', async (count, read, others) => {
  for (let at = 0; at < count; at++) log.record(decision('a', String(at)), 'group');
  await log.settled();
  const { decisions, leftOut } = await log.list('a');
  expect([decisions.length, decisions[0]?.reason, decisions.at(-1)?.reason]).toEqual([
    read,
    '0',
    String(count - 1),
  ]);
  expect(leftOut).toEqual({ decisions: others, messages: 0, isMore: false });
});

it.each([
  [maxDecisionsLookedAt, false],
  [maxDecisionsLookedAt + 1, true],
])('of %i decisions before the newest looks at no more than it may', async (count, isMore) => {
  for (let at = 0; at < count + maxDecisionsRead; at++) log.record(decision('a', String(at)), 'group');
  await log.settled();
  const { leftOut } = await log.list('a');
  expect(leftOut).toEqual({ decisions: count - 1, messages: 0, isMore });
});

it.each([
  [maxFirstDecisions, maxFirstDecisions],
  [maxFirstDecisions + 1, maxFirstDecisions],
])('of %i kinds of decisions keeps the first of %i', async (kinds, kept) => {
  for (let at = 0; at < kinds; at++) log.record({ ...decision('a'), receiver: `r${at}` }, `g${at}`);
  for (let at = 0; at < maxDecisionsRead; at++) log.record(decision('a', String(at)), 'group');
  await log.settled();
  const { decisions } = await log.list('a');
  expect([decisions.length, decisions[0]?.receiver]).toEqual([kept + maxDecisionsRead, 'r0']);
});
