import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EventFollower, maxAwayMs, maxEventsSeen } from './event-follower.ts';

const LONG_MS = 60_000;

let directory: string;
let server: Server | null;
let follower: EventFollower;
let asked: IncomingMessage[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-follower-'));
  server = null;
  asked = [];
  follower = new EventFollower(() => (server ? join(directory, 'socket') : null));
});
afterEach(() => {
  follower.stop();
  server?.closeAllConnections();
  server?.close();
  rmSync(directory, { recursive: true });
});

/** A server that gives each connection what `answer` writes. */
async function serving(answer: (response: ServerResponse, connection: number) => void): Promise<void> {
  const started = createServer((request, response) => {
    response.setHeader('content-type', 'text/event-stream');
    answer(response, asked.push(request));
  }).listen(join(directory, 'socket'));
  await once(started, 'listening');
  server = started;
}

const event = (id: number, type = 'fleet.agent.exited'): string =>
  `id: ${id}\ndata: {"id":${id},"event_type":"${type}"}\n\n`;
const ends = { event_type: 'fleet.agent.exited' };
const isEnd = (seen: { event_type: string }): boolean => seen.event_type === ends.event_type;

it('waits for events that came and that come, over the end of a connection and a server that is late', async () => {
  follower.start(4);
  const second = follower.waitFor(isEnd, { count: 2, withinMs: LONG_MS });
  await serving((response, connection) => {
    if (connection === 1) response.end(event(5) + event(6, 'fleet.agent.registered'));
    else response.write(event(7));
  });
  expect(await second).toMatchObject({ id: 7, ...ends });
  expect(await follower.waitFor(isEnd, { count: 1, withinMs: 1 })).toMatchObject({ id: 5 });
  expect(await follower.waitFor(isEnd, { count: 3, withinMs: 1 })).toBeNull();
  expect([follower.lastId, follower.matching(isEnd).map(({ id }) => id)]).toEqual([7, [5, 7]]);
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual(['4', '6']);
});

it('tells who waits that events were missed: what did not come would prove nothing', async () => {
  await serving((response) => void response.write(`${event(5)}id: 900\nevent: reset\ndata: {}\n\n`));
  const waiting = follower.waitFor(isEnd, { count: 2, withinMs: LONG_MS });
  follower.start(4);
  await expect(waiting).rejects.toThrow(/too much happened/);
  await expect(follower.waitFor(isEnd, { count: 2, withinMs: LONG_MS })).rejects.toThrow(/too much happened/);
});

it('keeps 100,000 events, and says of more that it cannot know what came', async () => {
  const others = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, at) => event(from + at, 'fleet.task.completed')).join('');
  let write = (_text: string): void => {};
  await serving((response) => {
    write = (text) => void response.write(text);
    write(others(1, maxEventsSeen) + event(maxEventsSeen));
  });
  follower.start(0);
  expect(await follower.waitFor(isEnd, { count: 1, withinMs: LONG_MS })).toMatchObject({ id: maxEventsSeen });
  expect(follower.matching(() => true)).toHaveLength(maxEventsSeen);
  const waiting = follower.waitFor(isEnd, { count: 2, withinMs: LONG_MS });
  write(event(maxEventsSeen + 1));
  await expect(waiting).rejects.toThrow(/more than 100000 events/);
  expect(() => follower.matching(isEnd)).toThrow(/more than 100000 events/);
});

it('counts no time in which no server was there, and of that a minute at most', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  try {
    let end = (): void => {};
    await serving((response) => {
      end = () => void response.end();
      response.write(event(asked.length, 'fleet.agent.registered'));
    });
    follower.start(0);
    const settled: unknown[] = [];
    const wait = (count: number): void => {
      void follower.waitFor(isEnd, { count, withinMs: 1000 }).then((found) => settled.push(found));
    };
    await real(() => follower.lastId === 1);
    wait(1);
    // The server goes, and does not come back.
    rmSync(join(directory, 'socket'));
    end();
    await real(() => follower.isAway);
    await vi.advanceTimersByTimeAsync(maxAwayMs);
    expect(settled).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(settled).toEqual([null]);
  } finally {
    vi.useRealTimers();
  }
});

/** Waits for what sockets bring, by turns of the event loop. */
async function real(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
