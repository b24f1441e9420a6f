import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { followEvents, type FeedMessage } from './event-feed.ts';
import { serveStreams } from './event-stream-server.test-support.ts';

let close = (): void => {};
afterEach(() => close());

type Answer = (response: ServerResponse) => void;

/** A server that gives each connection the next answer. @returns what it was asked, connection by connection */
async function serving(answers: readonly Answer[]) {
  const asked: IncomingMessage[] = [];
  const { url, close: stop } = await serveStreams((request, response) => {
    const answer = answers[asked.push(request) - 1];
    if (answer) answer(response);
  });
  close = stop;
  return { asked, server: { kind: 'remote', url, token: 't' } as const };
}

const event = (id: number): string => `id: ${id}\ndata: {"id":${id},"event_type":"fleet.agent.exited"}\n\n`;

/** Follows until so many messages have come. */
async function heard(
  server: Parameters<typeof followEvents>[0],
  count: number,
  more: { readonly maxSilenceMs?: number } = {},
) {
  const ending = new AbortController();
  const messages: FeedMessage[] = [];
  const connection: string[] = [];
  const options = {
    ...more,
    types: ['fleet.agent', 'watchdog'],
    signal: ending.signal,
    onConnection: (state: string) => void connection.push(state),
  };
  for await (const message of followEvents(server, options)) {
    messages.push(message);
    if (messages.length === count) ending.abort();
  }
  const told = messages.map((message) => (message.kind === 'event' ? message.event.id : message.kind));
  return { told, connection };
}

it('goes on behind the last event when the connection has broken off', async () => {
  const { server, asked } = await serving([
    (response) => {
      response.write('retry: 2000\n\nid: 4\n\n');
      // In pieces, as a network may deliver it.
      response.write(event(5).slice(0, 9));
      response.write(`${event(5).slice(9)}: beat\n\n`, () => setImmediate(() => response.destroy()));
    },
    (response) => void response.end(),
    (response) => void response.write(event(6)),
  ]);
  expect(await heard(server, 3)).toEqual({ told: ['opened', 5, 6], connection: ['lost', 'back'] });
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '5', '5']);
  expect(asked[0]?.url).toBe('/api/v1/events/stream?types=fleet.agent,watchdog');
  expect(asked[0]?.headers.authorization).toBe('Bearer t');
});

it('asks anew where a server takes the connection and does not answer', async () => {
  const { server, asked } = await serving([
    (response) => void response.end(`id: 4\n\n${event(5)}`),
    () => undefined,
    (response) => void response.write(event(6)),
  ]);
  const { told } = await heard(server, 3, { maxSilenceMs: 500 });
  expect(told).toEqual(['opened', 5, 6]);
  expect(asked).toHaveLength(3);
});

it('says when too much was missed', async () => {
  const { server } = await serving([
    (response) => void response.write(`id: 4\n\nid: 9\nevent: reset\ndata: {}\n\n${event(10)}`),
  ]);
  expect((await heard(server, 3)).told).toEqual(['opened', 'missed', 10]);
});

it('waits for a server that is stopping, and not for one that refuses', async () => {
  const refusing =
    (status: number, error: string): Answer =>
    (response) => {
      response.statusCode = status;
      response.end(JSON.stringify({ error, message: 'no' }));
    };
  const { server } = await serving([
    (response) => void response.end('id: 4\n\n'),
    refusing(503, 'shutting_down'),
    refusing(401, 'unauthenticated'),
  ]);
  await expect(heard(server, 2)).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('says at once where no server is', async () => {
  const server = { kind: 'remote', url: 'http://127.0.0.1:9', token: null } as const;
  await expect(heard(server, 1)).rejects.toThrow(/^no server answers at http:\/\/127\.0\.0\.1:9: /);
});

it('goes on behind an event that is known, and waits for a server that is not there yet', async () => {
  const { server, asked } = await serving([
    (response) => void response.destroy(),
    (response) => void response.write(event(8)),
  ]);
  const ending = new AbortController();
  const messages: FeedMessage[] = [];
  const options = { types: [], signal: ending.signal, afterId: 7, maxRetryMs: 10, onConnection: () => {} };
  for await (const message of followEvents(server, options)) {
    messages.push(message);
    if (message.kind === 'event') ending.abort();
  }
  expect(messages.map(({ kind }) => kind)).toEqual(['opened', 'event']);
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual(['7', '7']);
});
