import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createConnection, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SelfMetrics, VirtualClock, type NewSystemEvent, type SystemEvent } from '#telemetry';
import { EventStreams, type EventSource } from './event-streams.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';

let test: TestApi;
let url: URL;
const open: IncomingMessage[] = [];

beforeEach(async () => {
  test = await startTestApi();
  url = new URL(await test.api.listen({ host: '127.0.0.1', port: 0 }));
});

afterEach(async () => {
  for (const response of open.splice(0)) response.destroy();
  await test.close();
});

const poolChanged = (desired: number): NewSystemEvent => ({
  event_type: 'fleet.pool.changed',
  entity_type: 'pool',
  entity_id: 'coders',
  payload: { pool_id: 'coders', desired, effective: desired, reason: 'scaled' },
  traceparent: null,
});

const stateChanged: NewSystemEvent = {
  event_type: 'watchdog.state.changed',
  entity_type: 'watchdog',
  entity_id: 'watchdog',
  payload: { state: 'paused', active: true, reason: 'asked' },
  traceparent: null,
};

interface Stream {
  readonly status: number;
  /** Resolves with all that has arrived once it matches. */
  until(pattern: RegExp): Promise<string>;
  readonly ended: Promise<void>;
}

function listen(path = '/api/v1/events/stream', headers: Record<string, string> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: url.hostname,
      port: url.port,
      path,
      headers: { ...test.as('viewer'), ...headers },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      open.push(response);
      let received = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        received += chunk;
        response.emit('more');
      });
      const ended = new Promise<void>((end) => response.on('close', end));
      const until = (pattern: RegExp): Promise<string> =>
        new Promise((found) => {
          const look = (): void => {
            if (pattern.test(received)) found(received);
            else response.once('more', look);
          };
          look();
        });
      resolve({ status: response.statusCode ?? 0, until, ended });
    });
    outgoing.end();
  });
}

/** Of messages that are events. */
const idsIn = (text: string): number[] =>
  [...text.matchAll(/^id: (\d+)\ndata/gm)].map((match) => Number(match[1]));

