import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { createSeededRandom } from '#telemetry';
import { heavyPropertyRuns, propertyLimitMs, propertySeed } from '../../tests/property-runs.ts';
import type { Message } from './message.ts';
import { maxUnrecordedDeliveries } from './outbox/delivery-queue.ts';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  type NotificationStage,
  type TestConfiguration,
} from './notification.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

let stage: NotificationStage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

/** What a person who reads the messages of a receiver believes: the alerts that fire. */
class Reader {
  readonly believed = new Set<string>();
  /** Alerts of which it has heard that they fire, or fired. */
  readonly heard = new Set<string>();
  /** Messages by their ids, with how often each was accepted. */
  readonly accepted = new Map<string, number>();
  /** The ids of messages by what they say, and of which group. */
  readonly ids = new Map<string, Set<string>>();
  /** The ids of messages that were refused. */
  readonly refused = new Set<string>();
  /** Messages that one process has sent twice: it knew that they were accepted. */
  readonly sentAgain: string[] = [];
  readonly #senders = new Map<string, number>();

  read({ notificationId: id, groupKey, reason, alerts }: Message, process: number): void {
    if (this.#senders.get(id) === process) this.sentAgain.push(id);
    this.#senders.set(id, process);
    this.accepted.set(id, (this.accepted.get(id) ?? 0) + 1);
    const said = [
      `${reason} ${groupKey}`,
      ...alerts.map(({ alertId, status }) => `${alertId} ${status}`),
    ].join(', ');
    this.ids.set(said, (this.ids.get(said) ?? new Set()).add(id));
    for (const { alertId, status } of alerts) {
      this.heard.add(alertId);
      if (status === 'firing') this.believed.add(alertId);
      else this.believed.delete(alertId);
    }
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('fire' as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('resolve' as const), nth: fc.nat(50) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), commits: fc.nat(6) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('trouble' as const),
      mood: fc.constantFrom('up', 'down', 'flaky', 'refusing'),
    }),
  },
);

/** Groups become other ones, and what alerts are grouped by. */
const reload = fc.record({
  kind: fc.constant('reload' as const),
  isOther: fc.boolean(),
  groupedBy: fc.constantFrom('group', 'alertname'),
});

it.each([
  ['', step],
  [', and reloaded', fc.oneof({ weight: 13, arbitrary: step }, { weight: 1, arbitrary: reload })],
])(
  'whenever the process is killed%s, nobody misses anything, and a message comes twice only where its answer was lost',
  async (_, oneStep) => {
    await fc.assert(
      fc.asyncProperty(fc.array(oneStep, { minLength: 3, maxLength: 30 }), fc.nat(), async (steps, seed) => {
        const random = createSeededRandom(seed);
        const readers = [new Reader(), new Reader()];
        let mood = 'up';
        /** Accepted by the receiver while the process was dying, or died before it could write it down. */
        let lostAnswers = 0;
        let processes = 0;
        /** Of a process: what one that is dead sends arrives nowhere. */
        const receiversOf = (own: number) =>
          readers.map((reader, index) => {
            const receiver = new RecordingReceiver({ index });
            receiver.answer = (message) => {
              const isTaken = index === 0 || mood === 'up' || (mood === 'flaky' && random.next() < 0.5);
              if (!isTaken && mood === 'refusing') reader.refused.add(message.notificationId);
              if (!isTaken)
                return failed(mood === 'refusing' ? 'clientError' : 'connection', {
                  retryable: mood !== 'refusing',
                });
              if (own !== processes || opened.isDead) return failed('connection', { retryable: true });
              reader.read(message, own);
              return DELIVERED;
            };
            return receiver;
          });
        const timing = { groupWaitMs: 5 * SECOND, groupIntervalMs: 30 * SECOND };
        let hasReloaded = false;
        let isOther = false;
        let groupedBy = 'group';
        const inForce = (): TestConfiguration => ({
          route: testRoute(isOther ? { ...timing, id: '{}/other', key: '{}/other' } : timing),
          groupedBy,
          receivers: { team: receiversOf(processes) },
        });
        const opened = await openNotificationStage(inForce());
        stage = opened;
        const firing: string[] = [];
        const all: string[] = [];
        const revive = async (): Promise<void> => {
          if (!opened.isDead) return;
          lostAnswers++;
          processes++;
          await opened.revive(inForce());
        };
        for (const one of steps) {
          await revive();
          if (one.kind === 'fire') {
            const labelsOf = Object.fromEntries(
              Array.from({ length: one.count }, () => {
                const id = `a${all.length}`;
                all.push(id);
                firing.push(id);
                return [id, { alertname: id, group: `g${all.length % 3}` }];
              }),
            );
            await opened.alerts.fire(labelsOf);
          } else if (one.kind === 'resolve') {
            const [id] = firing.splice(one.nth % Math.max(firing.length, 1), 1);
            if (id !== undefined) await opened.alerts.resolve(id);
          } else if (one.kind === 'wait') await opened.clock.advance(one.ms);
          else if (one.kind === 'reload') {
            hasReloaded = true;
            isOther = one.isOther;
            groupedBy = one.groupedBy;
            // It never ends in a process that dies meanwhile.
            void opened.notification.take(prepared(inForce()));
            await opened.clock.advance(1);
          } else if (one.kind === 'kill') opened.killAfterCommits(one.commits);
          else mood = one.mood;
        }
        opened.killAfterCommits(Infinity);
        await revive();
        mood = 'up';
        await opened.clock.advance(10 * MINUTE);
        for (const reader of readers) {
          expect([...reader.believed].sort()).toEqual([...firing].sort());
          expect([...reader.heard].sort()).toEqual([...all].sort());
          const again = [...reader.accepted.values()].reduce((sum, times) => sum + times - 1, 0);
          // At a death so many messages of an integration may be on their way, one for each group.
          expect(again).toBeLessThanOrEqual(lostAnswers * (hasReloaded ? maxUnrecordedDeliveries : 3));
          expect(reader.sentAgain).toEqual([]);
          if (lostAnswers === 0) expect(again).toBe(0);
          // What is sent again is the same message, so that a receiver may know that it has it; a reload may have given it up, and
          // a later process says anew what the receiver has refused after all.
          const twice = [...reader.ids].filter(
            ([said, ids]) => ids.size > 1 && !said.startsWith('repeat') && ids.isDisjointFrom(reader.refused),
          );
          if (!hasReloaded) expect(twice).toEqual([]);
        }
        await opened.close();
        stage = null;
      }),
      { seed: propertySeed, numRuns: heavyPropertyRuns(60) },
    );
  },
  propertyLimitMs,
);
