import { WIRE_BYTES, WireReader } from '../../wire-reader.ts';
import type { WriterKeys } from '../lanes.ts';
import { Refusals } from '../refusals.ts';
import { checkLength, readResource } from '../resource.ts';
import { identityLabels } from './labels.ts';

/** What is looked at in one go before a request is worked on: a millisecond or two. */
const maxResources = 200;
const maxResourceBytes = 64 * 1024;
const maxFields = 5000;

/**
 * Who writes in a metrics request, by `job` and `instance`: requests without a writer in common have no series in
 * common. Null where it has more resources than are looked at here, and may be of anyone.
 * @throws OmoiError `payload_undecodable`, `body_too_large`
 */
export function requestWriters(request: Uint8Array): WriterKeys {
  const reader = new WireReader('OTLP request');
  reader.reset(request);
  const writers = new Set<string>();
  let [resources, resourceBytes, fields] = [0, 0, 0];
  while (reader.at < request.length) {
    if (!entered(reader, request.length)) {
      if (++fields > maxFields) return null;
      continue;
    }
    if (++resources > maxResources) return null;
    const end = reader.fieldEnd(request.length);
    const pieces: Uint8Array[] = [];
    while (reader.at < end) {
      if (++fields > maxFields) return null;
      if (!entered(reader, end)) continue;
      const pieceEnd = reader.fieldEnd(end);
      pieces.push(reader.bytes.subarray(reader.at, pieceEnd));
      resourceBytes += pieceEnd - reader.at;
      reader.at = pieceEnd;
      if (resourceBytes > maxResourceBytes) return null;
    }
    writers.add(writerKey(Buffer.concat(pieces)));
  }
  return writers;
}

/** Whether a message begins here that is in the first field, as the request's resources and their descriptions are. */
function entered(reader: WireReader, end: number): boolean {
  const tag = reader.varint32(end);
  if (tag >>> 3 !== 1) {
    reader.skip(tag, end);
    return false;
  }
  reader.expect(tag, WIRE_BYTES);
  return true;
}

function writerKey(bytes: Uint8Array): string {
  checkLength(bytes, 'resource');
  // What is wrong with it is told when it is stored.
  const { job, instance } = identityLabels(readResource(bytes, new Refusals()));
  return JSON.stringify([job, instance]);
}
