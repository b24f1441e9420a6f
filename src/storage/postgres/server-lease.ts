import { Client, type ClientConfig } from 'pg';
import {
  backoffMs,
  createId,
  delay,
  messageOf,
  OmoiError,
  type BackoffLimits,
  type Clock,
  type Logger,
  type Random,
  type Timer,
} from '#telemetry';
import type { Leadership } from '../leadership.ts';
import type { LeaseHolder, ServerProcesses } from './lease-holder.ts';
import {
  backendOf,
  createLease,
  endBlockers,
  formerServer,
  readLease,
  releaseLease,
  renewLease,
  takeLease,
  type LeaseRow,
} from './lease-rows.ts';
import { postgresErrorOf } from './postgres-errors.ts';
import { endConnection } from './unanswered.ts';

export interface LeaseLimits {
  /** A server that was not heard of for so long may be followed by another. */
  readonly leaseTtlMs: number;
  readonly renewEveryMs: number;
  /** A renewal without an answer for so long has failed: PostgreSQL, or the way there, swallows what it is sent. */
  readonly answerWithinMs: number;
}

export const DEFAULT_LEASE_LIMITS: LeaseLimits = {
  leaseTtlMs: 10_000,
  renewEveryMs: 2000,
  answerWithinMs: 5000,
};

/** How often a starter looks whether the holder of a lease that has not run out still renews it. */
const lookEveryMs = 200;
/** For so long a takeover waits for transactions of the server before; then it ends their sessions. */
const waitForOthersMs = 1000;
const RETRY_BACKOFF: BackoffLimits = { firstMs: 50, maxMs: 1000 };
/** Failures in a row from which on PostgreSQL is away: one connection may break for a reason of its own. */
const failuresUntilAway = 2;

export interface ServerLeaseParts {
  readonly connection: ClientConfig;
  /** Makes the connections on which the lease is taken, which end where PostgreSQL does not answer. */
  readonly AnsweredClient: new (config: ClientConfig) => Client;
  /** For people. */
  readonly name: string;
  /** Absent: no other process is known, so that a lease has to run out. */
  readonly processes: ServerProcesses | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly leadership: Leadership;
  readonly limits: LeaseLimits;
  /** PostgreSQL is away: connections that wait for an answer will have none. */
  readonly onAway: () => void;
}

/**
 * The lease of the one active server on a PostgreSQL database, on a connection of its own. It is a row with an epoch that
 * grows with each holder: whoever writes checks it in the transaction, so that nothing of a server that was stopped, or cut
 * off, is committed once another has followed. Its renewals say as well whether PostgreSQL is there.
 */
export class ServerLease {
  readonly #parts: ServerLeaseParts;
  readonly #self: LeaseHolder;
  #epoch: number | null = null;
  #client: Client | null = null;
  #renewal: Promise<void> | null = null;
  #timer: Timer | null = null;
  #failures = 0;
  #released = false;

