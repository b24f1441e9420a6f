import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import type { StateDatabase } from './database.ts';
import { maxSilentlyHeldMs, tellHeldTransactions } from './held-transactions.ts';
import { openTestStateDatabase } from './test-databases.ts';

const clock = new VirtualClock();
let metrics: SelfMetrics;
let lines: object[];
let file: StateDatabase;
let database: StateDatabase;

beforeEach(async () => {
  metrics = new SelfMetrics();
  lines = [];
  file = await openTestStateDatabase(clock, 'none');
  database = tellHeldTransactions(file, {
    owner: 'fleet',
    clock,
    logger: { ...silentLogger, warn: (fields) => void lines.push(fields) },
    metrics,
  });
});
afterEach(() => file.close());

function counted(): readonly object[] {
  const metric = metrics.collect().find(({ name }) => name === 'omoi_transactions_held_total');
  return (metric?.points ?? []).map(({ labels, value }) => ({ ...labels, value }));
}

/** Work that has begun, and ends when it is told to. */
function begin(on: StateDatabase): { begun: Promise<void>; end: () => void; done: Promise<unknown> } {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const done = on.transaction(async () => {
    begun.resolve();
    await ended.promise;
  });
  return { begun: begun.promise, end: ended.resolve, done };
}

describe('a transaction that is held', () => {
  it('is told with its owner while it lasts and when it is over, and counted once', async () => {
    const { begun, end, done } = begin(database);
    await begun;
    await clock.advance(maxSilentlyHeldMs - 1);
    expect(lines).toEqual([]);
    await clock.advance(1);
    expect(lines).toEqual([{ owner: 'fleet', held_ms: 5000 }]);
    await clock.advance(7000);
    end();
    await done;
    expect(lines.slice(1)).toEqual([{ owner: 'fleet', held_ms: 12_000 }]);
    expect(counted()).toEqual([{ owner: 'fleet', value: 1 }]);
  });

  it('is not blamed for its wait behind another, nor told once it has failed', async () => {
    const other = begin(file);
    await other.begun;
    const failing = database.transaction(() => Promise.reject(new Error('refused')));
    await clock.advance(2 * maxSilentlyHeldMs);
    other.end();
    await other.done;
    await expect(failing).rejects.toThrow('refused');
    await clock.advance(2 * maxSilentlyHeldMs);
    expect(lines).toEqual([]);
    expect(counted()).toEqual([{ value: 0 }]);
  });

  it('is as urgent as its owner says', async () => {
    const order: string[] = [];
    const note = (name: string) => async () => void order.push(name);
    const names = ['a', 'b', 'c'];
    const waiting = names.map((name) => database.transaction(note(name)));
    waiting.push(database.transaction(note('urgent'), { urgent: true }));
    await Promise.all(waiting);
    expect(order).toEqual(['a', 'urgent', 'b', 'c']);
  });
});
