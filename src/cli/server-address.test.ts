import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { addressOf, authorizationOf, isTransient } from './server-address.ts';
import { clientOf } from './server-client.ts';

let close = (): void => {};
afterEach(() => close());

/** What a person is told. */
async function refusalOf(act: () => unknown): Promise<OmoiError> {
  try {
    await act();
  } catch (thrown) {
    if (thrown instanceof OmoiError) return thrown;
    throw thrown;
  }
  throw new Error('it was not refused');
}

describe('an address that is none', () => {
  it.each([
    [
      'localhost:4600',
      '"localhost:4600" is no address like http://host:4600; did you mean http://localhost:4600?',
    ],
    ['http://', '"http://" is no address like http://host:4600'],
    ['ftp://a', '"ftp://a" is no address like http://host:4600'],
    ['http://a:99999', '"http://a:99999" is no address like http://host:4600'],
  ])('%s', async (url, told) => {
    expect((await refusalOf(() => addressOf(url, '/'))).message).toBe(told);
  });

  it.each(['http://ann:secret@a:4600', 'https://secret@a'])(
    '%s, without what is secret in it',
    async (url) => {
      const { code, message } = await refusalOf(() => addressOf(url, '/'));
      expect(code).toBe('invalid_request');
      expect(message).not.toContain('secret');
      expect(message).toContain('$OMOI_TOKEN');
    },
  );
});

it.each(['/api/v1/fleet/agents/..', '/api/v1/fleet/agents/./why', '/api/v1/fleet/agents/../output?lines=1'])(
  '%s asks for nothing else',
  async (path) => {
    const { code, message } = await refusalOf(() => addressOf('http://a:4600', path));
    expect([code, message]).toEqual(['invalid_request', expect.stringMatching(/nothing is called "\.\.?"/)]);
  },
);

it('takes names with dots in them', () => {
  expect(addressOf('http://a:4600', '/x/a.b/..c?d=..').href).toBe('http://a:4600/x/a.b/..c?d=..');
});

it.each(['secret\nsecret', 'sec ret', 'sécret', ''])(
  'a token that is none is not shown: %j',
  async (token) => {
    const { code, message } = await refusalOf(() => authorizationOf(token));
    expect(code).toBe('invalid_request');
    expect(message).not.toMatch(/s[eé]c/);
  },
);

/** Something listens that is no Omoi, and does so with each connection. */
async function listening(answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    answer(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = () => void server.close();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port');
  return `127.0.0.1:${address.port}`;
}

const asking = (url: string) =>
  refusalOf(() => clientOf({ kind: 'remote', url, token: null }).call('GET', '/x'));

describe('who does not answer', () => {
  it('speaks no TLS: that is said in one line, with the address that is meant', async () => {
    const at = await listening(
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 no\r\n\r\n')),
    );
    const refusal = await asking(`https://${at}`);
    expect(refusal.message).toBe(
      `what listens at https://${at} does not speak TLS; did you mean http://${at}?`,
    );
    expect(isTransient(refusal)).toBe(false);
  });

  it('goes amid its answer: it may come back', async () => {
    const at = await listening(
      (socket) =>
        void socket.once('data', () =>
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":', () => socket.destroy()),
        ),
    );
    const refusal = await asking(`http://${at}`);
    expect(refusal.message).toContain(`no server answers at http://${at}: `);
    expect(isTransient(refusal)).toBe(true);
  });

  it('is no server at all', async () => {
    const at = await listening(() => {});
    close();
    expect(isTransient(await asking(`http://${at}`))).toBe(true);
  });
});
