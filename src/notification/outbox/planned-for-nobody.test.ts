import { afterEach, expect, it } from 'vitest';
import { openTestStateDatabase } from '#storage';
import { createEventBus } from '#eventbus';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { NotificationLog } from './notification-log.ts';
import { readPending } from './outbox-rows.ts';
import { testIntegration, testNotification } from './outbox.test-support.ts';
import { Outbox } from './outbox.ts';

let close: () => Promise<void> = () => Promise.resolve();
afterEach(() => close());

it('a message that was being written as a reload took its receiver away is given up, and said to be', async () => {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock, 'none');
  const told: string[] = [];
  const base = {
    database,
    clock,
    random: createSeededRandom(1),
    logger: { ...silentLogger, warn: (_: object, message: string) => void told.push(message) },
    metrics: new SelfMetrics(),
  };
  const bus = createEventBus(base);
  const outbox = new Outbox({
    ...base,
    bus,
    log: new NotificationLog(database),
    decisions: { record: () => undefined },
    send: () => Promise.reject(new Error('nothing is to be sent')),
    mayBegin: () => true,
    integrationsAt: () => [],
    onEnded: () => undefined,
    onWaits: () => undefined,
    isOutdated: () => false,
    isOrphan: () => false,
  });
  close = async () => {
    await outbox.stop();
    await bus.stop();
    await database.close();
  };
  await outbox.setIntegrations([testIntegration('team')]);
  await outbox.release();
  await database.transaction(async (tx) => {
    await outbox.plan(tx, [{ notification: testNotification, replaces: null }], []);
    await outbox.setIntegrations([testIntegration('other')]);
  });
  expect(told).toEqual(['Messages not sent: their receivers are no longer configured']);
  expect(outbox.outstandingOf('grp_1')).toEqual([]);
  await outbox.stop();
  expect(await readPending(database, clock)).toEqual([]);
  const { reader } = database;
  const rows = await reader.selectFrom('notifications').select(['id', 'state']).execute();
  expect(rows).toEqual([{ id: 'ntf_1', state: 'superseded' }]);
});
