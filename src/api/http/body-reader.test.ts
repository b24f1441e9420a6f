import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import { startTestApi } from '../api.test-support.ts';
import { BodyReader, maxBodyBytesPerTurn } from './body-reader.ts';

const PIECE_BYTES = 64 * 1024;
const MAX_BYTES = 10_000_000;

function requestOf(contentLength?: number): FastifyRequest {
  const headers = contentLength === undefined ? {} : { 'content-length': String(contentLength) };
  // What is read of a request.
  return { headers, routeOptions: { bodyLimit: MAX_BYTES } } as unknown as FastifyRequest;
}

const uncounted = (): void => undefined;

/** All of it is there at once, as from a sender on the same machine. */
function bodyOf(bytes: Buffer): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) pieces.push(bytes.subarray(at, at + PIECE_BYTES));
  return Readable.from(pieces, { objectMode: false });
}

/** Calls `look` after every turn of the event loop until the work is done; returns how many there were. */
async function turnsWhile(work: Promise<unknown>, look: () => void = () => undefined): Promise<number> {
  let turns = 0;
  const count = (): void => {
    turns++;
    look();
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await work.finally(() => clearImmediate(next));
  return turns;
}

const patterned = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, at) => at % 251));

describe('the body of a request', () => {
  it.each([0, 1, PIECE_BYTES, maxBodyBytesPerTurn, maxBodyBytesPerTurn + 1, 1_000_000])(
    'of %s bytes is read as it came',
    async (length) => {
      const bytes = patterned(length);
      for (const said of [length, undefined]) {
        const read = await new BodyReader().read(requestOf(said), bodyOf(bytes), uncounted);
        expect(read.equals(bytes)).toBe(true);
      }
    },
  );

  it('is taken in, and put together, so many bytes a turn, of all bodies together', async () => {
    const [bodies, length] = [10, 1024 * 1024];
    const reader = new BodyReader();
    let taken = 0;
    const takenInTurns: number[] = [];
    const reading = Promise.all(
      Array.from({ length: bodies }, () =>
        reader.read(requestOf(length), bodyOf(Buffer.alloc(length)), (bytes) => void (taken += bytes)),
      ),
    );
    let before = 0;
    const turns = await turnsWhile(reading, () => {
      if (taken > before) takenInTurns.push(taken - before);
      before = taken;
    });
    // A piece of each body is there before it is known that there is no room for it.
    const [first, ...others] = takenInTurns;
    expect(first).toBeLessThanOrEqual(bodies * PIECE_BYTES + maxBodyBytesPerTurn);
    expect(Math.max(...others)).toBeLessThanOrEqual(2 * maxBodyBytesPerTurn);
    expect(taken).toBe(bodies * length);
    // Taken in once and copied once, but for the pieces that were there at the beginning.
    expect(turns).toBeGreaterThanOrEqual((1.5 * bodies * length) / maxBodyBytesPerTurn);
  });

  it('that is small does not wait for those that are read', async () => {
    const reader = new BodyReader();
    const large = reader.read(requestOf(), bodyOf(Buffer.alloc(8_000_000)), uncounted);
    await nextTurn();
    const small = reader.read(requestOf(300), bodyOf(Buffer.alloc(300)), uncounted);
    expect(await turnsWhile(small)).toBeLessThanOrEqual(2);
    await large;
  });

  it('that is larger than it may be is refused before all of it is there', async () => {
    const reader = new BodyReader();
    await expect(
      reader.read(requestOf(MAX_BYTES + 1), bodyOf(Buffer.alloc(1)), uncounted),
    ).rejects.toMatchObject({
      code: 'body_too_large',
    });
    let taken = 0;
    const reading = reader.read(
      requestOf(),
      bodyOf(Buffer.alloc(2 * MAX_BYTES)),
      (bytes) => void (taken += bytes),
    );
    await expect(reading).rejects.toMatchObject({ code: 'body_too_large' });
    expect(taken).toBeLessThanOrEqual(MAX_BYTES);
  });

  it('is refused where it is not as long as the request says, breaks off, or may not be counted', async () => {
    const reader = new BodyReader();
    await expect(reader.read(requestOf(9), bodyOf(Buffer.alloc(8)), uncounted)).rejects.toMatchObject({
      code: 'invalid_request',
    });
    const broken = bodyOf(Buffer.alloc(8_000_000));
    const reading = reader.read(requestOf(), broken, uncounted);
    await nextTurn();
    broken.destroy(new Error('gone'));
    await expect(reading).rejects.toThrow('gone');
    const closed = bodyOf(Buffer.alloc(8_000_000));
    const untold = reader.read(requestOf(), closed, uncounted);
    await nextTurn();
    closed.destroy();
    await expect(untold).rejects.toMatchObject({ code: 'invalid_request' });
    const goneBefore = bodyOf(Buffer.alloc(8)).destroy();
    await once(goneBefore, 'close');
    await expect(reader.read(requestOf(), goneBefore, uncounted)).rejects.toMatchObject({
      code: 'invalid_request',
    });
    const full = (): never => {
      throw new Error('full');
    };
    await expect(reader.read(requestOf(), bodyOf(Buffer.alloc(8)), full)).rejects.toThrow('full');
  });
});

it('a connection whose body has to wait is not read meanwhile', async () => {
  const length = 8_000_000;
  const api = await startTestApi({
    register: (app) =>
      app.post(
        '/v1/body',
        { config: { access: ['admin'] }, bodyLimit: length },
        // Where the size of the sent body is all that counts.
        (request) => ({ bytes: JSON.stringify(request.body).length }),
      ),
  });
  try {
    const url = await api.api.listen({ host: '127.0.0.1', port: 0 });
    const body = JSON.stringify('a'.repeat(length - 2));
    const headers = { ...api.as('admin'), 'content-type': 'application/json', 'content-length': body.length };
    const connected = once(api.app.server, 'connection');
    const sending = httpRequest(new URL('/v1/body', url), { method: 'POST', headers });
    sending.end(body);
    const [socket] = (await connected) as [{ readonly bytesRead: number }];
    const answered = once(sending, 'response');
    const readInTurns: number[] = [];
    let before = 0;
    await turnsWhile(answered, () => {
      readInTurns.push(socket.bytesRead - before);
      before = socket.bytesRead;
    });
    // What has its turn, what was read to find that there is none, and what is kept until then.
    expect(Math.max(...readInTurns)).toBeLessThanOrEqual(maxBodyBytesPerTurn + 4 * PIECE_BYTES);
    const [answer] = (await answered) as [Readable & { readonly statusCode: number }];
    expect(answer.statusCode).toBe(200);
    answer.resume();
  } finally {
    await api.close();
  }
});
