import { encodeWriteRequest } from '../../tests/remote-write-request.ts';
import type { OutgoingRequest } from '../load/connection.ts';
import { wrap } from '../tsdb/load.ts';

export interface Sample {
  readonly metric: string;
  /** In the order of their names; none sorts before `__name__`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const HEADERS =
  'content-type: application/x-protobuf\r\ncontent-encoding: snappy\r\nx-prometheus-remote-write-version: 0.1.0\r\n';

/** A remote write of samples of now. */
export function remoteWrite(samples: readonly Sample[]): OutgoingRequest {
  const timestampMs = Date.now();
  const body = encodeWriteRequest(
    samples.map(({ metric, labels, value }) => ({
      labels: [['__name__', metric], ...Object.entries(labels)] as const,
      samples: [{ timestampMs, value }],
    })),
  );
  return {
    method: 'POST',
    path: '/prometheus/api/v1/write',
    headers: HEADERS,
    body: wrap(Buffer.from(body)),
  };
}
