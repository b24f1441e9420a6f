import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { CONNECTION_BOUNDS, type ConnectionBounds } from './connection-limits.ts';

/** More than the system's buffers take. */
const LARGE = 50_000_000;
/** About twice of it. */
const MEDIUM = 10_000_000;
/** Longer than a busy machine keeps this process from a core while it reads. */
const STOOD_STILL_MS = 2000;
const FOREVER_MS = 3_600_000;

let test: TestApi;
let lateIsOver: Promise<void>;
let begunLate: number;
let sockets: Socket[];

beforeEach(() => {
  sockets = [];
  begunLate = 0;
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await test.close();
});

async function start(bounds: Partial<ConnectionBounds>): Promise<URL> {
  test = await startTestApi({
    parts: { connections: { ...CONNECTION_BOUNDS, ...bounds } },
    register: (app) => {
      app.post('/v1/slow', { config: { access: 'public' } }, async () => ({ read: true }));
      app.get('/v1/large', { config: { access: 'public' } }, () => 'x'.repeat(LARGE));
      app.get('/v1/medium', { config: { access: 'public' } }, () => 'x'.repeat(MEDIUM));
      app.get('/v1/late', { config: { access: 'public' } }, async () => {
        begunLate++;
        await lateIsOver;
        return 'late';
      });
    },
  });
  return new URL(await test.api.listenForIngest({ host: '127.0.0.1', port: 0 }));
}

/** A connection that says no more than it is told to, whatever it gets. */
function connectTo(url: URL): Socket {
  const socket = connect({ port: Number(url.port), host: url.hostname, allowHalfOpen: true });
  socket.on('error', () => {});
  sockets.push(socket);
  return socket;
}

async function open(url: URL): Promise<Socket> {
  const socket = connectTo(url);
  await once(socket, 'connect');
  return socket;
}

/** Asks with the first bytes, since a connection over which nothing was asked is closed after a while. */
function ask(url: URL, path: string): Socket {
  const socket = connectTo(url);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  return socket;
}

const ended = (socket: Socket): Promise<unknown> =>
  socket.readableEnded || socket.destroyed
    ? Promise.resolve()
    : once(socket.resume(), 'end').catch(() => null);

