import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { askQuery } from './ask.ts';

let server: Server | null = null;

afterEach(() => server?.close());

const ask = (url: string) => askQuery({ kind: 'remote', url, token: null }, 'query', { query: 'up' });

/** The address of a server of something else. */
async function otherServer(): Promise<string> {
  server = createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port');
  return `http://127.0.0.1:${address.port}`;
}

it.each(['nonsense', 'localhost:4600', 'file:///etc', ''])('%j is refused as an address', async (url) => {
  await expect(ask(url)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining(url),
  });
});

it('says where no server answers, and why', async () => {
  const url = await otherServer();
  server?.close();
  await expect(ask(url)).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringMatching(new RegExp(`^no server answers at ${url}: .*ECONNREFUSED`)),
  });
});

it('says where something else answers', async () => {
  const url = await otherServer();
  await expect(ask(url)).rejects.toMatchObject({
    code: 'not_found',
    message: `what answers at ${url} (status 200) is no Omoi server`,
  });
});
