import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type { NewSystemEvent } from '#telemetry';

export const poolChanged = (desired: number): NewSystemEvent => ({
  event_type: 'fleet.pool.changed',
  entity_type: 'pool',
  entity_id: 'coders',
  payload: { pool_id: 'coders', desired, effective: desired, reason: 'scaled' },
  traceparent: null,
});

export const stateChanged = {
  event_type: 'watchdog.state.changed',
  entity_type: 'watchdog',
  entity_id: 'watchdog',
  payload: { state: 'paused', active: true, reason: 'asked' },
  traceparent: null,
} as const satisfies NewSystemEvent;

/** Of messages that are events. */
export const idsIn = (text: string): number[] =>
  [...text.matchAll(/^id: (\d+)\ndata/gm)].map((match) => Number(match[1]));

/** A server of Node's on loopback that listens during each test of its place, and clients of it. */
export function useStreamServer(): {
  readonly server: Server;
  /** The response stands still until somebody reads it. */
  readonly connect: () => Promise<IncomingMessage>;
} {
  const server = createServer();
  beforeEach(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    const closed = once(server, 'close');
    server.close();
    await closed;
  });
  return {
    server,
    async connect() {
      const { port } = server.address() as AddressInfo;
      const outgoing = request({ port, host: '127.0.0.1' }).on('error', () => {});
      outgoing.end();
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      return response.on('error', () => {});
    },
  };
}
