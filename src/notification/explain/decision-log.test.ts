import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { nextTurn, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import {
  DecisionLog,
  maxDecisionsRead,
  maxRememberedAlerts,
  maxWaitingDecisions,
  type Decision,
} from './decision-log.ts';

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
  expect((await log.list('a')).map(({ reason }) => reason)).toEqual(['one', 'one', 'two', 'one']);
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
  expect((await log.list('a')).length).toBe(1);
  expect((await log.list('b')).length).toBe(1);
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
  expect(await log.list(`a${maxWaitingDecisions + 1}`)).toEqual([]);
});

it.each([
  [maxDecisionsRead, 0],
  [maxDecisionsRead + 1, 1],
])(`of %i decisions about an alert reads the newest ${maxDecisionsRead}`, async (count, first) => {
  for (let at = 0; at < count; at++) log.record(decision('a', String(at)), 'group');
  await log.settled();
  const read = await log.list('a');
  expect([read.length, read[0]?.reason, read.at(-1)?.reason]).toEqual([
    maxDecisionsRead,
    String(first),
    String(count - 1),
  ]);
});