describe('the stream of live events', () => {
  it('sends each event with its id as it is committed', async () => {
    const stream = await listen();
    await stream.until(/retry: 2000/);
    await test.appendEvent(poolChanged(3));
    const received = await stream.until(/"desired":3/);
    const [, id, data] = /^id: (\d+)\ndata: (.*)$/m.exec(received) ?? [];
    expect(JSON.parse(data ?? '')).toMatchObject({
      id: Number(id),
      event_type: 'fleet.pool.changed',
      at: '2026-11-22T12:00:00.000Z',
    });
  });

  it('names the event to resume from before anything happens', async () => {
    const empty = await listen();
    await empty.until(/^id: 0\n\n/m);
    await test.appendEvent(poolChanged(1));
    const [newest] = await test.eventBus.list({ limit: 1, newestFirst: true });
    const later = await listen();
    const told = await later.until(/^id: \d+\n\n/m);
    expect(told).toContain(`id: ${newest?.id}\n\n`);
    expect(idsIn(told)).toEqual([]);
  });

  it('resumes after the last event that the client has seen', async () => {
    for (const desired of [1, 2, 3]) await test.appendEvent(poolChanged(desired));
    const [first] = await test.eventBus.list({ limit: 1 });
    const stream = await listen(undefined, { 'last-event-id': String(first?.id) });
    await stream.until(/"desired":3/);
    await test.appendEvent(poolChanged(4));
    const ids = idsIn(await stream.until(/"desired":4/));
    expect(ids.map((id) => id - (first?.id ?? 0))).toEqual([1, 2, 3]);
  });

  it('sends only the types that were asked for', async () => {
    const stream = await listen('/api/v1/events/stream?types=watchdog,fleet.agent');
    await stream.until(/retry/);
    await test.appendEvent(poolChanged(1));
    await test.appendEvent(stateChanged);
    expect(idsIn(await stream.until(/"paused"/))).toHaveLength(1);
  });

  it('does not take types that do not exist', async () => {
    const stream = await listen('/api/v1/events/stream?types=watchdog,fleet.agnt');
    await stream.until(/"error":"invalid_request".*fleet\.agnt/);
  });

  it('tells a client that was away too long to start afresh', async () => {
    const missed = Array.from({ length: 5_600 }, (_, count) => poolChanged(count));
    await test.database.transaction((tx) => test.eventBus.append(tx, ...missed));
    const stream = await listen(undefined, { 'last-event-id': '0' });
    await stream.until(/event: reset\ndata: \{\}\n\n/);
  });

  it('tells a client of another database to start afresh, and from where', async () => {
    await test.appendEvent(poolChanged(1));
    const stream = await listen(undefined, { 'last-event-id': '99999999999' });
    const received = await stream.until(/event: reset\ndata: \{\}\n\n/);
    const [newest] = await test.eventBus.list({ limit: 1, newestFirst: true });
    expect(received).toContain(`id: ${newest?.id}\nevent: reset\n`);
    await test.appendEvent(poolChanged(2));
    await stream.until(/"desired":2/);
  });

  it('takes no place for a request that wants no body', async () => {
    const answer = await test.app.inject({
      method: 'HEAD',
      url: '/api/v1/events/stream',
      headers: { ...test.as('viewer'), host: 'omoi.example' },
    });
    expect(answer.statusCode).toBe(405);
  });

  it('beats every 15 s and ends the moment its token is revoked', async () => {
    const stream = await listen();
    await stream.until(/retry/);
    await test.clock.advance(15_000);
    await stream.until(/^: beat$/m);
    const viewer = (await test.access.listTokens({ afterId: null, limit: 100 })).find(
      ({ role }) => role === 'viewer',
    );
    await test.access.revokeToken(viewer?.id ?? '', 'test');
    await stream.ended;
  });

  it('refuses more listeners than it has room for, and callers without a role', async () => {
    const anonymous = await listen(undefined, { authorization: 'Bearer none' });
    expect(anonymous.status).toBe(401);
    for (let count = 0; count < 100; count++) await (await listen()).until(/retry/);
    expect((await listen()).status).toBe(503);
  });

  it('closes a client that does not read, and counts it', async () => {
    const outgoing = request({
      host: url.hostname,
      port: url.port,
      path: '/api/v1/events/stream',
      headers: test.as('viewer'),
    });
    const response = await new Promise<IncomingMessage>((resolve) => outgoing.on('response', resolve).end());
    open.push(response);
    response.pause();
    const lost = new Promise((resolve) => outgoing.on('close', resolve));
    const large: NewSystemEvent = {
      ...stateChanged,
      payload: { state: 'paused', active: true, reason: 'x'.repeat(200_000) },
    };
    const closedSlow = (): number =>
      test.metrics.collect().find(({ name }) => name === 'omoi_api_event_streams_closed_slow_total')
        ?.points[0]?.value ?? 0;
    // More than the system's buffers and Omoi's own take.
    for (let count = 0; count < 100; count++) await test.appendEvent(large);
    for (let beats = 0; beats < 10 && closedSlow() === 0; beats++) await test.clock.advance(15_000);
    expect(closedSlow()).toBe(1);
    response.resume().on('error', () => {});
    await lost;
  });

  it('writes what one commit brought in one piece, however many events those are', async () => {
    let tell: (event: SystemEvent) => void = () => {};
    const source: EventSource = {
      listen(listener) {
        tell = listener;
        return { stop() {} };
      },
      list: () => Promise.resolve([]),
    };
    const streams = new EventStreams({
      events: source,
      clock: new VirtualClock(),
      metrics: new SelfMetrics(),
    });
    const server = createServer((_incoming, response) => {
      const mayContinue = () => Promise.resolve(true);
      void streams.run({ response, lastEventId: null, accepts: () => true, mayContinue });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    // Each piece is a chunk of its own, as its bytes tell.
    let bytes = '';
    const socket = createConnection(port, '127.0.0.1').setEncoding('utf8');
    socket.on('data', (text: string) => (bytes += text));
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await vi.waitFor(() => expect(bytes).toContain('id: 0\n\n'));
    bytes = '';
    for (let id = 1; id <= 200; id++) tell({ ...poolChanged(id), id, at: '' });
    await vi.waitFor(() => expect(bytes).toContain('id: 200\n'));
    expect(idsIn(bytes)).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    expect(bytes.match(/^[0-9a-f]+\r\n/gm)).toHaveLength(1);
    socket.destroy();
    server.close();
  });

  it('keeps no place for a client that left while it was being admitted', async () => {
    const metrics = new SelfMetrics();
    const events = { listen: () => ({ stop() {} }), list: () => Promise.resolve([]) };
    const streams = new EventStreams({ events, clock: new VirtualClock(), metrics });
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a port');
    const client = request({ port: address.port, host: '127.0.0.1' }).on('error', () => {});
    client.end();
    const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
    const closed = once(response, 'close');
    client.destroy();
    await closed;
    await streams.run({
      response,
      lastEventId: null,
      accepts: () => true,
      mayContinue: () => Promise.resolve(true),
    });
    const open = metrics.collect().find(({ name }) => name === 'omoi_api_event_streams');
    expect(open?.points[0]?.value).toBe(0);
    server.close();
  });

  it('ends when the server stops', async () => {
    const stream = await listen();
    await stream.until(/retry/);
    const closing = test.api.close();
    await stream.ended;
    await closing;
  });
});

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
  const server = createServer();
  let port = 0;

  beforeEach(async () => {
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
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    server.closeAllConnections();
    const closed = once(server, 'close');
    server.close();
    await closed;
  });

  const connect = async (): Promise<IncomingMessage> => {
    const outgoing = request({ port, host: '127.0.0.1' }).on('error', () => {});
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return response.on('error', () => {});
  };

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
  const server = createServer();
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

  beforeEach(async () => {
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
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    const closed = once(server, 'close');
    server.close();
    await closed;
  });

  /** Its response stands still until somebody reads it. */
  async function connect(): Promise<IncomingMessage> {
    const { port } = server.address() as AddressInfo;
    const outgoing = request({ port, host: '127.0.0.1' }).on('error', () => {});
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    return incoming.on('error', () => {});
  }

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
