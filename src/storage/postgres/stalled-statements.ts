import { Client, type ClientConfig } from 'pg';
import type { Clock, Logger, Timer } from '#telemetry';
import { ForeignLocks, waitForLocks, type WaitForLocks } from './foreign-locks.ts';

/** Without an answer for so long a statement may wait for a lock of others: half of what passes before PostgreSQL counts as away. */
const maxUntoldMs = 2500;
/** Without an answer for so long a statement is asked about; those of migrations and retention may take longer. */
const maxUnaskedMs = 30_000;
const lookEveryMs = 5000;
/** Which sessions there are takes no time to say. */
const maxAnswerMs = 5000;
/** Looks in a row without an answer, from which on PostgreSQL is taken to be away. */
const looksUntilAway = 2;
/** By so much a statement may have begun later there than it was asked here. */
const slackMs = 10_000;

/** A connection that waits for an answer. */
export interface Unanswered {
  /** By which PostgreSQL knows it; null, or another one, behind a pooler. */
  readonly pid: number | null;
  readonly waitedMs: number;
  /** Whether PostgreSQL waited for this side to take an answer at the look before. */
  readonly untaken: boolean;
}

/** A session of this server as PostgreSQL knows it. */
export interface Session {
  readonly pid: number;
  readonly isActive: boolean;
  /** It waits for its client to take what it writes. */
  readonly isUntaken: boolean;
  /** For how long its present or last statement has run. */
  readonly runsMs: number;
}

interface Look {
  readonly sessions: readonly Session[];
  readonly locks: WaitForLocks;
}

/** Whether no answer will come: PostgreSQL is not at work on it, or has had an answer for long that nobody takes. */
export function leadsNowhere({ pid, waitedMs, untaken }: Unanswered, sessions: readonly Session[]): boolean {
  const own = sessions.find((session) => session.pid === pid);
  if (own) return !own.isActive || (own.isUntaken && untaken);
  // Behind a pooler nobody knows which session it is: any that works for as long may be.
  return !sessions.some(({ isActive, runsMs }) => isActive && runsMs >= waitedMs - slackMs);
}

interface Waiting {
  statements: number;
  /** Monotonic: when the connection had its last answer, or was asked first. */
  sinceMs: number;
  untaken: boolean;
}

export interface StalledStatementParts {
  /** Its `application_name` tells the sessions of this server from others. */
  readonly connection: ClientConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Is told what of others is waited for, while it is; null: nothing. */
  readonly onWait: (what: string | null) => void;
}

/**
 * Ends connections that lead nowhere: a firewall forgot them, or a proxy swallows. A statement may take long, so that time
 * alone says nothing: PostgreSQL is asked, on another connection, what it is at work on. What waits is refused as on a
 * connection that broke. Where it waits for a lock of others the log says whose.
 */
export class StalledStatements {
  readonly #parts: StalledStatementParts;
  readonly #waiting = new Map<Client, Waiting>();
  readonly #locks: ForeignLocks;
  readonly #timer: Timer;
  #looking = false;
  #unansweredLooks = 0;

