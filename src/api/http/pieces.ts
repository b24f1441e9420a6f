import { Readable } from 'node:stream';
import { nextTurn } from '#telemetry';
import type { FastifyReply } from 'fastify';

/** What is sent between two turns of the event loop. */
const CHUNK_BYTES = 64 * 1024;
/** What most answers fit in: so little comes out of a pool. */
const FIRST_CHUNK_BYTES = 2048;
/** Pieces that are made between two turns: many may be empty, as where a list is walked of which little fits. */
const MAX_PIECES_PER_CHUNK = 2000;
/** A UTF-16 unit takes up to so many bytes. */
const MAX_UNIT_BYTES = 3;

/**
 * Sends a text that is made while it is sent: whole where it is small, else as a stream that lets others have the event
 * loop after each 64 KiB and each 2000 pieces, waits for a client that reads slowly, and ends `pieces` where the client goes away. The type
 * of the content has been set.
 */
export function sendPieces(reply: FastifyReply, pieces: Iterable<string>): FastifyReply {
  const chunks = chunksOf(pieces);
  const first = chunks.next();
  const second = chunks.next();
  // Bytes, since a text would be made JSON once more where that is the type.
  if (first.done === true || second.done === true) return reply.send(first.value ?? Buffer.alloc(0));
  return reply.send(Readable.from(inTurns([first.value, second.value], chunks), { objectMode: false }));
}

/**
 * Pieces as bytes in chunks; null where many pieces made no chunk. Texts go over at once: chains of them would only
 * burden the garbage collector.
 */
function* chunksOf(pieces: Iterable<string>): Generator<Buffer | null, void, void> {
  let chunk = Buffer.allocUnsafe(FIRST_CHUNK_BYTES);
  let used = 0;
  let made = 0;
  for (const piece of pieces) {
    if (++made > MAX_PIECES_PER_CHUNK) {
      yield null;
      made = 1;
    }
    const most = piece.length * MAX_UNIT_BYTES;
    if (used + most > chunk.length && chunk.length === FIRST_CHUNK_BYTES) {
      const larger = Buffer.allocUnsafe(CHUNK_BYTES);
      chunk.copy(larger, 0, 0, used);
      chunk = larger;
    }
    if (used > 0 && used + most > chunk.length) {
      yield chunk.subarray(0, used);
      chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, most));
      used = 0;
      made = 1;
    } else if (most > chunk.length) {
      chunk = Buffer.allocUnsafe(most);
    }
    used += chunk.write(piece, used);
  }
  if (used > 0) yield chunk.subarray(0, used);
}

async function* inTurns(
  begun: readonly (Buffer | null)[],
  rest: Iterable<Buffer | null>,
): AsyncGenerator<Buffer, void, void> {
  for (const chunk of begun) if (chunk) yield chunk;
  for (const chunk of rest) {
    if (chunk) yield chunk;
    await nextTurn();
  }
}
