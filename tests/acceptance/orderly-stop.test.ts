import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { Client } from './support/client.ts';
import { until } from './support/until.ts';

const data = dataDirectory();
const TTL_MS = 1000;
const LIMIT_MS = 180_000;
let server: OmoiServer | null = null;

afterAll(async () => {
  await server?.stop();
  data.remove();
});

const AGENT = '/api/v1/fleet/agents/one';

async function beat(admin: Client): Promise<void> {
  const body = { generation: 1, sequence: 1 };
  await admin.read(`${AGENT}/heartbeat`, { method: 'POST', body });
}

/** A request that never comes to its end: the server waits for it before it closes, for longer than the TTL. */
async function beginRequest(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    `POST /v1/metrics HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
  );
  return socket;
}

it(
  'takes nobody for silent who cannot reach it any more while it stops',
  async () => {
    server = await OmoiServer.start(data.path);
    const { url, adminToken } = server;
    const admin = new Client(() => url, adminToken);
    const body = {
      agent_id: 'one',
      agent_type: 'worker',
      nonce: 'nonce-of-one',
      heartbeat_interval_ms: 300,
      heartbeat_ttl_ms: TTL_MS,
    };
    await admin.read('/api/v1/fleet/agents', { method: 'POST', body });
    const request = await beginRequest(server.url);
    await beat(admin);
    const stoppingMs = performance.now();
    await server.stop();
    expect(performance.now() - stoppingMs, 'the stop lasted for longer than the TTL').toBeGreaterThan(TTL_MS);
    request.destroy();
    const stoppedAt = new Date();

    server = await OmoiServer.start(data.path);
    const again = admin.at(server.url);
    // It is judged again, as soon as it can be heard.
    await until(
      async () => (await again.read<{ status: string }>(AGENT)).status === 'UNRESPONSIVE',
      'it is silent',
      60_000,
    );
    const ill = (await again.events('fleet.agent.status_changed')).filter(
      ({ payload }) => (payload as { to?: string }).to === 'UNRESPONSIVE',
    );
    expect(ill.map(({ at }) => new Date(at) > stoppedAt)).toEqual([true]);
  },
  LIMIT_MS,
);
