import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { readBody } from './exchange.ts';
import { noAnswerOf } from './failure-texts.ts';

it('a body that does not end is cut when its time is over', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const deadline = new AbortController();
  const { signal } = deadline;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, signal }, resolve).on('error', reject);
  });
  const reading = readBody(answer);
  deadline.abort();
  const { text, cutBy } = await reading;
  expect('half').toContain(text);
  expect(noAnswerOf(cutBy, 'there', signal).kind).toBe('timeout');
  server.close();
});
