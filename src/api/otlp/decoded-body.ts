import { createGunzip, createInflate } from 'node:zlib';
import { OmoiError } from '#telemetry';
import type { TakeBytes } from '../http/body-reader.ts';

/** What comes out of the decompressor at once, which is felt less than a call of the handler a page. */
const chunkBytes = 128 * 1024;
const copiedAtOnceBytes = 64 * 1024;
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
   * Decompresses it, as fast as `pace` lets it.
   * @param take is called before memory is used
   * @throws OmoiError `body_too_large`, `payload_undecodable`, and what `take` throws
   */
  decode(take: TakeBytes, pace: CopyPace): Promise<Uint8Array>;
}

/** Resolves when so many bytes may be copied: large bodies leave others their turns, several together like one. */
export interface CopyPace {
  take(bytes: number): Promise<void>;
}

/** @throws OmoiError `unsupported_media_type` */
export function encodedBody(body: Buffer, { contentEncoding, maxBytes }: DecodedBodyOptions): EncodedBody {
  const named = contentEncoding?.trim().toLowerCase() || 'identity';
  // The older name of the same (RFC 9110, 8.4.1.3).
  const encoding = named === 'x-gzip' ? 'gzip' : named;
  switch (encoding) {
    case 'identity':
      return { claimedBytes: body.length, decode: () => Promise.resolve(body) };
    case 'gzip':
    case 'deflate': {
      const claimedBytes = encoding === 'gzip' ? gzipLength(body) : body.length * guessedRatio;
      const firstBytes = Math.max(leastBytes, Math.min(claimedBytes, body.length * maxRatio, maxBytes));
      return {
        claimedBytes,
        decode: (take, pace) => decompressed(body, { encoding, firstBytes, maxBytes, take, pace }),
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
  readonly pace: CopyPace;
}

async function decompressed(
  body: Buffer,
  { encoding, firstBytes, maxBytes, take, pace }: Decompression,
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
        decoded = await grown(decoded, { length, bytes: grownBytes, pace });
      }
      await pace.take(chunk.length);
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
  { length, bytes, pace }: { readonly length: number; readonly bytes: number; readonly pace: CopyPace },
): Promise<Buffer> {
  const to = Buffer.allocUnsafeSlow(bytes);
  for (let at = 0; at < length; at += copiedAtOnceBytes) {
    const end = Math.min(length, at + copiedAtOnceBytes);
    await pace.take(end - at);
    from.copy(to, at, at, end);
  }
  return to;
}
