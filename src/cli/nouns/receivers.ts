import { z } from 'zod';
import { followAsked } from '../follow-asked.ts';
import { printable } from '../query/printable.ts';
import { clientOf, serverOf, type FollowFlags, type ServerFlags } from '../server-client.ts';
import { colourOfState } from '../terminal/colours.ts';
import { note, printJson, printLines, tableFor } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';

export const RECEIVERS_PATH = '/api/v1/alerts/receivers';

/** What the server says of its receivers. */
export const receivers = z.object({
  receivers: z.array(
    z.object({
      name: z.string(),
      integrations: z.array(
        z.object({
          integration: z.string(),
          type: z.string(),
          built: z.boolean(),
          send_resolved: z.boolean().nullable(),
          pending: z.number(),
          refuses_since: z.string().nullable(),
          refusal: z.string().nullable(),
        }),
      ),
    }),
  ),
});

export type Receiver = z.output<typeof receivers>['receivers'][number];

interface Row {
  readonly name: string;
  readonly integration: string;
  readonly tells: string;
  readonly pending: string;
  readonly refuses: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: 'RECEIVER', of: ({ name }) => name },
  { heading: 'INTEGRATION', of: ({ integration }) => integration },
  { heading: 'TELLS', of: ({ tells }) => tells },
  { heading: 'WAITING', of: ({ pending }) => pending, align: 'right' },
  { heading: 'REFUSES', of: ({ refuses }) => refuses, mayShrink: true },
];

/** `omoi receivers list` */
export async function listReceivers(flags: FollowFlags): Promise<void> {
  const client = clientOf(serverOf(flags));
  const read = (): Promise<unknown> => client.call('GET', RECEIVERS_PATH);
  const table = tableFor(COLUMNS);
  const printAll = (rows: readonly Receiver[]): void => printLines(table.linesOf(rows.flatMap(rowsOf)));
  if (flags.follow === true) {
    return followAsked({
      readAll: async () => receivers.parse(await read()).receivers,
      idOf: ({ name }) => name,
      printAll: flags.json === true ? (rows) => rows.forEach(printJson) : printAll,
      print: flags.json === true ? printJson : (row) => printAll([row]),
      gone: (name) => note(`receiver ${name} is not in the configuration any more`),
    });
  }
  const answer = await read();
  if (flags.json === true) printJson(answer);
  else printAll(receivers.parse(answer).receivers);
}

/** A line for each of its integrations. */
function rowsOf({ name, integrations }: Receiver): readonly Row[] {
  if (integrations.length === 0)
    return [{ name, integration: '-', tells: 'nobody: dashboard', pending: '-', refuses: '-' }];
  return integrations.map(({ integration, built, send_resolved: sendResolved, pending, ...answered }) => ({
    name,
    integration,
    tells: tellsOf(built, sendResolved),
    pending: String(pending),
    refuses: refusesOf(answered),
  }));
}

function refusesOf({
  refuses_since: since,
  refusal,
}: Pick<Receiver['integrations'][number], 'refuses_since' | 'refusal'>): string {
  return since === null ? 'nothing' : printable(`all since ${since}: ${refusal ?? ''}`);
}

function tellsOf(isBuilt: boolean, sendResolved: boolean | null): string {
  if (!isBuilt) return 'not sent to by this version: the fallback receiver is told';
  return sendResolved === true ? 'what fires and what is over' : 'what fires';
}

const tested = z.object({
  results: z.array(z.object({ integration: z.string(), outcome: z.string(), answer: z.string() })),
});
type Result = z.output<typeof tested>['results'][number];

const RESULT_COLUMNS: readonly Column<Result>[] = [
  { heading: 'INTEGRATION', of: ({ integration }) => integration },
  { heading: 'OUTCOME', of: ({ outcome }) => outcome, colourOf: ({ outcome }) => colourOfState(outcome) },
  { heading: 'ANSWER', of: ({ answer }) => printable(answer), mayShrink: true },
];

/** `omoi receivers test`: 1 where nothing was sent, or one of its integrations did not take the message. */
export async function testReceiver(name: string, flags: ServerFlags): Promise<number> {
  const answer = await clientOf(serverOf(flags)).call(
    'POST',
    `${RECEIVERS_PATH}/${encodeURIComponent(name)}/test`,
  );
  const { results } = tested.parse(answer);
  if (flags.json === true) printJson(answer);
  else if (results.length === 0)
    note(`nothing was sent: ${name} has no integration; what is routed to it is on the dashboard`);
  else printLines(tableFor(RESULT_COLUMNS).linesOf(results));
  return results.length > 0 && results.every(({ outcome }) => outcome === 'delivered') ? 0 : 1;
}
