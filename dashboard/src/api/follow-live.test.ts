import type { SystemEvent } from '#api';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { followLive } from './follow-live.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function eventOf(id: number): SystemEvent {
  return {
    id,
    event_type: 'monitor.anomaly.closed',
    entity_type: 'anomaly',
    entity_id: 'a',
    at: '2026-01-01T00:00:00Z',
    traceparent: null,
    payload: { metric_name: 'm', labels: {}, duration_ms: 1 },
  } as SystemEvent;
}

/** Readings that take `tookMs`, and what was asked of the cache. */
function cacheOf(tookMs: number) {
  let feed: readonly SystemEvent[] = [];
  let feedChanges = 0;
  let underWay = 0;
  const seen = { readings: 0, mostAtOnce: 0 };
  const asked: string[] = [];
  return {
    seen,
    asked,
    feed: () => ({ ids: feed.map(({ id }) => id), changes: feedChanges }),
    setQueryData(_key: unknown, update: unknown): undefined {
      feed = (update as (feed: readonly SystemEvent[]) => readonly SystemEvent[])(feed);
      feedChanges += 1;
    },
    async invalidateQueries({ queryKey }: { queryKey: readonly string[] }): Promise<void> {
      asked.push(...queryKey);
      seen.readings += 1;
      underWay += 1;
      seen.mostAtOnce = Math.max(seen.mostAtOnce, underWay);
      await new Promise((resolve) => setTimeout(resolve, tookMs));
      underWay -= 1;
    },
  };
}

it('shows what came together at once, and reads it again once', async () => {
  const cache = cacheOf(10);
  const live = followLive(cache as never, () => Date.now());
  for (const id of [1, 2, 3]) live.onEvent(eventOf(id));
  await vi.advanceTimersByTimeAsync(150);
  expect(cache.feed()).toEqual({ ids: [3, 2, 1], changes: 1 });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(cache.seen).toEqual({ readings: 1, mostAtOnce: 1 });
});

it('lets a slow reading end before the next, and rests twice as long, while events stream', async () => {
  const cache = cacheOf(1_000);
  const live = followLive(cache as never, () => Date.now());
  for (let id = 1; id <= 300; id++) {
    live.onEvent(eventOf(id));
    await vi.advanceTimersByTimeAsync(100);
  }
  // 30 s at 3 s a reading; the feed goes on meanwhile.
  expect(cache.seen).toEqual({ readings: 10, mostAtOnce: 1 });
  expect(cache.feed().changes).toBe(150);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(cache.seen.readings).toBe(11);
  expect(cache.feed().ids[0]).toBe(300);
});

it('reads about once a second while events stream, however quick the server is', async () => {
  const cache = cacheOf(1);
  const live = followLive(cache as never, () => Date.now());
  for (let id = 1; id <= 1000; id++) {
    live.onEvent(eventOf(id));
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(cache.seen.readings).toBeGreaterThanOrEqual(10);
  expect(cache.seen.readings).toBeLessThanOrEqual(12);
});

it('keeps no more events than are shown while the page may not draw', () => {
  const cache = cacheOf(1);
  const live = followLive(cache as never, () => Date.now());
  const kept = new Set<number>();
  for (let id = 1; id <= 100_000; id++) {
    const seenWhenShown = { get: () => (kept.add(id), id), enumerable: true };
    live.onEvent(Object.defineProperty(eventOf(id), 'id', seenWhenShown));
  }
  vi.advanceTimersByTime(150);
  expect(kept.size).toBeLessThan(400);
  expect(cache.feed().ids).toHaveLength(200);
  expect(cache.feed().ids[0]).toBe(100_000);
});

it('asks the server something at once when the stream breaks off', () => {
  const cache = cacheOf(1);
  followLive(cache as never, () => Date.now()).onBreak();
  expect(cache.asked).toEqual(['overview']);
});

it('reads the feed once more when the stream begins: what happened before was told to nobody', () => {
  const cache = cacheOf(1);
  followLive(cache as never, () => Date.now()).onOpen();
  expect(cache.asked).toEqual(['events']);
});
