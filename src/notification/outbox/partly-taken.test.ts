import { beforeEach, describe, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';
import type { Message } from '../message.ts';
import type { Delivery } from '../receivers/integration.ts';
import type { MuteStage } from '../stages/mute-stage.ts';
import { maxNotificationAgeMs } from './outbox.ts';
import { maxRecipientsKept } from './delivery-queue.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };

const test = useTestNotification();
const { pass } = test;

describe('recipients that have a message which others could not be given yet', () => {
  const limited = (...takenBy: readonly string[]): Delivery =>
    failed('rateLimited', { retryable: true, takenBy });
  const asked: (readonly string[])[] = [];
  const ids = new Set<string>();
  let team: RecordingReceiver;

  beforeEach(async () => {
    asked.length = 0;
    ids.clear();
    team = await test.open({ route: testRoute({ groupWaitMs: 0 }) });
  });

  function answer(delivery: Delivery): void {
    team.answer = ({ notificationId }, { takenBy = [] }) => {
      asked.push(takenBy);
      ids.add(notificationId);
      return delivery;
    };
  }

  it('are known at the next try, of a process that begins after a kill as well', async () => {
    answer(limited('ops'));
    await test.stage.alerts.fire({ a: A });
    await pass(500);
    expect(asked).toEqual([[]]);
    test.stage.killAfterCommits(0);
    await test.stage.revive();
    answer(limited('ops', 'eva'));
    await pass(2 * MINUTE);
    answer(DELIVERED);
    await pass(2 * MINUTE);
    expect(asked[1]).toEqual(['ops']);
    expect(asked.at(-1)).toEqual(['ops', 'eva']);
    const { reader } = test.stage.database;
    const rows = await reader.selectFrom('notifications').select(['state', 'taken_by']).execute();
    expect(rows).toEqual([{ state: 'delivered', taken_by: '["ops","eva"]' }]);
  });

  it('are known where what was given up is told again', async () => {
    answer(limited('ops'));
    await test.stage.alerts.fire({ a: A });
    await pass(maxNotificationAgeMs + 30 * MINUTE);
    asked.length = 0;
    answer(DELIVERED);
    await pass(30 * MINUTE);
    expect(asked).toEqual([['ops']]);
    expect(ids.size).toBe(1);
  });

  it('are not those of another message', async () => {
    answer(limited('ops'));
    await test.stage.alerts.fire({ a: A });
    await pass(30 * SECOND);
    await test.stage.alerts.fire({ b: { ...A, alertname: 'B' } });
    await pass(MINUTE);
    answer(DELIVERED);
    await pass(10 * MINUTE);
    expect(ids.size).toBe(2);
    const first = asked.findIndex((takenBy) => takenBy.length > 0);
    expect(first).toBeGreaterThan(0);
    expect(asked.slice(first).filter((takenBy) => takenBy.length === 0)).toHaveLength(1);
  });

  it.each([
    [maxRecipientsKept, 'all of them'],
    [maxRecipientsKept + 1, 'as many'],
  ])(`of %i are kept %s: ${maxRecipientsKept} at most`, async (count) => {
    answer(limited(...Array.from({ length: count }, (_, at) => `r${at}`)));
    await test.stage.alerts.fire({ a: A });
    await pass(MINUTE);
    expect(asked.at(-1)).toHaveLength(maxRecipientsKept);
  });
});

describe('an incident that was opened of what came and went, and could not be closed,', () => {
  const route = testRoute({ receiver: 'pages', groupIntervalMs: 10 * MINUTE });
  let pages: RecordingReceiver;
  let others: RecordingReceiver;
  let isOpen: boolean;
  let mayClose: boolean;
  let isSilenced: boolean;

  /** As `openingIncidents` has it: a brief message opens one, and closes it. */
  function taken({ reason, alerts }: Message): Delivery {
    if (alerts.some(({ status }) => status === 'firing') || reason === 'brief') isOpen = true;
    if (isOpen && !mayClose) return failed('serverError', { retryable: true, isOpened: true });
    isOpen = false;
    return DELIVERED;
  }

  const silence: MuteStage = {
    judge: () => (isSilenced ? { stage: 'silence', reason: 'silenced' } : null),
  };

  function configured(changes: TestConfiguration = {}): TestConfiguration {
    return { route, stages: [silence], receivers: { pages: [pages], others: [others] }, ...changes };
  }

  beforeEach(async () => {
    pages = new RecordingReceiver({ opensIncidents: true });
    others = new RecordingReceiver();
    pages.answer = taken;
    isOpen = false;
    mayClose = false;
    isSilenced = false;
    test.stage = await openNotificationStage(configured());
    await test.stage.alerts.fire({ a: A });
    await test.stage.alerts.resolve('a');
    await pass(11 * SECOND);
    expect([pages.take()[0], isOpen]).toEqual(['brief -a', true]);
  });

  it('is closed as the message is tried again', async () => {
    mayClose = true;
    await pass(2 * MINUTE);
    expect([pages.take().at(-1), isOpen]).toEqual(['brief -a', false]);
  });

  it.each([
    ['others are told of its group', { route: testRoute({ receiver: 'others' }) }, 'reload'],
    ['its group is no more', { route: testRoute({ id: '{}/b', key: '{}/b', receiver: 'others' }) }, 'reload'],
    [
      'that is so after a kill',
      { route: testRoute({ id: '{}/b', key: '{}/b', receiver: 'others' }) },
      'kill',
    ],
    ['its own group tells it after a kill', {}, 'kill'],
  ] as const)('is closed where %s', async (_, changes, how) => {
    if (how === 'reload') await test.stage.notification.take(prepared(configured(changes)));
    else {
      test.stage.killAfterCommits(0);
      await test.stage.revive(configured(changes));
    }
    await pass(2 * MINUTE);
    mayClose = true;
    await pass(20 * MINUTE);
    expect(isOpen).toBe(false);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
    const { reader } = test.stage.database;
    expect(await reader.selectFrom('notification_log').select('group_id').execute()).toEqual([]);
  });

  it('is closed when a silence is over under which its message was withdrawn', async () => {
    isSilenced = true;
    await pass(11 * MINUTE);
    mayClose = true;
    await pass(20 * MINUTE);
    expect(isOpen).toBe(true);
    isSilenced = false;
    pages.take();
    await pass(11 * MINUTE);
    expect([pages.take(), isOpen]).toEqual([['all_resolved -a'], false]);
  });
});
