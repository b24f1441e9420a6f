import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
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
  if (group === null) return;
  server = await OmoiServer.start(data.path, { env: { OMOI_WATCHDOG_MODE: 'act' } });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  if (group !== null) {
    await admin.call('/api/v1/fleet/pools/hogs', { method: 'DELETE' });
    await until(
      async () => (await admin.call('/api/v1/fleet/pools/hogs')).status === 404,
      'no worker is left',
      PATIENCE_MS,
    );
    await server.stop();
    await until(() => isRemoved(group), 'the control group is empty', PATIENCE_MS);
  }
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

describe.skipIf(group === null)('a worker that the kernel ends for want of memory', () => {
  it('is said to be that, and repaired', async () => {
    const command = ['/bin/sh', '-c', `echo $$ > ${group}/cgroup.procs && exec tail /dev/zero`];
    const body = { pool_id: 'hogs', command, desired: 1, max: 1 };
    await admin.read('/api/v1/fleet/pools', { method: 'POST', body });
    const ends = await until(
      async () => {
        const failed = (await admin.events('fleet.agent.status_changed')).filter(
          ({ payload }) => (payload as { to?: string }).to === 'FAILED',
        );
        return failed.length > 1 ? failed : null;
      },
      'it has ended, and its next generation as well',
      PATIENCE_MS,
    );
    expect(ends.map(({ payload }) => payload).slice(0, 2)).toMatchObject([
      { generation: 1, reason: 'SIGKILL (most likely out of memory)' },
      { generation: 2, reason: 'SIGKILL (most likely out of memory)' },
    ]);
  });
});
