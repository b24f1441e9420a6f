import { beforeEach, describe, expect, it } from 'vitest';
import { statusOfMessage, type Message } from '../message.ts';
import {
  DELIVERED,
  failed,
  RecordingReceiver,
  testRoute,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';
import type { Delivery } from '../receivers/integration.ts';
import { expectNothingKept, fireTogether, parted, reloading } from './reload.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const BEFORE = '{}:{group="one"}';
const NOW = '{}/other:{group="one"}';

const test = useTestNotification();
const { pass } = test;
const toPages = testRoute({ receiver: 'pages' });

/** A service to which each group is an incident, by its key. */
class IncidentService extends RecordingReceiver {
  readonly open = new Set<string>();
  readonly changes: string[] = [];
  /** Each message with its id, whether it was taken or not. */
  readonly asked: string[] = [];

  constructor() {
    super({ opensIncidents: true });
    this.answer = (message) => this.takeMessage(message);
  }

  takeMessage(message: Message): Delivery {
    const { groupKey } = message;
    this.asked.push(message.notificationId);
    if (statusOfMessage(message) === 'firing') this.open.add(groupKey);
    else
      this.changes.push(this.open.delete(groupKey) ? `closed ${groupKey}` : `nothing to close ${groupKey}`);
    return DELIVERED;
  }
}

let pages: IncidentService;
let others: RecordingReceiver;

const { open, reload, restart, reviveWith } = reloading(test, (changes) => ({
  receivers: { pages: [pages], others: [others] },
  ...changes,
}));

/** One group for each alert, as where a reload changes `group_by`. */
const apart = { groupedBy: 'alertname' } as const;

async function opened(...alertIds: readonly ('a' | 'b')[]): Promise<void> {
  await fireTogether(test.stage, alertIds);
  await pass(11 * SECOND);
  expect([...pages.open]).toEqual([BEFORE]);
}

async function expectNothingLeft(): Promise<void> {
  pages.changes.length = 0;
  await pass(10 * MINUTE);
  expect([[...pages.open], pages.changes]).toEqual([[], []]);
  await expectNothingKept(test.stage);
}

beforeEach(async () => {
  pages = new IncidentService();
  others = new RecordingReceiver();
  await open({ route: toPages });
});

describe('an incident that was opened by a group that is no more', () => {
  it.each([
    ['others are told by now', 'others', [BEFORE]],
    ['its service is told by another group', 'pages', [BEFORE, NOW]],
  ])('is closed under its own key where %s, over restarts', async (_, receiver, keys) => {
    await opened('a');
    await reload({ route: parted(receiver) });
    await pass(2 * MINUTE);
    expect([...pages.open]).toEqual(keys);
    await restart({ route: parted(receiver) });
    await pass(MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(pages.changes.toSorted()).toEqual(keys.map((key) => `closed ${key}`).toSorted());
    const last = pages.messages.find(
      ({ groupKey, reason }) => groupKey === BEFORE && reason === 'all_resolved',
    );
    expect(last?.groupLabels).toEqual({ group: 'one' });
    await expectNothingLeft();
  });

  it('is closed, and no other, where nothing was told since', async () => {
    await opened('a');
    await reload({ route: { ...parted('pages'), groupWaitMs: MINUTE } });
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(pages.changes).toEqual([`closed ${BEFORE}`]);
    await expectNothingLeft();
  });

  it('stays open until the last of its alerts is over, whichever groups hold them', async () => {
    await opened('a', 'b');
    await reload({ ...apart, route: testRoute({ receiver: 'others' }) });
    await pass(MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(5 * MINUTE);
    expect([[...pages.open], pages.changes]).toEqual([[BEFORE], []]);
    await test.stage.alerts.resolve('b');
    await pass(2 * MINUTE);
    expect(pages.changes).toEqual([`closed ${BEFORE}`]);
    await expectNothingLeft();
  });

  it('is closed once where its alerts are over together, in groups of their own', async () => {
    await opened('a', 'b');
    await reload({ ...apart, route: toPages });
    await pass(MINUTE);
    expect([...pages.open]).toEqual([BEFORE, '{}:{alertname="A"}', '{}:{alertname="B"}']);
    await test.stage.alerts.resolve('a', 'b');
    await pass(2 * MINUTE);
    expect(pages.changes.toSorted()).toEqual([
      'closed {}:{alertname="A"}',
      'closed {}:{alertname="B"}',
      `closed ${BEFORE}`,
    ]);
    await expectNothingLeft();
  });

  it('each of several is closed', async () => {
    await opened('a');
    await reload({ route: parted('pages') });
    await pass(2 * MINUTE);
    await reload({ route: testRoute({ id: '{}/last', key: '{}/last', receiver: 'others' }) });
    await pass(2 * MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(pages.changes.toSorted()).toEqual([`closed ${NOW}`, `closed ${BEFORE}`].toSorted());
    await expectNothingLeft();
  });

  it('is closed by the same message, tried again, where its service refuses it for a while', async () => {
    await opened('a');
    await reload({ route: parted('others') });
    await pass(MINUTE);
    pages.asked.length = 0;
    pages.answer = ({ notificationId }) => {
      pages.asked.push(notificationId);
      return failed('clientError', { retryable: false });
    };
    await test.stage.alerts.resolve('a');
    await pass(5 * MINUTE);
    expect(pages.asked.length).toBeGreaterThan(2);
    pages.answer = (message) => pages.takeMessage(message);
    await pass(2 * MINUTE);
    expect(pages.changes).toEqual([`closed ${BEFORE}`]);
    expect(new Set(pages.asked).size).toBe(1);
    await expectNothingLeft();
  });

  it('is left to the group that tells of its alert by now where an older version has not kept its key', async () => {
    await opened('a');
    await test.stage.database.transaction((tx) =>
      tx.db.updateTable('notification_log').set({ group_key: null }).execute(),
    );
    await restart({ route: parted('others') });
    await pass(MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(pages.changes).toEqual([`nothing to close ${NOW}`]);
  });
});

it('an incident of who was on call before stays open until the last of its alerts is over', async () => {
  let onCall = 'pages';
  const route = testRoute();
  await reload({ route, onCall: () => onCall });
  await opened('a', 'b');
  onCall = 'others';
  await test.stage.alerts.resolve('a');
  await pass(5 * MINUTE);
  expect([[...pages.open], pages.changes]).toEqual([[BEFORE], []]);
  await test.stage.notification.decisions.settled();
  const { decisions } = await test.stage.notification.explain('a');
  expect(decisions.map(({ reason }) => reason)).toContain(
    'pages/webhook/0: the incident in which it was told stays open: others of it fire',
  );
  await test.stage.alerts.resolve('b');
  await pass(2 * MINUTE);
  expect(pages.changes).toEqual([`closed ${BEFORE}`]);
  await expectNothingLeft();
});

describe('an incident of a receiver that goes by another name since', () => {
  const settingsOf = (key: string) => ({ url: key.startsWith('others') ? 'others' : 'pages' });
  const renamed = (): TestConfiguration => ({ settingsOf, receivers: { duty: [pages], others: [others] } });

  it.each([
    ['is closed where its alert was over before', testRoute({ receiver: 'duty', groupWaitMs: MINUTE })],
    ['is closed by another group, too', parted('others')],
  ])('%s', async (_, route) => {
    await reload({ route: toPages, settingsOf });
    await opened('a');
    await test.stage.alerts.resolve('a');
    await pass(1);
    await reload({ ...renamed(), route });
    await pass(2 * MINUTE);
    expect(pages.changes).toEqual([`closed ${BEFORE}`]);
    await expectNothingLeft();
  });

  it('stays open until the last of its alerts is over where its group tells others by now', async () => {
    await reload({ route: toPages, settingsOf });
    await opened('a', 'b');
    await reload({ ...renamed(), route: testRoute({ receiver: 'others' }) });
    await test.stage.alerts.resolve('a');
    await pass(5 * MINUTE);
    expect([[...pages.open], pages.changes]).toEqual([[BEFORE], []]);
    await test.stage.alerts.resolve('b');
    await pass(2 * MINUTE);
    expect(pages.changes).toEqual([`closed ${BEFORE}`]);
    await expectNothingLeft();
  });

  it.each([
    ['by its own group', testRoute({ receiver: 'duty' })],
    ['by another one', parted('others')],
  ])('is closed %s where a start has renamed it, and another one came between', async (_, route) => {
    await reload({ route: toPages, settingsOf });
    await opened('a');
    await restart({ ...renamed(), route });
    await pass(MINUTE);
    await restart({ ...renamed(), route });
    await pass(MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(pages.changes).toEqual([`closed ${BEFORE}`]);
    await expectNothingLeft();
  });

  it('is closed where a reload has renamed it and the process was killed then', async () => {
    const route = parted('others');
    await reload({ route: toPages, settingsOf });
    await opened('a');
    await reload({ ...renamed(), route });
    await reviveWith({ ...renamed(), route });
    await pass(MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(pages.changes).toEqual([`closed ${BEFORE}`]);
    await expectNothingLeft();
  });
});
