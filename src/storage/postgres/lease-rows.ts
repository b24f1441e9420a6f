import type { ClientBase } from 'pg';
import { holderOf, holderToText, type LeaseHolder } from './lease-holder.ts';

/**
 * The lease is a row of the bookkeeping, as the list of migrations is: who migrates has to hold it already.
 * `epoch` has a unique index, so that a change of it, and nothing else that happens to the row, waits for the
 * transactions that hold it FOR KEY SHARE
 * (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS).
 */
const CREATE = `create table if not exists server_lease (
  singleton int primary key check (singleton = 1),
  epoch bigint not null unique,
  server_id text,
  holder text not null,
  ttl_ms bigint not null,
  renewed_at timestamptz not null
)`;

const FIRST_ROW = `insert into server_lease (singleton, epoch, server_id, holder, ttl_ms, renewed_at)
  values (1, 0, null, '', 0, clock_timestamp()) on conflict do nothing`;

const SELECT = `select epoch, server_id, holder, renewed_at::text as renewed_at,
  ttl_ms - floor(extract(epoch from clock_timestamp() - renewed_at) * 1000)::int8 as left_ms from server_lease`;

/** By the clock too, so that an epoch is never given twice, also not by a replica that was promoted without the last one. */
const TAKE = `update server_lease set
  epoch = greatest(epoch + 1, floor(extract(epoch from clock_timestamp()) * 1000)::int8),
  server_id = $1, holder = $2, ttl_ms = $3, renewed_at = clock_timestamp()
  returning epoch`;

const RENEW = `update server_lease set renewed_at = clock_timestamp() where epoch = $1 and server_id = $2`;

const RELEASE = `update server_lease set server_id = null where epoch = $1 and server_id = $2`;

/** Any number that nothing else on the same database is likely to lock: servers before the lease held it. */
const FORMER_LOCK_KEY = 0x6f_6d_6f_73;
/** As migrations take turns. */
const TURN_KEY = 0x6f_6d_6f_69;

export interface LeaseRow {
  readonly epoch: number;
  /** null: nobody holds it. */
  readonly holder: LeaseHolder | null;
  /** Changes with every renewal. */
  readonly renewedAt: string;
  /** By the database's clock; of a lease that has run out not above 0. */
  readonly leftMs: number;
}

export async function createLease(client: ClientBase): Promise<void> {
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock($1)', [TURN_KEY]);
  await client.query(CREATE);
  await client.query(FIRST_ROW);
  await client.query('commit');
}

/** @param lock holds off who wants to take it too; the renewals and transactions of its holder go on */
export async function readLease(client: ClientBase, lock: 'locked' | 'unlocked'): Promise<LeaseRow> {
  const { rows } = await client.query<{
    epoch: number;
    server_id: string | null;
    holder: string;
    renewed_at: string;
    left_ms: number;
  }>(lock === 'locked' ? `${SELECT} for no key update` : SELECT);
  const row = rows[0];
  if (!row) throw new Error('the table server_lease has lost its row');
  return {
    epoch: row.epoch,
    holder: row.server_id === null ? null : holderOf(row.server_id, row.holder),
    renewedAt: row.renewed_at,
    leftMs: row.left_ms,
  };
}

/** @returns the new epoch */
export async function takeLease(client: ClientBase, self: LeaseHolder, ttlMs: number): Promise<number> {
  const { rows } = await client.query<{ epoch: number }>(TAKE, [self.serverId, holderToText(self), ttlMs]);
  if (!rows[0]) throw new Error('the table server_lease has lost its row');
  return rows[0].epoch;
}

/** False where another has taken it. */
export async function renewLease(client: ClientBase, epoch: number, serverId: string): Promise<boolean> {
  const { rowCount } = await client.query(RENEW, [epoch, serverId]);
  return rowCount === 1;
}

export async function releaseLease(client: ClientBase, epoch: number, serverId: string): Promise<void> {
  await client.query(RELEASE, [epoch, serverId]);
}

/** Who holds the lock of servers from before the lease; null where none runs. */
export async function formerServer(client: ClientBase): Promise<string | null> {
  const taken = await client.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [
    FORMER_LOCK_KEY,
  ]);
  if (taken.rows[0]?.taken === true) return null;
  const { rows } = await client.query<{ application_name: string; backend: number }>(
    `select a.application_name, a.pid as backend
       from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.classid = 0 and l.objid = $1
        and l.database = (select oid from pg_database where datname = current_database())`,
    [FORMER_LOCK_KEY],
  );
  const holder = rows[0];
  return holder ? `${holder.application_name || 'a server'} (backend ${holder.backend})` : 'another server';
}

export async function backendOf(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}

/** Ends the sessions that a backend waits for. @returns how many */
export async function endBlockers(client: ClientBase, backend: number): Promise<number> {
  const { rows } = await client.query(
    'select pg_terminate_backend(pid) from unnest(pg_blocking_pids($1)) as pid',
    [backend],
  );
  return rows.length;
}
