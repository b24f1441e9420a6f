import type { Readable } from 'node:stream';
import { OmoiError, TurnBudget } from '#telemetry';
import type { FastifyRequest } from 'fastify';

/**
 * Bytes of bodies that are received, or copied, between two turns of the event loop, of all requests together. Memory
 * that is new costs a fault for each page: on a virtual machine 5 ms for a megabyte.
 */
export const maxBodyBytesPerTurn = 256 * 1024;

/**
 * Reads the bodies of requests into memory. A server reads a connection for as long as there is anything to read, one
 * after the other, and to join the pieces of a body of 8 MB in one go takes 50 ms: so many bytes a turn are taken, and the
 * connections of the others are not read meanwhile.
 */
export class BodyReader {
  readonly #turns = new TurnBudget(maxBodyBytesPerTurn);

  /**
   * @param payload the body as it comes in
   * @param counted takes the bytes of each piece from a budget; what it throws refuses the request
   * @throws OmoiError `body_too_large`, `invalid_request` where it is shorter than the request says
   */
  async read(request: FastifyRequest, payload: Readable, counted: TakeBytes): Promise<Buffer> {
    const expected = Number(request.headers['content-length']);
    const maxBytes = request.routeOptions.bodyLimit;
    if (expected > maxBytes) throw tooLarge(maxBytes);
    const pieces = await this.#pieces(payload, { maxBytes, expected, counted });
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (!Number.isNaN(expected) && length !== expected) {
      throw new OmoiError('invalid_request', 'the body is not as long as its Content-Length says');
    }
    return this.#joined(pieces, length);
  }

  /** Waits until so many bytes may be copied. */
  take(bytes: number): Promise<void> {
    return this.#turns.take(bytes);
  }

  #pieces(payload: Readable, { maxBytes, expected, counted }: Reading): Promise<Buffer[]> {
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let length = 0;
      const stop = (): void => {
        payload.off('data', add).off('end', end).off('error', fail).off('close', breakOff);
      };
      const end = (): void => {
        stop();
        resolve(pieces);
      };
      const fail = (error: Error): void => {
        stop();
        reject(error);
      };
      const breakOff = (): void => fail(new OmoiError('invalid_request', 'the body broke off'));
      const add = (piece: Buffer): void => {
        length += piece.length;
        try {
          if (length > maxBytes) throw tooLarge(maxBytes);
          counted(piece.length);
        } catch (thrown) {
          fail(thrown instanceof Error ? thrown : new Error(String(thrown)));
          return;
        }
        pieces.push(piece);
        // What is complete has been read: it waits for nothing.
        if (this.#turns.tryTake(piece.length) || length === expected) return;
        payload.pause();
        void this.#turns.take(piece.length).then(() => payload.resume());
      };
      // Whoever went away before, while it was asked who it is, is told of no more.
      if (payload.destroyed) return breakOff();
      payload.on('data', add).on('end', end).on('error', fail).on('close', breakOff);
      payload.resume();
    });
  }

  /** Leaves `pieces` empty, so that none stays longer than it has to. */
  async #joined(pieces: Buffer[], length: number): Promise<Buffer> {
    const [first] = pieces;
    if (pieces.length === 1 && first) return first;
    if (length <= maxBodyBytesPerTurn) return Buffer.concat(pieces, length);
    const body = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
      await this.#turns.take(piece.length);
      filled += piece.copy(body, filled);
    }
    return body;
  }
}

/** Takes memory for a body and what it becomes. @throws OmoiError `ingest_busy`, `server_busy`, `body_too_large` */
export type TakeBytes = (bytes: number) => void;

interface Reading {
  readonly maxBytes: number;
  /** By the Content-Length header; NaN where there is none. */
  readonly expected: number;
  readonly counted: TakeBytes;
}

function tooLarge(maxBytes: number): OmoiError {
  return new OmoiError('body_too_large', `the body exceeds ${maxBytes} bytes`);
}
