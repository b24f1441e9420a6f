import { createGunzip, createInflate } from 'node:zlib';
import { nextTurn, OmoiError } from '#telemetry';
import type { TakeBytes } from '../http/body-budget.ts';

/** What is decompressed between two turns of the event loop, which is felt less than a call of the handler a page. */
const chunkBytes = 128 * 1024;
const copiedAtOnceBytes = 1024 * 1024;
/** No byte of deflate stands for more than this many. */
const maxRatio = 1032;
/** Of gzip: the length of what was compressed, modulo 2^32, little-endian, at the end (RFC 1952). */
const GZIP_LENGTH_BYTES = 4;
/** What a body becomes that does not say how much it is. */
const guessedRatio = 8;
const leastBytes = 1024;

export interface DecodedBodyOptions {
  /** The Content-Encoding header; undefined where there is none. */
  readonly contentEncoding: string | undefined;
  /** Of the body after decompression. */
  readonly maxBytes: number;
}

/** A body as it came, and how it becomes what it says. */
export interface EncodedBody {
  /** How large it will be, by its own account; only decompressing it tells. */
  readonly claimedBytes: number;
  /**
   * Decompresses it, a chunk a turn of the event loop.
   * @param take is called before memory is used
   * @throws OmoiError `body_too_large`, `payload_undecodable`, and what `take` throws
   */
  decode(take: TakeBytes): Promise<Uint8Array>;
}

/** @throws OmoiError `unsupported_media_type` */
export function encodedBody(body: Buffer, { contentEncoding, maxBytes }: DecodedBodyOptions): EncodedBody {
  const encoding = contentEncoding?.trim().toLowerCase() || 'identity';
  switch (encoding) {
    case 'identity':
      return { claimedBytes: body.length, decode: () => Promise.resolve(body) };
    case 'gzip':
    case 'deflate': {
      const claimedBytes = encoding === 'gzip' ? gzipLength(body) : body.length * guessedRatio;
      const firstBytes = Math.max(leastBytes, Math.min(claimedBytes, body.length * maxRatio, maxBytes));
      return {
        claimedBytes,
        decode: (take) => decompressed(body, { encoding, firstBytes, maxBytes, take }),
      };
    }
    default:
      throw new OmoiError(
        'unsupported_media_type',
        `content-encoding "${encoding}" is not read; send gzip, deflate or none`,
      );
  }
}

function gzipLength(body: Buffer): number {
  return body.length < GZIP_LENGTH_BYTES ? 0 : body.readUInt32LE(body.length - GZIP_LENGTH_BYTES);
}

interface Decompression {
  readonly encoding: 'gzip' | 'deflate';
  readonly firstBytes: number;
  readonly maxBytes: number;
  readonly take: TakeBytes;
}

async function decompressed(
  body: Buffer,
  { encoding, firstBytes, maxBytes, take }: Decompression,
): Promise<Uint8Array> {
  take(firstBytes);
  let decoded: Buffer = Buffer.allocUnsafeSlow(firstBytes);
  let length = 0;
  const stream =
    encoding === 'gzip' ? createGunzip({ chunkSize: chunkBytes }) : createInflate({ chunkSize: chunkBytes });
  stream.end(body);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const needed = length + chunk.length;
      if (needed > maxBytes) {
        throw new OmoiError('body_too_large', `the decompressed body exceeds ${maxBytes} bytes`);
      }
      if (needed > decoded.length) {
        const grownBytes = Math.min(maxBytes, Math.max(needed, 2 * decoded.length));
        take(grownBytes - decoded.length);
        decoded = await grown(decoded, { length, bytes: grownBytes });
      }
      length += chunk.copy(decoded, length);
    }
  } catch (thrown) {
    if (thrown instanceof OmoiError) throw thrown;
    throw new OmoiError('payload_undecodable', `the ${encoding} body is broken`);
  }
  return decoded.subarray(0, length);
}

async function grown(
  from: Buffer,
  { length, bytes }: { readonly length: number; readonly bytes: number },
): Promise<Buffer> {
  const to = Buffer.allocUnsafeSlow(bytes);
  for (let at = 0; at < length; at += copiedAtOnceBytes) {
    from.copy(to, at, at, Math.min(length, at + copiedAtOnceBytes));
    await nextTurn();
  }
  return to;
}
