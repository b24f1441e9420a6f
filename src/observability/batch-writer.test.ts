import { describe, expect, it } from 'vitest';
import { OmoiError, VirtualClock } from '#telemetry';
import { BatchWriter } from './batch-writer.ts';

function writerThat(write: (items: readonly number[]) => Promise<void>) {
  const clock = new VirtualClock();
  const seen = { dropped: 0, failures: 0, refused: 0 };
  const writer = new BatchWriter<number>({
    write,
    clock,
    maxQueued: 6,
    maxPerWrite: 4,
    delayMs: 100,
    onDropped: (count) => {
      seen.dropped += count;
    },
    onFailure: () => {
      seen.failures += 1;
    },
    onRefused: () => {
      seen.refused += 1;
    },
  });
  return { clock, writer, seen };
}

describe('a batch writer', () => {
  it('writes what gathers within the delay together', async () => {
    const written: (readonly number[])[] = [];
    const { clock, writer } = writerThat(async (items) => void written.push(items));
    writer.add(1);
    await clock.advance(60);
    writer.add(2);
    expect(written).toEqual([]);
    await clock.advance(40);
    expect(written).toEqual([[1, 2]]);
  });

  it('writes a full batch at once', async () => {
    const written: (readonly number[])[] = [];
    const { clock, writer } = writerThat(async (items) => void written.push(items));
    for (const item of [1, 2, 3, 4]) writer.add(item);
    await clock.advance(0);
    expect(written).toEqual([[1, 2, 3, 4]]);
  });

  it('tries again what failed, in order, and drops the oldest beyond its bound', async () => {
    const written: (readonly number[])[] = [];
    let broken = true;
    const { clock, writer, seen } = writerThat(async (items) => {
      if (broken) throw new OmoiError('database_failed', 'out of luck');
      written.push(items);
    });
    for (const item of [1, 2, 3]) writer.add(item);
    await clock.advance(100);
    expect(seen).toEqual({ dropped: 0, failures: 1, refused: 0 });
    for (const item of [4, 5, 6, 7, 8]) writer.add(item);
    broken = false;
    await clock.advance(100);
    expect(written.flat()).toEqual([3, 4, 5, 6, 7, 8]);
    expect(seen.dropped).toBe(2);
  });

  it('flushes what was added while a write was under way', async () => {
    const written: number[] = [];
    const first = Promise.withResolvers<void>();
    const { writer } = writerThat(async (items) => {
      if (items.includes(1)) await first.promise;
      written.push(...items);
    });
    writer.add(1);
    const flushing = writer.flush();
    writer.add(2);
    const again = writer.flush();
    first.resolve();
    await Promise.all([flushing, again]);
    expect(written).toEqual([1, 2]);
  });

  it('does nothing more once it is stopped', async () => {
    const written: number[] = [];
    const { clock, writer } = writerThat(async (items) => void written.push(...items));
    writer.add(1);
    await writer.stop();
    await clock.advance(1000);
    expect(written).toEqual([1]);
  });

  it('drops alone what is refused for good, and writes what is behind it', async () => {
    const written: number[] = [];
    const { clock, writer, seen } = writerThat((items) => {
      if (items.includes(2)) return Promise.reject(new Error('not null constraint failed'));
      written.push(...items);
      return Promise.resolve();
    });
    for (const item of [1, 2, 3, 4]) writer.add(item);
    await clock.advance(1000);
    expect(written).toEqual([1, 3, 4]);
    expect(seen).toEqual({ dropped: 0, failures: 0, refused: 1 });
    expect(writer.queued).toBe(0);
  });
});