  constructor(parts: ServerLeaseParts) {
    this.#parts = parts;
    const { clock, random, name, processes } = parts;
    this.#self = {
      serverId: createId('srv', clock.wallMs(), random),
      name,
      process: processes?.self ?? null,
    };
  }

  /** null until it was acquired. */
  get epoch(): number | null {
    return this.#epoch;
  }

  /**
   * Takes the lease, and keeps it from then on. One whose holder may have gone is waited for, until it has run out or was
   * renewed.
   * @throws OmoiError `database_busy` when another server holds it, `database_failed` when PostgreSQL can't be reached, or
   *   does not answer
   */
  async acquire(): Promise<void> {
    const client = this.#answeredClient();
    try {
      await client.connect();
      await createLease(client);
      const seen = await readLease(client, 'unlocked');
      for (let row = seen; ; row = await readLease(client, 'unlocked')) {
        if (this.#isFree(row) && (await this.#take(client))) break;
        if (row.renewedAt !== seen.renewedAt || row.epoch !== seen.epoch) throw busy(row);
        await delay(this.#parts.clock, lookEveryMs, NEVER);
      }
    } catch (error) {
      throw notTaken(postgresErrorOf(error), client);
    } finally {
      await endConnection(client, this.#parts.clock);
    }
    this.#scheduleRenewal(this.#parts.limits.renewEveryMs);
  }

  /** Renews it now: somebody has doubts, or has lost a connection. */
  nudge(): void {
    if (this.#epoch !== null && this.#failures === 0 && !this.#renewal) this.#scheduleRenewal(0);
  }

  /** A transaction found another epoch. */
  async superseded(): Promise<OmoiError> {
    const { leadership } = this.#parts;
    if (leadership.fencedBy) return leadership.fencedBy;
    const by = await this.#successor();
    const error = new OmoiError(
      'server_fenced',
      `${by?.name ?? 'another server'} has taken over this PostgreSQL database: this server is no longer in charge, and ends`,
      { boot_id: by?.process?.bootId ?? null },
    );
    this.#timer?.cancel();
    leadership.fence(error);
    return leadership.fencedBy ?? error;
  }

  /** Gives it back, so that the next server need not wait. Never rejects: unreachable, it runs out. */
  async release(): Promise<void> {
    this.#released = true;
    this.#timer?.cancel();
    await this.#renewal;
    const isHeld = this.#epoch !== null && !this.#parts.leadership.fencedBy;
    if (isHeld && this.#failures === 0) await this.#giveBack().catch(() => undefined);
    const client = this.#client;
    this.#client = null;
    if (client) await endConnection(client, this.#parts.clock);
  }

  /** On a connection of its own where the first renewal has not made one yet. */
  async #giveBack(): Promise<void> {
    await releaseLease(await this.#connected(), this.#epoch ?? 0, this.#self.serverId);
  }

  #isFree({ holder, leftMs }: LeaseRow): boolean {
    if (holder === null || leftMs <= 0) return true;
    return holder.process !== null && (this.#parts.processes?.hasEnded(holder.process) ?? false);
  }

  /** False where another was faster. @throws OmoiError `database_busy` for a server of before the lease */
  async #take(client: Client): Promise<boolean> {
    const { leadership, limits, logger } = this.#parts;
    const askedAt = leadership.now();
    await client.query('begin');
    try {
      const before = await readLease(client, 'locked');
      const former = await formerServer(client);
      if (former !== null) throw busyWith(former);
      if (!this.#isFree(before)) return false;
      const epoch = await this.#whileOthersAreEnded(client, () =>
        takeLease(client, this.#self, limits.leaseTtlMs),
      );
      await client.query('commit');
      this.#epoch = epoch;
      leadership.proven(askedAt, limits.leaseTtlMs);
      if (before.holder) {
        const fields = { epoch, former: before.holder.name };
        logger.warn(fields, 'Took over from a server that has not given its lease back.');
      }
      return true;
    } finally {
      if (this.#epoch === null) await client.query('rollback').catch(() => undefined);
    }
  }

  /** A server that stands still within a transaction holds the row: its session is ended, since nothing of it may count. */
  async #whileOthersAreEnded<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
    const backend = await backendOf(client);
    const done = new AbortController();
    const ending = this.#endOthers(backend, done.signal);
    try {
      return await work();
    } finally {
      done.abort();
      await ending;
    }
  }

  async #endOthers(backend: number, done: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    for (;;) {
      await delay(clock, waitForOthersMs, done);
      if (done.aborted) return;
      const client = this.#answeredClient();
      try {
        await client.connect();
        const sessions = await endBlockers(client, backend);
        if (sessions > 0) logger.warn({ sessions }, 'Database sessions of the former server ended.');
      } catch (error) {
        logger.warn(
          { error: messageOf(error) },
          'Database sessions of the former server can’t be ended: waiting for them.',
        );
      } finally {
        await endConnection(client, clock);
      }
    }
  }

  #answeredClient(): Client {
    const client = new this.#parts.AnsweredClient(this.#parts.connection);
    client.on('error', () => undefined);
    return client;
  }

  #scheduleRenewal(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#released || this.#parts.leadership.fencedBy) return;
    this.#timer = this.#parts.clock.after(delayMs, () => {
      this.#renewal = this.#renew().finally(() => (this.#renewal = null));
    });
  }

  async #renew(): Promise<void> {
    const { leadership, limits, random } = this.#parts;
    const askedAt = leadership.now();
    try {
      const client = await this.#connected();
      if (await renewLease(client, this.#epoch ?? 0, this.#self.serverId)) {
        this.#failures = 0;
        leadership.proven(askedAt, limits.leaseTtlMs);
        this.#scheduleRenewal(limits.renewEveryMs);
      } else await this.superseded();
    } catch (error) {
      this.#failed(error);
      this.#scheduleRenewal(backoffMs(this.#failures, RETRY_BACKOFF, random));
    }
  }

  async #connected(): Promise<Client> {
    if (this.#client) return this.#client;
    const { connection, limits } = this.#parts;
    const client = new Client({
      ...connection,
      query_timeout: limits.answerWithinMs,
      connectionTimeoutMillis: limits.answerWithinMs,
    });
    const lose = (): void => {
      if (this.#client !== client) return;
      this.#client = null;
      this.nudge();
    };
    client.on('error', lose);
    client.on('end', lose);
    try {
      await client.connect();
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
    return client;
  }

  #failed(thrown: unknown): void {
    const { leadership, onAway } = this.#parts;
    const client = this.#client;
    this.#client = null;
    void client?.end().catch(() => undefined);
    this.#failures++;
    // One that swallows what it is sent, or refuses a new connection, is away; a connection alone may break.
    if (this.#failures < failuresUntilAway && client !== null && !isTimeout(thrown)) return;
    leadership.away(messageOf(thrown));
    onAway();
  }

  /** Who has the lease now. */
  async #successor(): Promise<LeaseHolder | null> {
    try {
      return (await readLease(await this.#connected(), 'unlocked')).holder;
    } catch {
      return null;
    }
  }
}

const NEVER = new AbortController().signal;

/** What a starter is told. */
function notTaken(error: unknown, { host, port }: Pick<Client, 'host' | 'port'>): unknown {
  if (!(error instanceof OmoiError) || error.code !== 'database_failed') return error;
  return new OmoiError(
    'database_failed',
    `${error.message}. See that PostgreSQL at ${host}:${port} runs and can be reached from here (a firewall or pooler on ` +
      'the way may swallow what it is sent), then start Omoi again',
    error.details,
    error,
  );
}

function isTimeout(error: unknown): boolean {
  return /timeout/i.test(messageOf(error));
}

function busy({ holder, leftMs }: LeaseRow): OmoiError {
  const name = holder?.name ?? 'another server';
  return busyWith(
    `${name} (its lease runs for ${Math.max(0, Math.round(leftMs / 1000))} s more, and is renewed)`,
  );
}

function busyWith(who: string): OmoiError {
  return new OmoiError('database_busy', `${who} is active on this PostgreSQL database; stop it first`);
}