function valueOf(name: string): number {
  const pattern = new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\S+)$`, 'm');
  return Number(pattern.exec(page)?.[1] ?? 0);
}
let page = '';
async function readMetrics(): Promise<void> {
  page = (await test.app.inject({ url: '/metrics', headers: test.as('viewer') })).body;
}

const CLOSED = (reason: string): string => `omoi_http_connections_closed_total{reason="${reason}"}`;

/** What comes until the connection ends; that the server closes it while more is written to it is an end too. */
async function textUntilClosed(socket: Socket): Promise<string> {
  let received = '';
  socket.setEncoding('utf8').on('data', (some: string) => (received += some));
  await once(socket, 'end').catch(ignoreClosed);
  return received;
}

function ignoreClosed(thrown: unknown): void {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  if (code !== 'EPIPE' && code !== 'ECONNRESET') throw thrown;
}

const BEGINNING_OF_BODY =
  'POST /v1/slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n ';
const TIMED_OUT = /^HTTP\/1.1 408 [^]*"the request was not sent in time"/;

async function answer(url: URL): Promise<string> {
  const socket = await open(url);
  socket.write(
    'POST /v1/slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
  );
  return text(socket);
}

describe('connections', () => {
  it('are closed when nothing of an answer is read, and not while it is awaited', async () => {
    const url = await start({ unreadTimeoutMs: STOOD_STILL_MS });
    let end = (): void => {};
    lateIsOver = new Promise((resolve) => (end = resolve));
    const awaiting = ask(url, '/v1/late');
    expect((await text(ask(url, '/v1/large'))).length).toBeGreaterThan(LARGE);
    ask(url, '/v1/large').pause();
    await expect
      .poll(() => readMetrics().then(() => valueOf(CLOSED('unread'))), { timeout: 100_000 })
      .toBe(1);
    end();
    expect(await text(awaiting)).toMatch(/^HTTP\/1.1 200 [^]*late$/);
  });

  it('whose answers are not read are closed, those with the most first, until the rest is few enough', async () => {
    const maxUnreadBytes = 3 * MEDIUM;
    const url = await start({ maxUnreadBytes });
    const asking = 'GET /v1/medium HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const dead: Socket[] = [];
    for (let opened = 0; opened < 12; opened++) dead.push((await open(url)).pause());
    // Two ask for more than one answer before they have the first.
    for (const [at, socket] of dead.entries()) socket.write(asking.repeat(at < 2 ? 2 : 1));
    const isHeld = async (): Promise<boolean> => {
      await readMetrics();
      return valueOf('omoi_http_unread_bytes') > 12 * 0.4 * MEDIUM;
    };
    await until(isHeld);
    await test.clock.advance(CONNECTION_BOUNDS.addUnreadEveryMs);
    await readMetrics();
    expect(valueOf('omoi_http_unread_bytes')).toBeGreaterThan(0);
    expect(valueOf('omoi_http_unread_bytes')).toBeLessThanOrEqual(maxUnreadBytes);
    const closed = valueOf(CLOSED('max_unread_bytes'));
    expect(closed).toBeGreaterThanOrEqual(5);
    await until(() => readMetrics().then(() => valueOf('omoi_http_connections') === 12 - closed));
    await Promise.all(dead.slice(0, 2).map(ended));
    expect(await answer(url)).toMatch(/^HTTP\/1.1 200 /);
    await test.clock.advance(CONNECTION_BOUNDS.addUnreadEveryMs);
    await readMetrics();
    expect(valueOf(CLOSED('max_unread_bytes'))).toBe(closed);
  });

  it('of which 1,500 stay silent are bounded, the oldest make room, and requests are answered', async () => {
    const url = await start({ headersTimeoutMs: FOREVER_MS, requestTimeoutMs: FOREVER_MS });
    const silent: Socket[] = [];
    for (let opened = 0; opened < 1500; opened++) silent.push(await open(url));
    await Promise.all(silent.slice(0, 500).map(ended));
    await readMetrics();
    expect(valueOf('omoi_http_silent_connections')).toBe(1000);
    expect(valueOf(CLOSED('max_silent_connections'))).toBe(500);
    expect(silent.slice(500).filter((socket) => socket.readableEnded)).toEqual([]);
    expect(await answer(url)).toMatch(/^HTTP\/1.1 200 /);
  });

  it('over which no whole request comes are closed, descriptors and all, though the other side stays', async () => {
    const url = await start({ headersTimeoutMs: 100, requestTimeoutMs: 100, checkEveryMs: 20 });
    const slow = [await open(url), await open(url), await open(url)];
    slow[1]?.write('POST /v1/slow HTTP/1.1\r\nHost: local');
    slow[2]?.write('POST /v1/slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n');
    await Promise.all(slow.map(ended));
    await until(async () => {
      await readMetrics();
      return valueOf('omoi_http_connections') === 0;
    });
    expect(valueOf(CLOSED('timeout'))).toBe(3);
  });

  it('over which a body stops half-way are answered 408 and closed', async () => {
    const url = await start({ headersTimeoutMs: 100, requestTimeoutMs: 200, checkEveryMs: 20 });
    const socket = await open(url);
    socket.write(BEGINNING_OF_BODY);
    expect(await text(socket)).toMatch(TIMED_OUT);
    await readMetrics();
    expect(valueOf(CLOSED('timeout'))).toBe(1);
  });

  it('over which a body dribbles are closed, however evenly it comes', async () => {
    const url = await start({ headersTimeoutMs: 100, requestTimeoutMs: 200, checkEveryMs: 20 });
    const socket = await open(url);
    socket.write(BEGINNING_OF_BODY);
    const dribble = setInterval(() => socket.write(' '), 10);
    try {
      // A byte that is written after the close takes what was answered, and not read yet, with it.
      const answered = await textUntilClosed(socket);
      if (answered !== '') expect(answered).toMatch(TIMED_OUT);
    } finally {
      clearInterval(dribble);
    }
    await readMetrics();
    expect(valueOf(CLOSED('timeout'))).toBe(1);
  });

  it('over which more and more is asked before anything is answered are closed', async () => {
    const url = await start({ maxRequestsAhead: 3 });
    let end = (): void => {};
    lateIsOver = new Promise((resolve) => (end = resolve));
    const asking = 'GET /v1/late HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const [few, many] = [await open(url), await open(url)];
    few.write(asking.repeat(3));
    many.write(asking.repeat(3));
    await until(() => readMetrics().then(() => valueOf('omoi_http_silent_connections') === 0));
    expect(valueOf(CLOSED('max_requests_ahead'))).toBe(0);
    // All of it is read at once; the fourth has begun by the time it is counted.
    many.write(asking.repeat(200));
    await ended(many);
    expect(begunLate).toBe(3 + 3 + 1);
    await readMetrics();
    expect(valueOf(CLOSED('max_requests_ahead'))).toBe(1);
    let answers = '';
    few.setEncoding('utf8').on('data', (some: string) => (answers += some));
    end();
    await until(async () => answers.split('HTTP/1.1 200 ').length === 4);
  });

  it('that are more than a listener takes are closed at once', async () => {
    const url = await start({ maxConnections: 2 });
    const kept = [await open(url), await open(url)];
    await ended(await open(url));
    await readMetrics();
    expect(valueOf(CLOSED('max_connections'))).toBe(1);
    expect(kept.filter((socket) => socket.readableEnded)).toEqual([]);
  });
});

/** Looks at every turn of the event loop. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
