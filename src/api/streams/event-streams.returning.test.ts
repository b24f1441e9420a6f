import type { IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import { SelfMetrics, VirtualClock, type SystemEvent } from '#telemetry';
import { EventStreams, type EventSource } from './event-streams.ts';
import { idsIn, poolChanged, useStreamServer } from './event-streams.test-support.ts';

describe('many clients that come back at once', () => {
  const events = Array.from({ length: 350 }, (_, at) => ({
    ...poolChanged(at),
    id: at + 1,
    at: '2026-11-22T12:00:00.000Z',
  })) as unknown as readonly SystemEvent[];
  const reads: number[] = [];
  const runs: Promise<void>[] = [];
  let onRead: (afterId: number) => Promise<void> = async () => {};
  let readers = 0;
  const source: EventSource = {
    listen: () => ({ stop() {} }),
    async list({ afterId = 0, limit, newestFirst }) {
      if (newestFirst) return events.slice(-1);
      expect(++readers).toBe(1);
      reads.push(afterId);
      await onRead(afterId);
      readers--;
      return events.slice(afterId, afterId + limit);
    },
  };
  const { server, connect } = useStreamServer();

  beforeEach(() => {
    reads.length = 0;
    runs.length = 0;
    onRead = async () => {};
    const streams = new EventStreams({
      events: source,
      clock: new VirtualClock(),
      metrics: new SelfMetrics(),
    });
    server.removeAllListeners('request').on('request', (_incoming, response) => {
      const mayContinue = () => Promise.resolve(true);
      runs.push(streams.run({ response, lastEventId: 0, accepts: () => true, mayContinue }));
    });
  });

  const lastOf = async (response: IncomingMessage): Promise<void> => {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += String(chunk);
      if (text.includes('id: 350\n')) break;
    }
    expect(idsIn(text)).toEqual(events.map(({ id }) => id));
  };

  it('are sent what they missed page by page, each in its turn, one page at a time', async () => {
    let release = (): void => {};
    const allAreHere = new Promise<void>((resolve) => (release = resolve));
    onRead = () => allAreHere;
    const clients = await Promise.all([connect(), connect(), connect()]);
    release();
    await Promise.all(clients.map(lastOf));
    expect(reads).toEqual([0, 100, 200, 300].flatMap((afterId) => [afterId, afterId, afterId]));
  });

  it('cost no further read once they have left', async () => {
    const gone = new Promise<void>((resolve) => {
      server.once('request', (_incoming, response) => response.once('close', resolve));
    });
    const connected = connect();
    onRead = async () => {
      (await connected).destroy();
      await gone;
    };
    await connected;
    await gone;
    await Promise.all(runs);
    expect(reads).toEqual([0]);
  });
});
