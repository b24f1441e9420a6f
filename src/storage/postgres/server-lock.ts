import { Client, type ClientConfig } from 'pg';
import { OmoiError } from '#telemetry';
import { postgresErrorOf } from './postgres-errors.ts';

/** Any number that nothing else on the same database is likely to lock. */
const SERVER_LOCK_KEY = 0x6f_6d_6f_73;

/**
 * The lock of the one active server on a PostgreSQL database: held by a session of its own, so that it goes when
 * the process dies. When the session breaks, the lock has to be won again before anything is written.
 */
export class ServerLock {
  readonly #config: ClientConfig;
  #client: Client | null = null;
  #acquiring: Promise<void> | null = null;
  #released = false;

  constructor(config: ClientConfig) {
    this.#config = config;
  }

  get held(): boolean {
    return this.#client !== null;
  }

  /**
   * Returns at once while the lock is held, else takes it.
   * @throws OmoiError `database_busy` when another server holds it, `database_failed` when none can be reached
   */
  async acquire(): Promise<void> {
    if (this.#client) return;
    this.#acquiring ??= this.#connect().finally(() => {
      this.#acquiring = null;
    });
    await this.#acquiring;
  }

  async release(): Promise<void> {
    this.#released = true;
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #connect(): Promise<void> {
    const client = new Client(this.#config);
    const lose = (): void => {
      if (this.#client === client) this.#client = null;
    };
    client.on('error', lose);
    client.on('end', lose);
    try {
      await client.connect();
      const answer = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
        SERVER_LOCK_KEY,
      ]);
      if (answer.rows[0]?.taken !== true) throw await refusal(client);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw postgresErrorOf(error);
    }
    if (this.#released) await client.end();
    else this.#client = client;
  }
}

async function refusal(client: Client): Promise<OmoiError> {
  const answer = await client.query<{ application_name: string; backend: number; host: string | null }>(
    `select a.application_name, a.pid as backend, host(a.client_addr) as host
       from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.classid = 0 and l.objid = $1
        and l.database = (select oid from pg_database where datname = current_database())`,
    [SERVER_LOCK_KEY],
  );
  const holder = answer.rows[0];
  const name = holder
    ? `${holder.application_name || 'a server'} (on ${holder.host ?? 'the same host'}, backend ${holder.backend})`
    : 'another server';
  return new OmoiError('database_busy', `${name} is active on this PostgreSQL database; stop it first`, {
    holder: holder ?? null,
  });
}
