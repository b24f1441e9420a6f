import { beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import type { StoredAlert } from '../notified-alert.ts';
import { AlertsAhead, maxAheadMs, maxAlertsReadAhead } from './alerts-ahead.ts';

let clock: VirtualClock;
let reads: number[];
let failure: Error | null;
let ahead: AlertsAhead;

beforeEach(() => {
  clock = new VirtualClock();
  reads = [];
  failure = null;
  ahead = new AlertsAhead(
    {
      async read(alertIds) {
        reads.push(alertIds.length);
        await Promise.resolve();
        if (failure) throw failure;
        // Of an alert no more is looked at.
        return alertIds.map((alertId) => ({ alertId, updatedAtMs: clock.wallMs() }) as StoredAlert);
      },
    },
    clock,
  );
});

const messageAbout = (...alertIds: readonly string[]) => ({
  members: alertIds.map((alertId): [string, null] => [alertId, null]),
});
const waiting = (count: number) =>
  new Set(Array.from({ length: count }, (_, place) => ({ notification: messageAbout(`a${place}`) })));

/** Takes the messages in turn, a few at once as a queue does. */
async function takeAll(queue: ReturnType<typeof waiting>, atOnce: number): Promise<void> {
  while (queue.size > 0) {
    const some = [...queue].slice(0, atOnce);
    for (const one of some) queue.delete(one);
    const found = await Promise.all(some.map(({ notification }) => ahead.of(notification, queue)));
    found.forEach((alerts, place) => {
      const [[alertId] = ['']] = some[place]?.notification.members ?? [];
      expect(alerts.get(alertId)?.alertId).toBe(alertId);
    });
  }
}

it('reads what follows with what is asked for, so that a thousand messages are a few questions', async () => {
  await takeAll(waiting(1_000), 8);
  expect(reads).toEqual([208, 208, 208, 208, 168]);
});

it('reads anew what was read ahead longer than a moment ago', async () => {
  const queue = waiting(2);
  await ahead.of(messageAbout('b'), queue);
  await clock.advance(maxAheadMs);
  expect((await ahead.of(messageAbout('a0'), new Set())).get('a0')?.alertId).toBe('a0');
  expect(reads).toEqual([3]);
  await clock.advance(1);
  const found = await ahead.of(messageAbout('a1'), new Set());
  expect(found.get('a1')).toMatchObject({ updatedAtMs: clock.wallMs() });
  expect(reads).toEqual([3, 1]);
});

it('reads a second message about the same alert anew', async () => {
  const queue = waiting(1);
  await ahead.of(messageAbout('b'), queue);
  await ahead.of(messageAbout('a0'), new Set());
  await ahead.of(messageAbout('a0'), new Set());
  expect(reads).toEqual([2, 1]);
});

it('asks again where it could not read ahead, and says why it cannot read', async () => {
  failure = new Error('away');
  await expect(ahead.of(messageAbout('b'), waiting(1))).rejects.toThrow('away');
  await expect(ahead.of(messageAbout('a0'), new Set())).rejects.toThrow('away');
  failure = null;
  expect((await ahead.of(messageAbout('a0'), new Set())).size).toBe(1);
});

it('reads a message of many alerts by itself, in parts', async () => {
  const alertIds = Array.from({ length: 1_200 }, (_, place) => `m${place}`);
  expect((await ahead.of(messageAbout(...alertIds), waiting(5))).size).toBe(1_200);
  expect(reads).toEqual([500, 500, 200]);
  expect(maxAlertsReadAhead).toBeLessThan(500);
});
