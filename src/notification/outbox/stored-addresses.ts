import type { StateDatabase, StateTransaction } from '#storage';
import { AskedWork, messageOf, type BackoffLimits, type Clock, type Logger, type Random } from '#telemetry';
import type { KnownAddress } from './former-integrations.ts';

/** So many rows are written, or removed, with one statement. */
const maxRowsPerStatement = 200;
const WRITE_BACKOFF: BackoffLimits = { firstMs: 200, maxMs: 15_000 };

export interface StoredAddressesParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Stored {
  readonly address: string;
  readonly isGone: boolean;
}

type Addresses = ReadonlyMap<string, Stored>;

/** Which address each integration reaches, on disk: a receiver that has another name after a start is known again. */
export class StoredAddresses {
  readonly #parts: StoredAddressesParts;
  readonly #writing: AskedWork;
  #stored: Addresses = new Map();
  #wanted: Addresses = new Map();

  constructor(parts: StoredAddressesParts) {
    this.#parts = parts;
    this.#writing = new AskedWork({
      ...parts,
      backoff: WRITE_BACKOFF,
      work: () => this.#write(),
      onFailure: (thrown) =>
        parts.logger.warn(
          { error: messageOf(thrown) },
          'Addresses of receivers not written, and tried again: until then a restart takes one that was renamed for another',
        ),
    });
  }

  /** Those that an earlier run has known: first those that were in force no more then, in the order in which they went. */
  async read(): Promise<readonly KnownAddress[]> {
    const rows = await this.#parts.database.reader
      .selectFrom('notification_addresses')
      .selectAll()
      .orderBy('integration')
      .execute();
    this.#stored = new Map(
      rows.map(({ integration, address, gone_at_ms: goneAtMs }) => [
        integration,
        { address, isGone: goneAtMs !== null },
      ]),
    );
    return rows
      .toSorted((a, b) => (a.gone_at_ms ?? Infinity) - (b.gone_at_ms ?? Infinity) || 0)
      .map(({ integration: key, address }) => ({ key, address }));
  }

  /** Keeps what is known from now on. */
  keep(inForce: readonly KnownAddress[], former: readonly KnownAddress[]): void {
    this.#wanted = new Map<string, Stored>([
      ...former.map(({ key, address }) => [key, { address, isGone: true }] as const),
      ...inForce.map(({ key, address }) => [key, { address, isGone: false }] as const),
    ]);
    this.#writing.ask();
  }

  stop(): Promise<void> {
    return this.#writing.stop();
  }

  async #write(): Promise<void> {
    const [stored, wanted] = [this.#stored, this.#wanted];
    const changed = [...wanted].filter(([key, { address, isGone }]) => {
      const known = stored.get(key);
      return known?.address !== address || known.isGone !== isGone;
    });
    const removed = [...stored.keys()].filter((key) => !wanted.has(key));
    if (changed.length + removed.length === 0) return;
    await this.#parts.database.transaction(async (tx) => {
      for (const some of inSlices(removed)) {
        await tx.db.deleteFrom('notification_addresses').where('integration', 'in', some).execute();
      }
      for (const some of inSlices(changed)) await writeAddresses(tx, some);
    });
    this.#stored = wanted;
  }
}

async function writeAddresses(
  tx: StateTransaction,
  addresses: readonly (readonly [string, Stored])[],
): Promise<void> {
  const nowMs = Math.floor(tx.nowMs);
  await tx.db
    .insertInto('notification_addresses')
    .values(
      addresses.map(([integration, { address, isGone }]) => ({
        integration,
        address,
        gone_at_ms: isGone ? nowMs : null,
      })),
    )
    .onConflict((conflict) =>
      conflict.column('integration').doUpdateSet((row) => ({
        address: row.ref('excluded.address'),
        gone_at_ms: row.ref('excluded.gone_at_ms'),
      })),
    )
    .execute();
}

function inSlices<Row>(rows: readonly Row[]): readonly (readonly Row[])[] {
  const count = Math.ceil(rows.length / maxRowsPerStatement);
  return Array.from({ length: count }, (_, at) =>
    rows.slice(at * maxRowsPerStatement, (at + 1) * maxRowsPerStatement),
  );
}
