import { crc32 } from 'node:zlib';
import { messageOf } from '#telemetry';
import type { ByteWriter } from './byte-writer.ts';
import type { LogStorage } from './log-storage.ts';

/*
 * Log segments and snapshots are sequences of records:
 *
 *   4 bytes   length of the payload
 *   4 bytes   CRC-32 (as in zlib) of type and payload
 *   1 byte    type
 *   payload
 *
 * CRC-32 rather than CRC-32C because Node has it in native code; it finds the same torn writes and flipped bits.
 */
const RECORD_HEADER_BYTES = 9;
/** A longer record is damage, not data. */
const MAX_RECORD_BYTES = 256 * 1024 * 1024;
const READ_BYTES = 4 * 1024 * 1024;

export const RECORD = {
  /** Starts a segment: whose references follow. */
  run: 1,
  series: 2,
  samples: 3,
  histograms: 4,
  exemplars: 5,
  metadata: 6,
  /** Who series are from; in snapshots too. */
  senders: 7,
  snapshotHeader: 16,
  snapshotSeries: 17,
  snapshotEnd: 18,
} as const;

/** Frames a payload that `write` appends to the writer. */
export function writeRecord(into: ByteWriter, type: number, payload: Uint8Array): void {
  into.reserve(RECORD_HEADER_BYTES + payload.length);
  const start = into.length;
  into.word(payload.length);
  into.word(0);
  into.byte(type);
  into.copy(payload);
  into.setWord(start + 4, crc32(into.bytes.subarray(start + 8, into.length)));
}

/** How far a file could be read. */
export interface ReadOutcome {
  readonly goodBytes: number;
  /** Why the rest was not read; null where all was. */
  readonly damage: string | null;
}

/**
 * Gives each good record to `use`, up to the first that is torn, flipped or that `use` rejects by throwing. The
 * payload is a view that is good until `use` returns. Between reads the event loop turns.
 */
export async function readRecords(
  storage: LogStorage,
  name: string,
  use: (type: number, payload: Uint8Array) => void,
): Promise<ReadOutcome> {
  const size = await storage.size(name);
  let goodBytes = 0;
  let readBytes = READ_BYTES;
  while (goodBytes < size) {
    const bytes = await storage.read(name, goodBytes, Math.min(readBytes, size - goodBytes));
    const isLast = goodBytes + bytes.length >= size;
    const { used, damage, wanted } = useWhole(bytes, use);
    goodBytes += used;
    if (damage) return { goodBytes, damage };
    if (used > 0) {
      readBytes = READ_BYTES;
      continue;
    }
    if (isLast) return { goodBytes, damage: 'the last record is torn' };
    if (wanted <= readBytes) return { goodBytes, damage: 'the file is shorter than it was' };
    readBytes = wanted;
  }
  return { goodBytes, damage: null };
}

/** Uses the records that are whole in these bytes; `wanted` is how many bytes the first unused one needs. */
function useWhole(
  bytes: Uint8Array,
  use: (type: number, payload: Uint8Array) => void,
): { used: number; damage: string | null; wanted: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let used = 0;
  while (used + RECORD_HEADER_BYTES <= bytes.length) {
    const length = view.getUint32(used, true);
    if (length > MAX_RECORD_BYTES) return { used, damage: 'a record claims an impossible length', wanted: 0 };
    const end = used + RECORD_HEADER_BYTES + length;
    if (end > bytes.length) return { used, damage: null, wanted: end - used };
    if (crc32(bytes.subarray(used + 8, end)) !== view.getUint32(used + 4, true)) {
      return { used, damage: 'a record does not match its checksum', wanted: 0 };
    }
    try {
      use(view.getUint8(used + 8), bytes.subarray(used + RECORD_HEADER_BYTES, end));
    } catch (error) {
      return { used, damage: `a record can’t be understood: ${messageOf(error)}`, wanted: 0 };
    }
    used = end;
  }
  return { used, damage: null, wanted: RECORD_HEADER_BYTES };
}
