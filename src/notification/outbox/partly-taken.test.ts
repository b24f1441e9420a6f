import { beforeEach, describe, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  RecordingReceiver,
  testRoute,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';
import { A, expectNothingKept, parted, reloading } from '../groups/reload.test-support.ts';
import { statusOfMessage, type Message } from '../message.ts';
import { createIntegration } from '../receivers/create-integration.ts';
import type { Delivery, Integration } from '../receivers/integration.ts';
import type { IntegrationTools } from '../receivers/receiver-kind.ts';
import type { MuteStage } from '../stages/mute-stage.ts';
import { maxNotificationAgeMs } from './outbox.ts';
import { maxRecipientsKept } from './delivery-queue.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

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

  const { open, reload, reviveWith } = reloading(test, (changes) => ({
    route,
    stages: [silence],
    receivers: { pages: [pages], others: [others] },
    ...changes,
  }));

  beforeEach(async () => {
    pages = new RecordingReceiver({ opensIncidents: true });
    others = new RecordingReceiver();
    pages.answer = taken;
    isOpen = false;
    mayClose = false;
    isSilenced = false;
    await open({});
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
    ['its group is no more', { route: parted('others') }, 'reload'],
    ['that is so after a kill', { route: parted('others') }, 'kill'],
    ['its own group tells it after a kill', {}, 'kill'],
  ] as const)('is closed where %s', async (_, changes, how) => {
    await (how === 'reload' ? reload(changes) : reviveWith(changes));
    await pass(2 * MINUTE);
    mayClose = true;
    await pass(20 * MINUTE);
    expect(isOpen).toBe(false);
    await expectNothingKept(test.stage);
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

describe('between the opening and the closing of an incident of what came and went', () => {
  const toPages = testRoute({ receiver: 'pages', groupWaitMs: 0 });
  const KEY = '{}:{group="one"}';
  /** What the service was asked for, and took: `opened KEY`, `closed KEY`. */
  const taken: string[] = [];
  const incidents = new Set<string>();
  let memory: unknown;
  /** What comes of a closing. */
  let closing: (signal: AbortSignal) => Promise<Delivery> | Delivery;
  let others: RecordingReceiver;

  function pagesAs(): Integration {
    const service = new RecordingReceiver();
    service.answer = async (message, options) => {
      if (statusOfMessage(message) === 'firing') {
        taken.push(`opened ${message.groupKey}`);
        incidents.add(message.groupKey);
        return { outcome: 'delivered', answer: 'HTTP 202', memory: { issue: 'OPS-1' } };
      }
      memory = options.memory;
      const delivery = await closing(options.signal);
      if (delivery.outcome === 'delivered' && incidents.delete(message.groupKey))
        taken.push(`closed ${message.groupKey}`);
      return delivery;
    };
    const kind = { opensIncidents: true, create: () => service } as const;
    // None of them is needed to make it.
    const made = createIntegration(kind, { settings: null, index: 0 }, {} as IntegrationTools);
    if (!made) throw new Error('it is built');
    return made;
  }

  const { open, reload, reviveWith } = reloading(test, (changes) => ({
    route: toPages,
    receivers: { pages: [pagesAs()], others: [others] },
    settingsOf: (key) => ({ url: key.startsWith('others') ? 'others' : 'pages' }),
    ...changes,
  }));

  async function openedAndNotClosed(): Promise<void> {
    closing = (signal) => {
      const { promise, resolve } = Promise.withResolvers<Delivery>();
      signal.addEventListener('abort', () => resolve(failed('timeout', { retryable: true })));
      return promise;
    };
    await test.stage.alerts.fire({ a: A });
    await test.stage.alerts.resolve('a');
    await pass(SECOND);
    expect([...incidents]).toEqual([KEY]);
  }

  beforeEach(async () => {
    taken.length = 0;
    incidents.clear();
    memory = null;
    others = new RecordingReceiver();
    await open({});
  });

  interface Change extends Pick<TestConfiguration, 'route'> {
    readonly receivers?: () => NonNullable<TestConfiguration['receivers']>;
  }
  const renamed = { receivers: () => ({ duty: [pagesAs()], others: [others] }) };
  const changed: readonly (readonly [string, Change])[] = [
    ['nothing else has changed', {}],
    ['its receiver has another name', { route: testRoute({ receiver: 'duty' }), ...renamed }],
    ['its receiver has another name, and its group as well', { route: parted('duty'), ...renamed }],
    ['others are told of its group', { route: testRoute({ receiver: 'others' }) }],
    [
      'its receiver has another name, and others are told',
      { route: testRoute({ receiver: 'others' }), ...renamed },
    ],
    ['its group is no more', { route: parted('others') }],
    ['its group is no more, and its service told by another one', { route: parted('pages') }],
  ];

  async function expectClosed({ receivers }: Change): Promise<void> {
    await pass(20 * MINUTE);
    expect(taken).toEqual([`opened ${KEY}`, `closed ${KEY}`]);
    // What an integration remembers stays with its name.
    expect(memory).toEqual(receivers ? null : { issue: 'OPS-1' });
    await expectNothingKept(test.stage);
  }

  function changedTo({ receivers, ...changes }: Change): TestConfiguration {
    return { ...changes, ...(receivers && { receivers: receivers() }) };
  }

  it.each(changed)(
    'a kill leaves the closing, and nothing else, to the next process where %s',
    async (_, change) => {
      await openedAndNotClosed();
      const revived = reviveWith(changedTo(change));
      closing = () => DELIVERED;
      await revived;
      await expectClosed(change);
    },
  );

  it.each(changed)('a reload leaves the closing, and nothing else, where %s', async (_, change) => {
    await openedAndNotClosed();
    const taking = reload(changedTo(change));
    closing = () => DELIVERED;
    await taking;
    await expectClosed(change);
  });
});
