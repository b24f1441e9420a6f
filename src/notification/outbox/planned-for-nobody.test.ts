import { afterEach, expect, it } from 'vitest';
import { openTestStateDatabase } from '#storage';
import { createEventBus } from '#eventbus';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { RecordingReceiver } from '../notification.test-support.ts';
import { NotificationLog } from './notification-log.ts';
import { readPending, type Notification } from './outbox-rows.ts';
import { Outbox } from './outbox.ts';
import type { RunningIntegration } from './running-integration.ts';

let close: () => Promise<void> = () => Promise.resolve();
afterEach(() => close());

const MESSAGE: Notification = {
  id: 'ntf_1',
  groupId: 'grp_1',
  groupKey: '{}:{}',
  integration: 'team/webhook/0',
  reason: 'first_notification',
  note: null,
  routeLabels: {},
  groupLabels: {},
  receiver: 'team',
  members: [['a', null]],
  truncated: 0,
  severity: null,
  firing: new Set(),
  resolved: new Set(),
  createdAtMs: 1,
  traceparent: null,
};

const running = (receiver: string): RunningIntegration => ({
  key: `${receiver}/webhook/0`,
  receiver,
  note: null,
  rateLimit: null,
  integration: new RecordingReceiver(),
  settings: null,
});

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
  await outbox.setIntegrations([running('team')]);
  await outbox.release();
  await database.transaction(async (tx) => {
    await outbox.plan(tx, [{ notification: MESSAGE, replaces: null }], []);
    await outbox.setIntegrations([running('other')]);
  });
  expect(told).toEqual(['Messages not sent: their receivers are no longer configured']);
  expect(outbox.outstandingOf('grp_1')).toEqual([]);
  await outbox.stop();
  expect(await readPending(database, clock)).toEqual([]);
  const { reader } = database;
  const rows = await reader.selectFrom('notifications').select(['id', 'state']).execute();
  expect(rows).toEqual([{ id: 'ntf_1', state: 'superseded' }]);
});
