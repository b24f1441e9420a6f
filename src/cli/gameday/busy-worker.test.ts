import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createProcessTable } from '#fleet';
import type { LocalClient } from '../local-client.ts';
import { hangBusyWorker } from './busy-worker.ts';
import { EventFollower } from './event-follower.ts';
import { hasUnreadAnswer } from './replica-process.ts';

const LONG_MS = 60_000;
const table = createProcessTable();

let directory: string;
let server: Server;
let stream: ServerResponse;
let follower: EventFollower;
let workers: ChildProcess[];
/** The task that each worker holds, as the server has it. */
let held: Map<string, string>;
/** How often it was asked for. */
let looks: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-busy-'));
  held = new Map();
  looks = 0;
  workers = ['w-1', 'w-2'].map((id) =>
    spawn('sleep', ['600'], { env: { OMOI_AGENT_ID: id }, stdio: 'ignore' }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'spawn')));
  server = createServer((_, response) => {
    response.setHeader('content-type', 'text/event-stream');
    response.write(': here\n\n');
    stream = response;
  }).listen(join(directory, 'socket'));
  await once(server, 'listening');
  follower = new EventFollower(() => join(directory, 'socket'));
  const asked = once(server, 'request');
  follower.start(0);
  await asked;
});
afterEach(() => {
  follower.stop();
  server.closeAllConnections();
  server.close();
  for (const worker of workers) worker.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

const client: Pick<LocalClient, 'call'> = {
  call(_method, path) {
    if (path.startsWith('/api/v1/fleet/pools/')) {
      const replicas = workers.map(({ pid }, at) => ({ agent_id: `w-${at + 1}`, generation: 1, pid }));
      return Promise.resolve({ replicas });
    }
    looks += 1;
    const task = held.get(new URLSearchParams(path.split('?')[1]).get('agent_id') ?? '');
    return Promise.resolve({ tasks: task === undefined ? [] : [{ task_id: task }] });
  },
};

let events = 0;
function tellSilent(agentId: string): void {
  const payload = { agent_id: agentId, generation: 1, from: 'IDLE', to: 'DEGRADED' };
  const at = new Date().toISOString();
  const event = { id: ++events, event_type: 'fleet.agent.status_changed', at, payload };
  stream.write(`id: ${events}\ndata: ${JSON.stringify(event)}\n\n`);
}

const isStopped = (at: number): boolean => table.stat(workers[at]?.pid ?? 0)?.state === 'T';
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: LONG_MS, interval: 5 });

it('stops a worker that holds a task also when all that it had sent has arrived, and lets one run on that held none', async () => {
  held.set('w-1', 'its result is on its way');
  held.set('w-2', 'its own');
  const hanging = hangBusyWorker('p', { client, follower });
  await eventually(() => expect([isStopped(0), looks]).toEqual([true, 1]));
  held.delete('w-1');
  tellSilent('w-1');
  await eventually(() => expect([isStopped(0), isStopped(1), looks]).toEqual([false, true, 3]));
  tellSilent('w-2');
  expect(await hanging).toMatchObject({
    agent_id: 'w-2',
    generation: 1,
    pid: workers[1]?.pid,
    task_id: 'its own',
  });
  expect([isStopped(0), isStopped(1)]).toEqual([false, true]);
});

it('lets one run on that has not read yet what the server has sent', async () => {
  const sender = createTcpServer((socket) => {
    // The reader is killed while its connection is open.
    socket.on('error', () => undefined).write('a task');
  }).listen(0, '127.0.0.1');
  await once(sender, 'listening');
  const { port } = sender.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const reader = spawn(
    process.execPath,
    ['-e', `require('net').connect(${port}, '127.0.0.1').on('data', () => console.log('read'))`],
    { env: { OMOI_AGENT_ID: 'w-1', OMOI_URL: url }, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const [connection] = (await once(sender, 'connection')) as [Socket];
  await once(reader.stdout, 'data');
  workers[0]?.kill('SIGKILL');
  workers[0] = reader;
  try {
    held.set('w-1', 'one that it does not know of');
    held.set('w-2', 'its own');
    const hanging = hangBusyWorker('p', { client, follower });
    await eventually(() => expect([isStopped(0), looks]).toEqual([true, 1]));
    connection.write('another task');
    await eventually(() => expect(hasUnreadAnswer({ pid: reader.pid ?? 0, start_ticks: 0 })).toBe(true));
    tellSilent('w-1');
    await eventually(() => expect([isStopped(0), isStopped(1), looks]).toEqual([false, true, 3]));
    tellSilent('w-2');
    expect(await hanging).toMatchObject({ agent_id: 'w-2', task_id: 'its own' });
    await eventually(() => expect(hasUnreadAnswer({ pid: reader.pid ?? 0, start_ticks: 0 })).toBe(false));
  } finally {
    connection.destroy();
    sender.close();
  }
});

it('leaves nobody stopped where the server cannot be asked', async () => {
  held.set('w-1', 'a task');
  let asked = 0;
  const failing: Pick<LocalClient, 'call'> = {
    call: (...request) => (asked++ === 0 ? client.call(...request) : Promise.reject(new Error('it is away'))),
  };
  await expect(hangBusyWorker('p', { client: failing, follower })).rejects.toThrow('it is away');
  expect([isStopped(0), isStopped(1)]).toEqual([false, false]);
});
