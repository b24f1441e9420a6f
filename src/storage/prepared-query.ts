import type { Compilable, CompiledQuery, Kysely, QueryResult } from 'kysely';
import type { AtCommit, StateTransaction } from './database.ts';
import type { StateTables } from './tables.ts';

/** Stands for a value while a query is compiled. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Hands out a placeholder for whatever is asked for. */
const PLACEHOLDERS = new Proxy({}, { get: (_target, name) => new Placeholder(String(name)) });

/**
 * A query of a hot path: built and compiled once a dialect, then run with new values. Building one with Kysely takes
 * longer than SQLite needs to run it.
 */
export class PreparedQuery<Values extends object, Row> {
  readonly #build: (db: Kysely<StateTables>, values: Values) => Compilable<Row>;
  readonly #compiled: Partial<Record<StateTransaction['dialect'], CompiledQuery<Row>>> = {};

  /** @param build a pure function that passes the values into the query and does nothing else with them */
  constructor(build: (db: Kysely<StateTables>, values: Values) => Compilable<Row>) {
    this.#build = build;
  }

  async rows(tx: Pick<StateTransaction, 'dialect' | 'db'>, values: Values): Promise<Row[]> {
    return (await this.run(tx, values)).rows;
  }

  async first(tx: Pick<StateTransaction, 'dialect' | 'db'>, values: Values): Promise<Row | null> {
    const [row] = await this.rows(tx, values);
    return row ?? null;
  }

  run(tx: Pick<StateTransaction, 'dialect' | 'db'>, values: Values): Promise<QueryResult<Row>> {
    return tx.db.executeQuery(this.#statement(tx, values));
  }

  /** Runs it at the end of the transaction. */
  atCommit(
    tx: Pick<StateTransaction, 'dialect' | 'db' | 'atCommit'>,
    values: Values,
    options: AtCommit<Row>,
  ): void {
    tx.atCommit(this.#statement(tx, values), options);
  }

  #statement(tx: Pick<StateTransaction, 'dialect' | 'db'>, values: Values): CompiledQuery<Row> {
    // The placeholders answer for every key that `Values` has.
    const compiled = (this.#compiled[tx.dialect] ??= this.#build(tx.db, PLACEHOLDERS as Values).compile());
    const given = values as Readonly<Record<string, unknown>>;
    const parameters = compiled.parameters.map((parameter) =>
      parameter instanceof Placeholder ? given[parameter.name] : parameter,
    );
    return { ...compiled, parameters };
  }
}
