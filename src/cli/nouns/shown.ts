import type { SystemEvent } from '#telemetry';
import { followRows, followWhole } from '../follow-rows.ts';
import { serverOf, type FollowFlags, type Server } from '../server-client.ts';
import { note, printJson, printLines, tableFor } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';

export interface ShownList<Row> {
  /** What the list is called in its JSON. */
  readonly key: string;
  readonly columns: readonly Column<Row>[];
  readonly readAll: () => Promise<{ readonly rows: readonly Row[]; readonly more: boolean }>;
  /** Said in place of a table without rows; absent: its headings are shown. */
  readonly empty?: string;
  /** Said behind a table of rows. */
  readonly notesOn?: (rows: readonly Row[]) => readonly string[];
  /** Said where there are more rows than were asked for; null: nothing. */
  readonly more: string | null;
  readonly follow: {
    readonly types: readonly string[];
    /** What an event is about here; null: nothing that is shown. */
    readonly idOf: (event: SystemEvent) => string | null;
    /** Null where it is gone, or is not to be shown. */
    readonly read: (id: string) => Promise<Row | null>;
  };
}

/** `omoi NOUN list`: a table, or JSON; with `-f` then each row that changes, in a line. */
export async function showList<Row>(server: Server, flags: FollowFlags, list: ShownList<Row>): Promise<void> {
  const table = tableFor(list.columns);
  const print = (row: Row): void => (flags.json === true ? printJson(row) : printLines(table.linesOf([row])));
  const printAll = async (): Promise<void> => {
    const { rows, more } = await list.readAll();
    if (flags.json === true && flags.follow === true) rows.forEach(print);
    else if (flags.json === true) printJson({ [list.key]: rows });
    else if (rows.length === 0 && list.empty !== undefined) note(list.empty);
    else {
      printLines(table.linesOf(rows));
      list.notesOn?.(rows).forEach(note);
    }
    if (more && list.more !== null) note(list.more);
  };
  if (flags.follow !== true) return printAll();
  await followRows(server, { ...list.follow, printAll, print });
}

export interface ShownWhole<Answer> {
  readonly ask: () => Promise<Answer>;
  readonly linesOf: (answer: Answer) => readonly string[];
  readonly types: readonly string[];
  /** Whether an event may have changed the answer; absent: each one. */
  readonly isMeant?: (event: SystemEvent) => boolean;
}

/** `omoi NOUN show`: an answer in lines, or as JSON; with `-f` again whenever it may have changed. */
export async function showWhole<Answer>(
  flags: FollowFlags,
  { ask, linesOf, types, isMeant }: ShownWhole<Answer>,
): Promise<void> {
  const print = async (): Promise<void> => {
    const answer = await ask();
    if (flags.json === true) printJson(answer);
    else printLines(linesOf(answer));
  };
  if (flags.follow !== true) return print();
  await followWhole(serverOf(flags), { types, print, ...(isMeant && { isMeant }) });
}
