import { setTimeout as delay } from 'node:timers/promises';
import { OmoiError } from '#telemetry';
import { isTransient } from './server-address.ts';
import { note } from './terminal/print.ts';

export interface AskedRows<Row> {
  readonly readAll: () => Promise<readonly Row[]>;
  readonly idOf: (row: Row) => string;
  /** What of a row is compared with what it was before; absent: all of it. */
  readonly stateOf?: (row: Row) => unknown;
  /** Prints the rows of the first answer. */
  readonly printAll: (rows: readonly Row[]) => void;
  readonly print: (row: Row) => void;
  /** Says that a row is not there any more. */
  readonly gone: (id: string) => void;
  readonly signal?: AbortSignal;
  readonly everyMs?: number;
}

/** As often as somebody looks. */
const ASK_AGAIN_MS = 2000;

/**
 * Follows what no event tells of, by asking again and again: prints what there is, and then each row that differs from what
 * it was. @throws OmoiError with the server's own code
 */
export async function followAsked<Row>(rows: AskedRows<Row>): Promise<void> {
  const { readAll, idOf, stateOf = (row) => row, printAll, print, gone, signal } = rows;
  const { everyMs = ASK_AGAIN_MS } = rows;
  const textsOf = (read: readonly Row[]): Map<string, string> =>
    new Map(read.map((row) => [idOf(row), JSON.stringify(stateOf(row))]));
  const first = await readAll();
  printAll(first);
  let before = textsOf(first);
  let isAway = false;
  const isOver = (): boolean => signal?.aborted === true;
  while (!isOver()) {
    await delay(everyMs, null, { ...(signal && { signal }) });
    const read = await readAll().catch((thrown: unknown) => {
      if (!isGone(thrown)) throw thrown;
      if (!isAway) note('the server has gone; waiting for it …');
      isAway = true;
      return null;
    });
    if (read === null) continue;
    if (isAway) note('the server is back');
    isAway = false;
    const now = textsOf(read);
    for (const row of read) if (before.get(idOf(row)) !== now.get(idOf(row))) print(row);
    for (const id of before.keys()) if (!now.has(id)) gone(id);
    before = now;
  }
}

/** Of a directory no server is found while it is started again. */
export function isGone(thrown: unknown): boolean {
  return isTransient(thrown) || (thrown instanceof OmoiError && thrown.code === 'not_found');
}
