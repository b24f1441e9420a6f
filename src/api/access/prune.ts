import type { StateDatabase } from '#storage';
import { messageOf, type Logger } from '#telemetry';

export interface PruneParts {
  readonly database: StateDatabase;
  readonly logger: Logger;
  readonly options: { readonly auditRetentionMs: number };
}

/** Deletes ended sessions and links, and what is past the retention of the audit log. Never throws. */
export async function pruneAccess({ database, logger, options }: PruneParts): Promise<void> {
  try {
    await database.transaction(async ({ db, nowMs }) => {
      const oldestKeptMs = nowMs - options.auditRetentionMs;
      await db.deleteFrom('access_sessions').where('expires_at_ms', '<=', nowMs).execute();
      await db.deleteFrom('login_links').where('expires_at_ms', '<=', nowMs).execute();
      await db.deleteFrom('audit_log').where('at_ms', '<', oldestKeptMs).execute();
      await db.deleteFrom('access_tokens').where('revoked_at_ms', '<', oldestKeptMs).execute();
    });
  } catch (thrown) {
    logger.warn({ error: messageOf(thrown) }, 'Old sessions and audit entries could not be deleted.');
  }
}
