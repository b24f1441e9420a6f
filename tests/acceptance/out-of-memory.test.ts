import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const LIMIT_BYTES = 16 * 1024 * 1024;
const PATIENCE_MS = 120_000;
/** Where groups are, what bounds their memory, and what keeps them from swapping; of cgroups(7) version 1 and 2. */
const HIERARCHIES = [
  ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.swappiness'],
  ['/sys/fs/cgroup', 'memory.max', 'memory.swap.max'],
] as const;

const data = dataDirectory();
const group = process.platform === 'linux' && process.getuid?.() === 0 ? smallGroup() : null;
let server: OmoiServer;
let admin: Client;

/** A control group with little memory; null where none can be made. */
function smallGroup(): string | null {
  for (const [parent, limit, swap] of HIERARCHIES) {
    const path = join(parent, `omoi-test-${process.pid}`);
    if (!existsSync(join(parent, 'cgroup.procs'))) continue;
    try {
      mkdirSync(path);
      if (existsSync(join(path, limit))) {
        writeFileSync(join(path, limit), String(LIMIT_BYTES));
        if (existsSync(join(path, swap))) writeFileSync(join(path, swap), '0');
        return path;
      }
      rmdirSync(path);
    } catch {
      // Not to be written to here: the next one may be.
    }
  }
  return null;
}

beforeAll(async () => {
  server = await OmoiServer.start(data.path, { env: { OMOI_WATCHDOG_MODE: 'act' } });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  for (const pool of ['hogs', 'bounded']) {
    const path = `/api/v1/fleet/pools/${pool}`;
    await admin.call(path, { method: 'DELETE' });
    await until(async () => (await admin.call(path)).status === 404, 'no worker is left', PATIENCE_MS);
  }
  await server.stop();
  if (group !== null) await until(() => isRemoved(group), 'the control group is empty', PATIENCE_MS);
  data.remove();
});

function isRemoved(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** How the first generations of a pool's agent have ended. */
function firstEnds(poolId: string, count: number): Promise<readonly object[]> {
  return until(
    async () => {
      const ends = (await admin.events('fleet.agent.status_changed'))
        .map(({ payload }) => payload as { readonly to: string; readonly pool_id: string })
        .filter(({ to, pool_id: pool }) => to === 'FAILED' && pool === poolId);
      return ends.length >= count ? ends.slice(0, count) : null;
    },
    `${count} generations of ${poolId} have ended`,
    PATIENCE_MS,
  );
}

const hasTools = ['prlimit', 'tail'].every((tool) => spawnSync(tool, ['--version']).status === 0);

describe.skipIf(!hasTools)('a worker that runs into the memory of its pool (needs prlimit)', () => {
  it('is refused more, and ends as its program does: that is repaired, and nothing is said of the machine’s memory', async () => {
    const command = ['/bin/sh', '-c', 'exec tail /dev/zero'];
    const body = { pool_id: 'bounded', command, desired: 1, max: 1, max_memory_bytes: 67_108_864 };
    await admin.read('/api/v1/fleet/pools', { method: 'POST', body });
    expect(await firstEnds('bounded', 2)).toMatchObject([
      { generation: 1, reason: 'exit 1' },
      { generation: 2, reason: 'exit 1' },
    ]);
    expect(readFileSync(join(data.path, 'agents/bounded-1/1.stderr.log'), 'utf8')).toContain('memory');
  });
});

describe.skipIf(group === null)('a worker that the kernel ends for want of memory', () => {
  it('is said to be that, and repaired', async () => {
    const command = ['/bin/sh', '-c', `echo $$ > ${group}/cgroup.procs && exec tail /dev/zero`];
    const body = { pool_id: 'hogs', command, desired: 1, max: 1 };
    await admin.read('/api/v1/fleet/pools', { method: 'POST', body });
    expect(await firstEnds('hogs', 2)).toMatchObject([
      { generation: 1, reason: 'SIGKILL (most likely out of memory)' },
      { generation: 2, reason: 'SIGKILL (most likely out of memory)' },
    ]);
  });
});
