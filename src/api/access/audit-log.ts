import type { StateDatabase, StateTransaction } from '#storage';
import { toRfc3339 } from '#telemetry';
import type { Principal } from '../http/app.ts';

export type AuditOutcome = 'started' | 'succeeded' | 'refused' | 'failed';

export interface AuditEntry {
  readonly actor: Pick<Principal, 'kind' | 'id' | 'name'> | SystemActor;
  /** `POST /api/v1/fleet/pools`, or a word for what is no request: `access.first_start`. */
  readonly action: string;
  readonly entity: string;
  readonly requestId: string;
  readonly outcome: AuditOutcome;
  /** Must not hold a secret. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** What the server does by itself. */
export interface SystemActor {
  readonly kind: 'system';
  readonly id: 'system';
  readonly name: string;
}

/** An entry as the API shows it. */
export interface AuditRecord {
  readonly id: number;
  readonly at: string;
  readonly actor: { readonly kind: string; readonly id: string; readonly name: string };
  readonly action: string;
  readonly entity: string;
  readonly request_id: string;
  readonly outcome: AuditOutcome;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AuditQuery {
  /** Only entries older than this id. */
  readonly beforeId: number | null;
  readonly limit: number;
}

/** Who changed what, when, and how it ended. Entries are written before the change and completed after it. */
export interface AuditLog {
  /** Writes an entry and returns its id. */
  begin(entry: AuditEntry): Promise<number>;
  /** Writes an entry in the transaction of the change that it tells of. */
  record(tx: StateTransaction, entry: AuditEntry): Promise<number>;
  complete(id: number, outcome: AuditOutcome, details: Readonly<Record<string, unknown>>): Promise<void>;
  /** Newest first. */
  list(query: AuditQuery): Promise<readonly AuditRecord[]>;
}

export function createAuditLog(database: StateDatabase): AuditLog {
  async function record(tx: StateTransaction, entry: AuditEntry): Promise<number> {
    const { id } = await tx.db
      .insertInto('audit_log')
      .values({
        at_ms: tx.nowMs,
        actor_kind: entry.actor.kind,
        actor_id: entry.actor.id,
        actor_name: entry.actor.name,
        action: entry.action,
        entity: entry.entity,
        request_id: entry.requestId,
        outcome: entry.outcome,
        details: JSON.stringify(entry.details),
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return id;
  }
  return {
    record,
    begin: (entry) => database.transaction((tx) => record(tx, entry)),
    complete: (id, outcome, details) =>
      database.transaction(async (tx) => {
        await tx.db
          .updateTable('audit_log')
          .set({ outcome, details: JSON.stringify(details) })
          .where('id', '=', id)
          .execute();
      }),
    async list({ beforeId, limit }) {
      let query = database.reader.selectFrom('audit_log').selectAll().orderBy('id', 'desc').limit(limit);
      if (beforeId !== null) query = query.where('id', '<', beforeId);
      const rows = await query.execute();
      return rows.map((row) => ({
        id: row.id,
        at: toRfc3339(row.at_ms),
        actor: { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
        action: row.action,
        entity: row.entity,
        request_id: row.request_id,
        // Both columns are written by `record` and `complete` alone.
        outcome: row.outcome as AuditOutcome,
        details: JSON.parse(row.details) as Record<string, unknown>,
      }));
    },
  };
}
