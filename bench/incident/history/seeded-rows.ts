import { sql, type RawBuilder } from 'kysely';

/*
 * Rows by the million are made inside SQLite, from their number and the seed: nothing is sent to its thread but one
 * statement a block. `n.i` is the number of the row.
 */

const MULTIPLIERS = [2_654_435_761, 2_246_822_519, 3_266_489_917, 668_265_263, 374_761_393] as const;

/** `with n(i) as (from … from+count-1)`: what stands before the select of an insert. */
export function numbers(from: number, count: number): RawBuilder<unknown> {
  return sql`with recursive n(i) as (
    select ${sql.lit(from)} union all select i + 1 from n where i < ${sql.lit(from + count - 1)}
  )`;
}

export class SeededColumns {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** 32 bits that look like chance but follow from `of` (SQL) and the seed; `stream` 0…4 gives others. */
  word(of: string, stream: number): string {
    const multiplier = MULTIPLIERS[stream] ?? 1;
    const mixed = `((((${of}) + ${this.#seed + stream}) * ${multiplier}) & 4294967295)`;
    return `((${mixed} * 40503 + ((${of}) >> 5) * ${multiplier}) & 4294967295)`;
  }

  /** Hex digits, eight a word. */
  hex(of: string, words: number): string {
    const parts = Array.from({ length: words }, (_, stream) => this.word(of, stream));
    return `printf('${'%08x'.repeat(words)}', ${parts.join(', ')})`;
  }
}

/** Calls `block` for each block of rows: one transaction each, so that none grows beyond the log. */
export async function inBlocks(
  count: number,
  rowsPerBlock: number,
  block: (from: number, count: number) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < count; from += rowsPerBlock) {
    await block(from, Math.min(rowsPerBlock, count - from));
  }
}
