// Sends remote write at a steady rate until it is ended: a process of its own, so that who measures is not held up by it.
// Arguments: address and rate as JSON.
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionPool } from '../load/connection-pool.ts';
import { Load, wrap } from '../tsdb/load.ts';
import type { Address } from './target.ts';

const BATCH_SERIES = 2000;
const CONNECTIONS = 4;
const HEADERS =
  'content-type: application/x-protobuf\r\ncontent-encoding: snappy\r\nx-prometheus-remote-write-version: 0.1.0\r\n';

const { address, samplesPerSecond } = JSON.parse(process.argv[2] ?? '') as {
  readonly address: Address;
  readonly samplesPerSecond: number;
};
const load = new Load({ series: samplesPerSecond, batchSeries: BATCH_SERIES, metrics: 100 });
const connections = await ConnectionPool.open(address.url, address.token, CONNECTIONS);

/** Every series has a sample a second; the requests of a second are spread over it. */
const startedAt = performance.now();
for (let second = 0; ; second++) {
  let batch = 0;
  const sent: Promise<unknown>[] = [];
  for (const body of load.round(Date.now())) {
    const dueMs = startedAt + 1000 * (second + batch++ / load.batches);
    const pauseMs = dueMs - performance.now();
    // What is due is written anew by the next of its kind.
    const request = wrap(body);
    if (pauseMs > 0) await delay(pauseMs);
    sent.push(connections.send({ method: 'POST', path: address.path, headers: HEADERS, body: request }));
  }
  await Promise.all(sent);
  process.send?.({ samples: samplesPerSecond });
}
