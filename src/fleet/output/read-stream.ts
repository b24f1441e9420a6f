import { watch, type FSWatcher } from 'node:fs';
import { open } from 'node:fs/promises';
import type { StreamPiece, StreamPosition } from './output-source.ts';

interface StreamFile {
  readonly path: string;
  /** How often it has been emptied. */
  readonly emptied: number;
}

const NEWLINE = 0x0a;

/**
 * What a file has behind a position, at most its newest `maxBytes`. Without a position the newest copy of the file
 * (`PATH.1`) counts, too, where the file itself has been emptied a short while ago.
 * @returns null where there is no file
 */
export async function readStream(
  { path, emptied }: StreamFile,
  from: StreamPosition | null,
  maxBytes: number,
): Promise<StreamPiece | null> {
  const known = from !== null && from.emptied === emptied ? from.bytes : null;
  const end = await endOf(path, { from: known ?? 0, maxBytes });
  if (!end) return null;
  const gone = known !== null && known > end.size;
  const begin = end.size - end.bytes.length;
  const before = from === null && begin === 0 ? await endOfCopy(path, maxBytes - end.bytes.length) : null;
  const isCut = known === null ? begin > 0 || before?.isCut === true : begin > known;
  const bytes = before ? Buffer.concat([before.bytes, end.bytes]) : end.bytes;
  const whole = bytes.subarray(0, bytes.length - partialCharacterBytes(bytes));
  const text = (isCut ? behindFirstLine(whole) : whole).toString('utf8');
  const next = { emptied, bytes: end.size - (bytes.length - whole.length) };
  return { text, skipped: isCut || gone || (from !== null && known === null), next };
}

/**
 * @param changed told of every change in the directory: of which file, or null where the system does not say
 * @returns ends it
 */
export function watchDirectory(directory: string, changed: (name: string | null) => void): () => void {
  let watcher: FSWatcher;
  try {
    watcher = watch(directory, { persistent: false }, (_, name) => changed(name));
  } catch {
    return () => {};
  }
  watcher.on('error', () => watcher.close());
  return () => watcher.close();
}

interface FileEnd {
  readonly bytes: Buffer;
  readonly size: number;
}

/** @param from where it may begin; behind the end of a file that has been emptied since, all of it counts */
async function endOf(
  path: string,
  { from, maxBytes }: { readonly from: number; readonly maxBytes: number },
): Promise<FileEnd | null> {
  const file = await open(path, 'r').catch(nullIfMissing);
  if (!file) return null;
  try {
    const { size } = await file.stat();
    const begin = Math.max(from > size ? 0 : from, size - maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - begin), 0, size - begin, begin);
    return { bytes: buffer.subarray(0, bytesRead), size: begin + bytesRead };
  } finally {
    await file.close();
  }
}

async function endOfCopy(
  path: string,
  maxBytes: number,
): Promise<{ readonly bytes: Buffer; readonly isCut: boolean } | null> {
  if (maxBytes <= 0) return null;
  const copy = await endOf(`${path}.1`, { from: 0, maxBytes });
  return copy && { bytes: copy.bytes, isCut: copy.size > copy.bytes.length };
}

function behindFirstLine(bytes: Buffer): Buffer {
  const newline = bytes.indexOf(NEWLINE);
  return newline < 0 ? bytes : bytes.subarray(newline + 1);
}

/** How many bytes at the end begin a character of UTF-8 whose other bytes have not come yet. */
function partialCharacterBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    const length = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return byte < 0xf8 && length > back ? back : 0;
  }
  return 0;
}

function nullIfMissing(error: unknown): null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOENT' || code === 'ENOTDIR') return null;
  throw error;
}
