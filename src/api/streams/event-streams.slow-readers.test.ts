import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SelfMetrics, VirtualClock, type SystemEvent } from '#telemetry';
import { EventStreams, type EventSource } from './event-streams.ts';
import { idsIn, stateChanged, useStreamServer } from './event-streams.test-support.ts';

describe('a client that reads slowly or not at all', () => {
  const longReason = 'x'.repeat(35_000);
  /** 300 events of 35,000 characters, as alerts with the most labels have. */
  const large = (id: number): SystemEvent => ({
    ...({ ...stateChanged, payload: { state: 'paused', active: true, reason: longReason } } as const),
    id,
    at: '2026-11-22T12:00:00.000Z',
  });
  const log: SystemEvent[] = [];
  const clock = new VirtualClock();
  const { server, connect } = useStreamServer();
  let metrics: SelfMetrics;
  let tell: (event: SystemEvent) => void;
  let response: ServerResponse;
  let lastEventId: number | null = 0;
  let reads = 0;
  let onRead: () => Promise<void>;

  const happens = (): void => {
    const event = large(log.length + 1);
    log.push(event);
    tell(event);
  };
  const closedSlow = (): number =>
    metrics.collect().find(({ name }) => name === 'omoi_api_event_streams_closed_slow_total')?.points[0]
      ?.value ?? 0;

  beforeEach(() => {
    log.length = 0;
    reads = 0;
    onRead = async () => {};
    metrics = new SelfMetrics();
    const source: EventSource = {
      listen(listener) {
        tell = listener;
        return { stop() {} };
      },
      async list({ afterId = 0, limit, newestFirst }) {
        if (newestFirst) return log.slice(-1);
        reads++;
        await onRead();
        return log.slice(afterId, afterId + limit);
      },
    };
    const streams = new EventStreams({ events: source, clock, metrics });
    server.removeAllListeners('request').on('request', (_incoming, outgoing: ServerResponse) => {
      response = outgoing;
      const mayContinue = () => Promise.resolve(true);
      void streams.run({ response, lastEventId, accepts: () => true, mayContinue });
    });
  });

  it('is sent large events that it missed as fast as it reads, and all that happens meanwhile', async () => {
    lastEventId = 0;
    for (let count = 0; count < 300; count++) log.push(large(log.length + 1));
    const incoming = await connect();
    await vi.waitFor(() => expect(response.writableNeedDrain).toBe(true));
    // More than may wait for one client.
    for (let count = 0; count < 6000; count++) happens();
    expect([closedSlow(), response.destroyed]).toEqual([0, false]);
    log.length = 400;
    let text = '';
    const ids: number[] = [];
    for await (const chunk of incoming.setEncoding('utf8')) {
      text += String(chunk);
      const end = text.lastIndexOf('\n\n');
      if (end < 0) continue;
      ids.push(...idsIn(text.slice(0, end)));
      text = text.slice(end);
      if (ids.length >= 400) break;
    }
    expect(ids).toEqual(Array.from({ length: 400 }, (_, at) => at + 1));
    expect(closedSlow()).toBe(0);
  });

  it('is closed after a minute in which it took nothing, and counted once', async () => {
    lastEventId = null;
    await connect();
    await vi.waitFor(() => expect(response.writableNeedDrain).toBe(false));
    while (response.writableLength === 0) {
      happens();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await clock.advance(60_000);
    expect(response.destroyed).toBe(false);
    await clock.advance(15_000);
    expect([closedSlow(), response.destroyed]).toEqual([1, true]);
  });

  /** The ids of the events that come, until there are so many. */
  async function idsUntil(incoming: IncomingMessage, count: number): Promise<readonly number[]> {
    let text = '';
    const ids: number[] = [];
    for await (const chunk of incoming.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      const end = text.lastIndexOf('\n\n');
      if (end < 0) continue;
      ids.push(...idsIn(text.slice(0, end)));
      text = text.slice(end);
      if (ids.length >= count) break;
    }
    return ids;
  }

  const countTo = (last: number, from = 1): readonly number[] =>
    Array.from({ length: last - from + 1 }, (_, at) => from + at);

  it('is sent all of a commit that brings more than may be unread, and lives on', async () => {
    lastEventId = null;
    const incoming = await connect();
    await vi.waitFor(() => expect(response.writableLength).toBe(0));
    for (let count = 0; count < 300; count++) happens();
    expect(response.writableLength).toBeLessThan(1_100_000);
    expect(await idsUntil(incoming, 300)).toEqual(countTo(300));
    await vi.waitFor(() => expect(response.writableNeedDrain).toBe(false));
    // Where events are large, few are read for each page.
    expect(reads).toBeGreaterThan(30);
    happens();
    expect(await idsUntil(incoming, 1)).toEqual([301]);
    expect([closedSlow(), response.destroyed]).toEqual([0, false]);
  });

  it('leaves no more unread than may be, however much happens, and is told to begin anew', async () => {
    lastEventId = null;
    const incoming = await connect();
    await vi.waitFor(() => expect(response.writableLength).toBe(0));
    for (let commit = 0; commit < 120; commit++) {
      for (let count = 0; count < 50; count++) happens();
      await new Promise((resolve) => setImmediate(resolve));
      expect(response.writableLength).toBeLessThan(1_500_000);
    }
    let text = '';
    for await (const chunk of incoming.setEncoding('utf8')) {
      text = text.slice(-100) + String(chunk);
      if (text.includes('event: reset\n')) break;
    }
    expect(closedSlow()).toBe(0);
  });

  it('is sent from the log what is more than may wait while the log is read', async () => {
    lastEventId = 0;
    let release = (): void => {};
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    onRead = () => isReleased;
    happens();
    const incoming = await connect();
    await vi.waitFor(() => expect(reads).toBe(1));
    for (let count = 0; count < 100; count++) happens();
    release();
    expect(await idsUntil(incoming, 101)).toEqual(countTo(101));
    expect([closedSlow(), response.destroyed]).toEqual([0, false]);
  });
});
