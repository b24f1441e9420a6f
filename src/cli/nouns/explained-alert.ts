import { z } from 'zod';
import { clientForNamed } from '../named-client.ts';
import { printable } from '../query/printable.ts';
import { serverOf, type ServerFlags } from '../server-client.ts';
import { note, printJson, printLines, tableFor } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';
import { oneAlertNamed } from './alerts-named.ts';
import { newestCommentLines } from './comments.ts';
import { MESSAGE_COLUMNS, message } from './messages.ts';

const nullable = z.string().nullable();
const explanation = z.object({
  decisions: z.array(
    z.object({
      at: z.string(),
      stage: z.string(),
      decision: z.string(),
      receiver: nullable,
      notification_id: nullable,
      reason: z.string(),
    }),
  ),
  waits: z.array(z.object({ receiver: z.string(), reason: z.string() })),
  messages: z.array(message),
  left_out: z.object({ decisions: z.number(), messages: z.number(), at_least: z.boolean() }),
});
type Explanation = z.output<typeof explanation>;
type Decision = Explanation['decisions'][number];

const DECISION_COLUMNS: readonly Column<Decision>[] = [
  { heading: 'AT', of: ({ at }) => at },
  { heading: 'STAGE', of: ({ stage }) => stage },
  { heading: 'DECISION', of: ({ decision }) => decision },
  { heading: 'WHY', of: ({ reason }) => printable(reason), mayShrink: true },
];

const WAIT_COLUMNS: readonly Column<Explanation['waits'][number]>[] = [
  { heading: 'RECEIVER', of: ({ receiver }) => receiver },
  { heading: 'WAITS NOW', of: ({ reason }) => printable(reason), mayShrink: true },
];

/** `omoi alerts explain`: what was decided about telling of an alert, and what became of the messages. */
export async function explainAlert(word: string, flags: ServerFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  const id = await oneAlertNamed(client, word);
  const answer = await client.call('GET', `/api/v1/alerts/${encodeURIComponent(id)}/explain`);
  if (flags.json === true) return printJson(answer);
  const explained = explanation.parse(answer);
  const { decisions, waits, messages, left_out: leftOut } = explained;
  if (decisions.length === 0) note('nothing was decided about this alert yet');
  else printLines(tableFor(DECISION_COLUMNS).linesOf(decisions));
  if (messages.length > 0) printLines(['', ...tableFor(MESSAGE_COLUMNS).linesOf(messages)]);
  else if (decisions.length > 0) note('no message tells of it');
  if (waits.length > 0) printLines(['', ...tableFor(WAIT_COLUMNS).linesOf(waits)]);
  if (leftOut.decisions > 0) note(leftOutText(explained));
  printLines(newestCommentLines(answer));
}

/** `143 of 643 decisions and 143 of 641 messages are not shown: they lie between the first and the newest` */
function leftOutText({ decisions, messages, left_out: leftOut }: Explanation): string {
  const more = leftOut.at_least ? 'at least ' : '';
  const of = (left: number, shown: number, what: string): string =>
    `${more}${left} of ${left + shown} ${what}`;
  const told = leftOut.messages > 0 ? ` and ${of(leftOut.messages, messages.length, 'messages')}` : '';
  return `${of(leftOut.decisions, decisions.length, 'decisions')}${told} are not shown: they lie between the first and the newest`;
}
