import type { KyselyPlugin } from 'kysely';
import type { StateDatabase, StateTransaction, TransactionOptions } from '#storage';
import { OmoiError } from '#telemetry';
import { never, type Gate } from './gate.ts';

/** What is wrong with the disk: calls fail, or it is full so that only writing fails. */
export type DiskState = 'well' | 'failing' | 'full';

/** How a process dies in a transaction: what was written is lost, or on disk and nobody was told. */
export type Death = 'before_commit' | 'after_commit';

/** The disk of the world: it outlives the processes that use it. */
export class Disk {
  state: DiskState = 'well';
  #death: { inTransactions: number; readonly how: Death } | null = null;
  #failures = 0;

  /** Lets the process die in the transaction after so many others. */
  killIn(inTransactions: number, how: Death): void {
    this.#death = { inTransactions, how };
  }

  spare(): void {
    this.#death = null;
  }

  /** @throws OmoiError as a real disk in this state would make the database throw */
  assert(access: 'read' | 'write'): void {
    if (this.state === 'well' || (this.state === 'full' && access === 'read')) return;
    this.#failures++;
    if (this.state === 'full') throw new OmoiError('storage_full', 'simulated: the disk is full');
    throw new OmoiError('database_failed', 'simulated: disk I/O error');
  }

  /** How many calls of the database have failed since this was asked last. */
  takeFailures(): number {
    const failures = this.#failures;
    this.#failures = 0;
    return failures;
  }

  /** To be asked once for each transaction. */
  takeDeath(): Death | null {
    if (!this.#death) return null;
    if (this.#death.inTransactions-- > 0) return null;
    const { how } = this.#death;
    this.#death = null;
    return how;
  }
}

export interface FaultyDatabase {
  readonly database: StateDatabase;
  /** Transactions that have begun and not ended. */
  readonly inFlight: () => number;
}

/** A database as one server process sees it: through its gate, on a disk that fails. */
export function faultyDatabase(database: StateDatabase, disk: Disk, gate: Gate): FaultyDatabase {
  let inFlight = 0;
  const reading: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if (!gate.isOpen) return never();
      disk.assert('read');
      return result;
    },
  };
  const run = <Result>(
    work: (tx: StateTransaction) => Promise<Result>,
    options: TransactionOptions | undefined,
  ): Promise<Result> =>
    database.transaction(async (tx) => {
      assertAlive(gate);
      disk.assert('write');
      const death = disk.takeDeath();
      const result = await work(gatedTransaction(tx, gate));
      assertAlive(gate);
      if (death) gate.close();
      if (death === 'before_commit') assertAlive(gate);
      return result;
    }, options);
  return {
    inFlight: () => inFlight,
    database: {
      dialect: database.dialect,
      reader: database.reader.withPlugin(reading),
      transaction(work, options) {
        if (!gate.isOpen) return never();
        inFlight++;
        return gate.pass(run(work, options).finally(() => inFlight--));
      },
      close: () => database.close(),
    },
  };
}

/** What follows from a commit happens in the process, if it lives. */
function gatedTransaction(tx: StateTransaction, gate: Gate): StateTransaction {
  return {
    ...tx,
    afterCommit: (effect) => tx.afterCommit(() => void (gate.isOpen && effect())),
    afterRollback: (effect) => tx.afterRollback(() => void (gate.isOpen && effect())),
  };
}

function assertAlive(gate: Gate): void {
  if (!gate.isOpen) throw new Error('simulated: the process is dead');
}
