import type { ServerClient } from './server-client.ts';

/** What has several values is repeated. */
type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Pages<Row> {
  readonly path: string;
  readonly query: Query;
  /**
   * The rows of an answer, and what the next page begins behind: its parameters, or null at the end.
   * @param asked how many rows were asked for
   */
  readonly read: (
    answer: unknown,
    asked: number,
  ) => {
    readonly rows: readonly Row[];
    readonly next: Readonly<Record<string, string>> | null;
  };
  /** Of one page, as the route allows. */
  readonly maxRows: number;
}

/** Up to so many rows of a list, page by page; `more` where there are others behind. */
export async function readPages<Row>(
  client: ServerClient,
  pages: Pages<Row>,
  limit: number,
): Promise<{ readonly rows: readonly Row[]; readonly more: boolean }> {
  const rows: Row[] = [];
  let next: Readonly<Record<string, string>> | null = {};
  while (next !== null) {
    // One more than is wanted: whether there are others.
    const size = Math.min(pages.maxRows, limit + 1 - rows.length);
    const answer = await client.call(
      'GET',
      `${pages.path}?${queryText({ ...pages.query, limit: String(size), ...next })}`,
    );
    const page = pages.read(answer, size);
    rows.push(...page.rows);
    if (rows.length > limit) return { rows: rows.slice(0, limit), more: true };
    next = page.next;
  }
  return { rows, more: false };
}

/** All of a list that fits into memory: one that people write, or that nobody leaves to grow. */
export async function readAll<Row>(client: ServerClient, pages: Pages<Row>): Promise<readonly Row[]> {
  return (await readPages(client, pages, Infinity)).rows;
}

/** Where the last row of a full page says where the next one begins; behind a page that is not full there is nothing. */
export function behindLast<Row>(
  { rows, asked }: { readonly rows: readonly Row[]; readonly asked: number },
  parameter: string,
  idOf: (row: Row) => string,
): Readonly<Record<string, string>> | null {
  const last = rows.at(-1);
  return last === undefined || rows.length < asked ? null : { [parameter]: idOf(last) };
}

function queryText(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
  return new URLSearchParams(given).toString();
}
