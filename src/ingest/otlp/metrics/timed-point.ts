import { WIRE_FIXED64, type WireReader } from '../../wire-reader.ts';
import { millisecondsAt, unsigned64At } from '../wire/times.ts';

/** What every point of a histogram or summary has in the same fields: 2 start, 3 time, 4 count. */
export interface TimedPoint {
  timeMs: number;
  startMs: number;
  count: number;
}

/** Reads a field of eight bytes: into the point where it is one of those, and as a double for whom it concerns. */
export function readEightBytes(reader: WireReader, tag: number, end: number, point: TimedPoint): number {
  if ((tag & 7) !== WIRE_FIXED64) throw reader.wrongType(tag);
  const double = reader.double(end);
  const at = reader.at - 8;
  switch (tag >>> 3) {
    case 2:
      point.startMs = millisecondsAt(reader, at);
      break;
    case 3:
      point.timeMs = millisecondsAt(reader, at) || point.timeMs;
      break;
    case 4:
      point.count = unsigned64At(reader, at);
      break;
  }
  return double;
}
