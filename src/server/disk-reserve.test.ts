import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStateDatabase, type StateDatabase } from '#storage';
import { OmoiError, silentLogger, VirtualClock } from '#telemetry';
import { DiskReserve, openFromReserve, writeFromReserve } from './disk-reserve.ts';

const MIB = 1024 * 1024;
const mayMount = process.getuid?.() === 0;

describe.runIf(mayMount)('on a disk that is full (mounts a tmpfs: needs root)', () => {
  const clock = new VirtualClock();
  let disk: string;
  let database: StateDatabase;

  beforeEach(async () => {
    disk = mkdtempSync(join(tmpdir(), 'omoi-reserve-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'none', disk]);
    database = await openStateDatabase({ directory: disk, clock, logger: silentLogger, role: 'server' });
  });

  afterEach(async () => {
    await database.close();
    execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  function fill(): void {
    const file = openSync(join(disk, 'output'), 'a');
    try {
      for (;;) writeSync(file, Buffer.alloc(4096, 'x'));
    } catch {
      closeSync(file);
    }
  }

  /** More than the pages that the log has already: room is needed. */
  const write = (to: StateDatabase, id: string): Promise<unknown> =>
    to.transaction(async (tx) => {
      await tx.db
        .insertInto('pools')
        .values({
          pool_id: id,
          definition: 'x'.repeat(500_000),
          state: 'active',
          spawn_failures: 0,
          last_error: null,
          next_attempt_at_ms: null,
          created_at_ms: tx.nowMs,
          updated_at_ms: tx.nowMs,
        })
        .execute();
    });

  it('the state is written in the room that was kept for it, which is kept again when there is more', async () => {
    const reserve = new DiskReserve(disk, { clock, logger: silentLogger }, 2 * MIB);
    reserve.keep();
    fill();
    await expect(write(database, 'without')).rejects.toMatchObject({ code: 'storage_full' });
    await write(writeFromReserve(database, reserve), 'with');
    expect(existsSync(join(disk, 'reserve'))).toBe(false);
    await clock.advance(60_000);
    expect(existsSync(join(disk, 'reserve'))).toBe(false);
    rmSync(join(disk, 'output'));
    await clock.advance(60_000);
    expect(existsSync(join(disk, 'reserve'))).toBe(true);
    reserve.close();
  });

  it('the next server knows of the room that an earlier one has kept, and opens its files in it', async () => {
    const earlier = new DiskReserve(disk, { clock, logger: silentLogger }, 2 * MIB);
    earlier.keep();
    earlier.close();
    fill();
    const reserve = new DiskReserve(disk, { clock, logger: silentLogger }, 2 * MIB);
    const full = (): Promise<unknown> => write(database, 'opened');
    await openFromReserve(full, reserve);
    expect(existsSync(join(disk, 'reserve'))).toBe(false);
    const other = (): Promise<unknown> => Promise.reject(new OmoiError('database_busy', 'by another'));
    await expect(openFromReserve(other, reserve)).rejects.toMatchObject({ code: 'database_busy' });
    fill();
    const more = (): Promise<unknown> => write(database, 'more');
    await expect(openFromReserve(more, reserve)).rejects.toMatchObject({ code: 'storage_full' });
    reserve.close();
  });

  it('a disk of PostgreSQL that is full takes it only where it is this one', async () => {
    const reserve = new DiskReserve(disk, { clock, logger: silentLogger }, 2 * MIB);
    reserve.keep();
    const elsewhere: StateDatabase = {
      ...database,
      dialect: 'postgres',
      transaction: () => Promise.reject(new OmoiError('storage_full', 'the disk of the server is full')),
    };
    const kept = (): boolean => existsSync(join(disk, 'reserve'));
    await expect(write(writeFromReserve(elsewhere, reserve), 'one')).rejects.toThrow('the disk');
    expect(kept()).toBe(true);
    fill();
    await expect(write(writeFromReserve(elsewhere, reserve), 'one')).rejects.toThrow('the disk');
    expect(kept()).toBe(false);
    reserve.close();
  });

  it('what can’t be kept is not kept, and the write fails as it is', async () => {
    const reserve = new DiskReserve(disk, { clock, logger: silentLogger }, 20 * MIB);
    reserve.keep();
    expect(existsSync(join(disk, 'reserve'))).toBe(false);
    fill();
    await expect(write(writeFromReserve(database, reserve), 'one')).rejects.toMatchObject({
      code: 'storage_full',
    });
    reserve.close();
  });
});