  constructor(parts: StalledStatementParts) {
    this.#parts = parts;
    this.#locks = new ForeignLocks(parts);
    this.#timer = parts.clock.every(lookEveryMs, () => void this.#look());
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** A statement is asked. @returns to be called when it is answered, or refused */
  begin(client: Client): () => void {
    const { clock } = this.#parts;
    let waiting = this.#waiting.get(client);
    if (!waiting) {
      waiting = { statements: 0, sinceMs: clock.monotonicMs(), untaken: false };
      this.#waiting.set(client, waiting);
    }
    const begun = waiting;
    begun.statements++;
    return () => {
      begun.statements--;
      begun.sinceMs = clock.monotonicMs();
      begun.untaken = false;
      if (begun.statements === 0 && this.#waiting.get(client) === begun) this.#waiting.delete(client);
    };
  }

  async #look(): Promise<void> {
    if (this.#looking || !(this.#locks.areTold || this.#waitingFor(maxUntoldMs).length > 0)) return;
    this.#looking = true;
    try {
      const look = await this.#askSessions();
      if (look !== null) this.#locks.seen(look.locks);
      this.#endOverdue(look?.sessions ?? null);
    } finally {
      this.#looking = false;
    }
  }

  #endOverdue(sessions: readonly Session[] | null): void {
    const overdue = this.#waitingFor(maxUnaskedMs);
    if (overdue.length === 0) return;
    if (sessions === null && ++this.#unansweredLooks < looksUntilAway) return;
    if (sessions !== null) this.#unansweredLooks = 0;
    for (const [client, waiting] of overdue) {
      const unanswered = {
        pid: pidOf(client),
        waitedMs: this.#parts.clock.monotonicMs() - waiting.sinceMs,
        untaken: waiting.untaken,
      };
      if (sessions === null || leadsNowhere(unanswered, sessions)) this.#end(client, unanswered);
      else waiting.untaken = sessions.some(({ pid, isUntaken }) => pid === unanswered.pid && isUntaken);
    }
  }

  #waitingFor(leastMs: number): [Client, Waiting][] {
    const beforeMs = this.#parts.clock.monotonicMs() - leastMs;
    return [...this.#waiting].filter(([, { sinceMs }]) => sinceMs <= beforeMs);
  }

  #end(client: Client, { pid, waitedMs }: Unanswered): void {
    this.#waiting.delete(client);
    this.#parts.logger.warn(
      { backend_pid: pid, waited_ms: Math.round(waitedMs) },
      'PostgreSQL connection closed: a statement had no answer, and PostgreSQL is not at work on it.',
    );
    void client.end().catch(() => undefined);
  }

  /** null where PostgreSQL does not answer. */
  async #askSessions(): Promise<Look | null> {
    const { connection, clock } = this.#parts;
    const client = new Client({ ...connection, connectionTimeoutMillis: maxAnswerMs });
    client.on('error', () => undefined);
    // By this clock: a connection that leads nowhere answers neither, and may never even come to be.
    const late = Promise.withResolvers<null>();
    const timer = clock.after(2 * maxAnswerMs, () => late.resolve(null));
    const asked = lookOf(client, connection.application_name ?? '').catch(() => null);
    const look = await Promise.race([asked, late.promise]);
    timer.cancel();
    void client.end().catch(() => undefined);
    return look;
  }
}

async function lookOf(client: Client, applicationName: string): Promise<Look> {
  await client.connect();
  const { rows } = await client.query<SessionRow>(SESSIONS, [applicationName]);
  const waiting = rows.flatMap(({ blockers, lock }) => (blockers === null ? [] : [{ blockers, lock }]));
  return {
    sessions: rows.map((row) => ({
      pid: row.pid,
      isActive: row.is_active,
      isUntaken: row.is_untaken,
      runsMs: row.runs_ms ?? 0,
    })),
    locks: await waitForLocks(client, waiting, applicationName),
  };
}

interface SessionRow {
  readonly pid: number;
  readonly is_active: boolean;
  readonly is_untaken: boolean;
  readonly runs_ms: number | null;
  /** null where it waits for no lock. */
  readonly blockers: readonly number[] | null;
  readonly lock: string | null;
}

/** The cast to `name` cuts as PostgreSQL has cut it. */
const SESSIONS = `select pid, state = 'active' as is_active,
    coalesce(wait_event = 'ClientWrite', false) as is_untaken,
    (extract(epoch from clock_timestamp() - query_start) * 1000)::float8 as runs_ms,
    case when wait_event_type = 'Lock' then pg_blocking_pids(pid) end as blockers,
    case when wait_event_type = 'Lock' then (
      select coalesce(relation::regclass::text, locktype) || ' (' || mode || ')'
      from pg_locks where pg_locks.pid = session.pid and not granted limit 1
    ) end as lock
  from pg_stat_activity session
  where application_name = ($1::name)::text and pid <> pg_backend_pid() and state is not null`;

function pidOf(client: Client): number | null {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : null;
}
