import { allSettled } from '#telemetry';
import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { AtCommit, StateTransaction } from './database.ts';
import type { StateTables } from './tables.ts';

/** There is one statement for each number of rows up to this. */
const MAX_ROWS_PER_STATEMENT = 50;

/**
 * An insertion of a hot path: compiled once a dialect and number of rows, then run with new values. All rows must have
 * the same keys in the same order.
 */
export class PreparedInsert<Values extends object, Row> {
  readonly #build: (db: Kysely<StateTables>, rows: readonly Values[]) => Compilable<Row>;
  readonly #compiled: Record<StateTransaction['dialect'], (CompiledQuery<Row> | undefined)[]> = {
    sqlite: [],
    postgres: [],
  };

  /** @param build inserts the rows' values as parameters, in their order, and no others */
  constructor(build: (db: Kysely<StateTables>, rows: readonly Values[]) => Compilable<Row>) {
    this.#build = build;
  }

  /** What comes back, in any order. All statements go to the database at once. */
  async rows(tx: Pick<StateTransaction, 'dialect' | 'db'>, values: readonly Values[]): Promise<Row[]> {
    const statements: Promise<Row[]>[] = [];
    for (let at = 0; at < values.length; at += MAX_ROWS_PER_STATEMENT) {
      statements.push(this.#insert(tx, values.slice(at, at + MAX_ROWS_PER_STATEMENT)));
    }
    return (await allSettled(statements)).flat();
  }

  /**
   * Inserts at the end of the transaction.
   * @param options.onRows is told what comes back, in any order, before the effects
   * @param options.foreseen how many rows come back of each statement; for rows that fit into one
   */
  atCommit(
    tx: Pick<StateTransaction, 'dialect' | 'db' | 'atCommit'>,
    values: readonly Values[],
    { onRows, ...options }: AtCommit<Row>,
  ): void {
    const inserted: Row[] = [];
    for (let at = 0; at < values.length; at += MAX_ROWS_PER_STATEMENT) {
      const isLast = at + MAX_ROWS_PER_STATEMENT >= values.length;
      tx.atCommit(this.#statement(tx, values.slice(at, at + MAX_ROWS_PER_STATEMENT)), {
        ...options,
        onRows: (rows) => {
          inserted.push(...rows);
          if (isLast) onRows?.(inserted);
        },
      });
    }
  }

  async #insert(tx: Pick<StateTransaction, 'dialect' | 'db'>, rows: readonly Values[]): Promise<Row[]> {
    return (await tx.db.executeQuery<Row>(this.#statement(tx, rows))).rows;
  }

  #statement(tx: Pick<StateTransaction, 'dialect' | 'db'>, rows: readonly Values[]): CompiledQuery<Row> {
    const compiled = (this.#compiled[tx.dialect][rows.length] ??= this.#build(tx.db, rows).compile());
    const parameters = rows.flatMap((row) => Object.values(row) as unknown[]);
    return { ...compiled, parameters };
  }
}
