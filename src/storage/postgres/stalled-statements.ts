import { Client, type ClientConfig } from 'pg';
import type { Clock, Logger, Timer } from '#telemetry';

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
}

/**
 * Ends connections that lead nowhere: a firewall forgot them, or a proxy swallows. A statement may take long, so that time
 * alone says nothing: PostgreSQL is asked, on another connection, what it is at work on. What waits is refused as on a
 * connection that broke.
 */
export class StalledStatements {
  readonly #parts: StalledStatementParts;
  readonly #waiting = new Map<Client, Waiting>();
  readonly #timer: Timer;
  #looking = false;
  #unansweredLooks = 0;

  constructor(parts: StalledStatementParts) {
    this.#parts = parts;
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
    if (this.#looking || this.#overdue().length === 0) return;
    this.#looking = true;
    try {
      const sessions = await this.#sessions();
      if (sessions === null && ++this.#unansweredLooks < looksUntilAway) return;
      if (sessions !== null) this.#unansweredLooks = 0;
      for (const [client, waiting] of this.#overdue()) {
        const unanswered = {
          pid: pidOf(client),
          waitedMs: this.#parts.clock.monotonicMs() - waiting.sinceMs,
          untaken: waiting.untaken,
        };
        if (sessions === null || leadsNowhere(unanswered, sessions)) this.#end(client, unanswered);
        else waiting.untaken = sessions.some(({ pid, isUntaken }) => pid === unanswered.pid && isUntaken);
      }
    } finally {
      this.#looking = false;
    }
  }

  #overdue(): [Client, Waiting][] {
    const beforeMs = this.#parts.clock.monotonicMs() - maxUnaskedMs;
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
  async #sessions(): Promise<readonly Session[] | null> {
    const { connection, clock } = this.#parts;
    const client = new Client({ ...connection, connectionTimeoutMillis: maxAnswerMs });
    client.on('error', () => undefined);
    // By this clock: a connection that leads nowhere answers neither.
    // By this clock: a connection that leads nowhere answers neither, and may never even come to be.
    const late = Promise.withResolvers<null>();
    const timer = clock.after(2 * maxAnswerMs, () => late.resolve(null));
    const asked = sessionsOf(client, connection.application_name ?? '').catch(() => null);
    const sessions = await Promise.race([asked, late.promise]);
    timer.cancel();
    void client.end().catch(() => undefined);
    return sessions;
  }
}

async function sessionsOf(client: Client, applicationName: string): Promise<readonly Session[]> {
  await client.connect();
  const { rows } = await client.query<SessionRow>(SESSIONS, [applicationName]);
  return rows.map((row) => ({
    pid: row.pid,
    isActive: row.is_active,
    isUntaken: row.is_untaken,
    runsMs: row.runs_ms ?? 0,
  }));
}

interface SessionRow {
  readonly pid: number;
  readonly is_active: boolean;
  readonly is_untaken: boolean;
  readonly runs_ms: number | null;
}

/** The cast to `name` cuts as PostgreSQL has cut it. */
const SESSIONS = `select pid, state = 'active' as is_active,
    coalesce(wait_event = 'ClientWrite', false) as is_untaken,
    (extract(epoch from clock_timestamp() - query_start) * 1000)::float8 as runs_ms
  from pg_stat_activity
  where application_name = ($1::name)::text and pid <> pg_backend_pid() and state is not null`;

function pidOf(client: Client): number | null {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : null;
}
