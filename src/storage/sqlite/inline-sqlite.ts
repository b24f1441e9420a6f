import { closedError, type SqliteAccess, type SqliteNote, type SqliteQuestion } from './sqlite-access.ts';
import { SqliteConnections } from './sqlite-connections.ts';
import type { SqliteFile, SqliteReply } from './worker-protocol.ts';

/**
 * SQLite on the spot, for tests and simulations: nothing but promises lies between a question and its answer, so
 * that under a virtual clock the same seed gives the same run.
 */
export class InlineSqlite implements SqliteAccess {
  readonly #file: SqliteFile;
  readonly #connections: SqliteConnections;
  #closed = false;

  constructor(file: SqliteFile) {
    this.#file = file;
    this.#connections = new SqliteConnections(file);
  }

  async ask(question: SqliteQuestion): Promise<SqliteReply> {
    if (this.#closed) throw closedError(this.#file.path);
    const reply = this.#connections.answer({ ...question, id: 0 });
    if (!reply) throw new Error(`SQLite has no answer to ${question.op}`);
    return reply;
  }

  tell(note: SqliteNote): void {
    if (!this.#closed) this.#connections.answer(note);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.ask({ op: 'close' });
    this.#closed = true;
  }
}
