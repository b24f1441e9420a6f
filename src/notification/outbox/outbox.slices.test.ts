import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, nextTurn, SelfMetrics, silentLogger } from '#telemetry';
import { TickingClock } from '../../telemetry/time/ticking-clock.test-support.ts';
import { NotificationLog } from './notification-log.ts';
import { insertNotifications, readPending, type Notification } from './outbox-rows.ts';
import { testIntegration, testNotification } from './outbox.test-support.ts';
import { Outbox } from './outbox.ts';

const COUNT = 300;
/** On this clock a stretch is over after a look or two. */
const AT_A_STRETCH = 3;

const clock = new TickingClock();
let database: StateDatabase;
let outbox: Outbox;
/** Groups that are no more. */
const orphans = new Set<string>();
const sent: string[] = [];
let close: () => Promise<unknown>;

const groupOf = (at: number): string => `grp_${at}`;
const messageOf = (at: number): Notification => ({
  ...testNotification,
  id: `ntf_${String(at).padStart(5, '0')}`,
  groupId: groupOf(at),
});

beforeEach(async () => {
  orphans.clear();
  sent.length = 0;
  database = await openTestStateDatabase(clock, 'none');
  const base = {
    database,
    clock,
    random: createSeededRandom(1),
    logger: silentLogger,
    metrics: new SelfMetrics(),
  };
  const bus = createEventBus(base);
  outbox = new Outbox({
    ...base,
    bus,
    log: new NotificationLog(database),
    decisions: { record: () => undefined },
    // Its receiver never answers.
    send: ({ notification }) => {
      sent.push(notification.groupId);
      return Promise.withResolvers<never>().promise;
    },
    mayBegin: () => true,
    integrationsAt: () => [],
    onEnded: () => undefined,
    onWaits: () => undefined,
    isOutdated: () => false,
    isOrphan: ({ groupId }) => orphans.has(groupId),
  });
  const messages = Array.from({ length: COUNT }, (_, at) => messageOf(at));
  await database.transaction((tx) => insertNotifications(tx, messages));
  await outbox.setIntegrations([testIntegration('team')]);
  await outbox.start();
  close = async () => {
    await outbox.stop();
    await bus.stop();
    await database.close();
  };
});
afterEach(() => close());

const outstanding = (): number[] =>
  Array.from({ length: COUNT }, (_, at) => at).filter((at) => outbox.outstandingOf(groupOf(at)).length > 0);

/** How many at most were given up from one turn of the event loop to the next. */
async function mostAtAStretch(work: Promise<unknown>): Promise<number> {
  const state = { isOver: false };
  void work.finally(() => (state.isOver = true));
  let most = 0;
  let before = outstanding().length;
  while (!state.isOver) {
    await nextTurn();
    const left = outstanding().length;
    most = Math.max(most, before - left);
    before = left;
  }
  return most;
}

const pendingRows = async (): Promise<readonly string[]> => {
  await outbox.stop();
  return (await readPending(database, clock)).map(({ notification }) => notification.groupId);
};

describe('of very many messages a turn of the event loop gives up a few', () => {
  it('whose receiver is no longer configured', async () => {
    expect(await mostAtAStretch(outbox.setIntegrations([testIntegration('other')]))).toBeLessThanOrEqual(
      AT_A_STRETCH,
    );
    expect(outstanding()).toEqual([]);
    expect(await pendingRows()).toEqual([]);
  });

  it('whose groups are no more; the others are sent, once all have been looked at', async () => {
    for (let at = 2; at < COUNT; at++) orphans.add(groupOf(at));
    const releasing = outbox.release();
    expect(sent).toEqual([]);
    expect(await mostAtAStretch(releasing)).toBeLessThanOrEqual(AT_A_STRETCH);
    expect(outstanding()).toEqual([0, 1]);
    expect(sent).toEqual([groupOf(0), groupOf(1)]);
    expect(await pendingRows()).toEqual([groupOf(0), groupOf(1)]);
  });
});

it('what is held again while it is released waits for the next release', async () => {
  const releasing = outbox.release();
  outbox.hold();
  await releasing;
  expect(sent).toEqual([]);
  await outbox.release();
  expect(sent).not.toEqual([]);
});
