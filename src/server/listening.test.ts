import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { listening, type AskedAddress } from './listening.ts';

async function listen({ host, port }: AskedAddress): Promise<string> {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  server.close();
  return `${host}:${port}`;
}

function failing(code: string): () => Promise<string> {
  return () => Promise.reject(Object.assign(new Error(`listen ${code}`), { code }));
}

describe('an address of the configuration', () => {
  it('is listened on', async () => {
    expect(await listening('http', { host: '127.0.0.1', port: 0 }, listen)).toBe('127.0.0.1:0');
  });

  it('that another program has is named with the key, and how to choose another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const refused = listening('http', { host: '127.0.0.1', port }, listen);
    await expect(refused).rejects.toMatchObject({ code: 'address_unavailable' });
    await expect(refused).rejects.toThrow(
      new RegExp(`^http.port: another program listens on 127.0.0.1 port ${port}; .* OMOI_HTTP_PORT=\\d+$`),
    );
    other.close();
  });

  it('that is none of this machine is named with the key', async () => {
    await expect(listening('otlp', { host: '203.0.113.1', port: 4318 }, listen)).rejects.toThrow(
      /^otlp.host: 203.0.113.1 is no address of this machine/,
    );
  });

  it.each([
    ['EACCES', 80, /^otlp.port: this user may not listen on port 80; choose one from 1024 on$/],
    ['EADDRINUSE', 65_535, /OMOI_OTLP_PORT=65435$/],
    ['EMFILE', 4318, /^otlp: 127.0.0.1 port 4318 can't be listened on: listen EMFILE$/],
  ])('is told apart by %s on port %i', async (code, port, message) => {
    await expect(listening('otlp', { host: '127.0.0.1', port }, failing(code))).rejects.toThrow(message);
  });
});
