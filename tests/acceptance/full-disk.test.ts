import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, freePort, omoi, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { workersOf } from './support/workers.ts';

const DISK_BYTES = 128 * 1024 * 1024;
const LIMIT_MS = 300_000;
const PATIENCE_MS = 120_000;
const CHUNK = Buffer.alloc(64 * 1024, 1);
const SMALL_CHUNK = Buffer.alloc(512, 1);
/** Large enough that a few of them need room of their own in the database. */
const PAYLOAD = 'x'.repeat(48 * 1024);
const WORKERS = 2;

const data = dataDirectory();
const mayMount = process.platform === 'linux' && process.getuid?.() === 0 && mounted();
const ballast = join(data.path, 'ballast');
let port: number;
let server: OmoiServer;
let admin: Client;

/** A disk of its own for the data directory, in memory. @returns false where none may be mounted here */
function mounted(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=700`, 'tmpfs', data.path], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

beforeAll(async () => {
  if (!mayMount) return;
  port = await freePort();
  server = await OmoiServer.start(data.path, { port });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  if (mayMount) {
    rmSync(ballast, { force: true });
    await admin.call('/api/v1/fleet/pools/sleepers', { method: 'DELETE' });
    await until(() => workers().length === 0, 'no worker is left', PATIENCE_MS);
    await server.stop();
    execFileSync('umount', ['--lazy', data.path]);
  }
  data.remove();
});

const workers = (): readonly string[] =>
  workersOf({ url: server.url, directory: data.path })
    .map(({ agentId, pid }) => `${agentId} ${pid}`)
    .sort();

/** Takes all room that is left. */
function fillDisk(): void {
  const file = openSync(ballast, 'a');
  for (const chunk of [CHUNK, SMALL_CHUNK]) {
    try {
      for (;;) writeSync(file, chunk);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown;
    }
  }
  closeSync(file);
}

const freeBytes = (): number => {
  const { bavail, bsize } = statfsSync(data.path);
  return bavail * bsize;
};

/** @returns its id; null where the state could not be written */
async function enqueue(): Promise<string | null> {
  const body = { task_type: 'store', phase_id: 'PHASE_TESTING', payload: PAYLOAD };
  const answer = await admin.call('/api/v1/fleet/tasks', { method: 'POST', body });
  if (answer.status === 507) {
    expect(answer.body).toMatchObject({ error: 'storage_full' });
    return null;
  }
  expect(answer.status).toBeLessThan(300);
  return (answer.body as { task: { task_id: string } }).task.task_id;
}

describe.skipIf(!mayMount)('a disk that is full, what was kept for the state included', () => {
  it(
    'stops neither a stop of the server nor what it knows: the next start takes everything up',
    async () => {
      const body = { pool_id: 'sleepers', command: ['sleep', '3600'], desired: WORKERS, max: WORKERS };
      await admin.read('/api/v1/fleet/pools', { method: 'POST', body });
      await until(() => workers().length === WORKERS, 'the workers run', PATIENCE_MS);
      const before = workers();
      await until(() => existsSync(join(data.path, 'reserve')), 'room is kept for the state', PATIENCE_MS);
      const kept: string[] = [];
      await until(
        async () => {
          fillDisk();
          const taskId = await enqueue();
          if (taskId !== null) kept.push(taskId);
          return taskId === null && !existsSync(join(data.path, 'reserve')) && freeBytes() < CHUNK.length;
        },
        'nothing can be written any more',
        PATIENCE_MS,
      );
      expect(kept.length, 'some went into the room that was kept').toBeGreaterThan(0);
      expect((await admin.call('/readyz')).status).toBe(503);

      const { status, stderr } = await server.stop();
      expect(status, stderr).toBe(0);
      expect(workers()).toEqual(before);
      rmSync(ballast);

      server = await OmoiServer.start(data.path, { port });
      for (const taskId of kept)
        expect(await admin.read(`/api/v1/fleet/tasks/${taskId}`)).toMatchObject({
          state: 'queued',
          payload: PAYLOAD,
        });
      expect(await enqueue()).not.toBeNull();
      expect(workers()).toEqual(before);
      const { agents } = await admin.read<{ agents: readonly { status: string; generation: number }[] }>(
        '/api/v1/fleet/agents',
      );
      expect(agents.map(({ generation }) => generation)).toEqual([1, 1]);
    },
    LIMIT_MS,
  );

  it(
    'and what is kept on it are left alone by a second server, which is refused',
    async () => {
      await until(() => existsSync(join(data.path, 'reserve')), 'room is kept for the state', PATIENCE_MS);
      fillDisk();
      const second = await omoi(['serve'], {
        OMOI_DATA_DIRECTORY: data.path,
        OMOI_HTTP_PORT: '0',
        OMOI_OTLP_PORT: '0',
      });
      expect(second.status, second.stderr).toBe(1);
      expect(second.stderr).toContain('(database_busy)');
      expect(existsSync(join(data.path, 'reserve'))).toBe(true);
      rmSync(ballast);
    },
    LIMIT_MS,
  );

  it(
    'stops an agent that a person stops: that needs no more room than was kept',
    async () => {
      await until(() => existsSync(join(data.path, 'reserve')), 'room is kept for the state', PATIENCE_MS);
      fillDisk();
      const body = { reason: 'the disk is full' };
      await admin.read('/api/v1/fleet/agents/sleepers-1/stop', { method: 'POST', body });
      await until(() => workers().length === WORKERS - 1, 'it has ended', PATIENCE_MS);
      const stopped = async (): Promise<boolean> =>
        (await admin.read<{ status: string }>('/api/v1/fleet/agents/sleepers-1')).status === 'TERMINATED';
      await until(stopped, 'its end is on record', PATIENCE_MS);
      rmSync(ballast);
    },
    LIMIT_MS,
  );

  it(
    'has room for a start, where an earlier server has kept some',
    async () => {
      await until(() => existsSync(join(data.path, 'reserve')), 'room is kept for the state', PATIENCE_MS);
      const before = workers();
      await server.stop();
      fillDisk();
      server = await OmoiServer.start(data.path, { port });
      expect((await admin.call('/readyz')).status).toBe(200);
      expect(workers()).toEqual(before);
      expect(await enqueue()).not.toBeNull();
    },
    LIMIT_MS,
  );
});
