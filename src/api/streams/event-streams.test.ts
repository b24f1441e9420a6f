import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createConnection, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SelfMetrics, VirtualClock, type NewSystemEvent, type SystemEvent } from '#telemetry';
import { EventStreams, type EventSource } from './event-streams.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { idsIn, poolChanged, stateChanged } from './event-streams.test-support.ts';

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
