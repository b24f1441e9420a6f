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
  messages: z.array(message),
});
type Decision = z.output<typeof explanation>['decisions'][number];

const DECISION_COLUMNS: readonly Column<Decision>[] = [
  { heading: 'AT', of: ({ at }) => at },
  { heading: 'STAGE', of: ({ stage }) => stage },
  { heading: 'DECISION', of: ({ decision }) => decision },
  { heading: 'WHY', of: ({ reason }) => printable(reason), mayShrink: true },
];

/** `omoi alerts explain`: what was decided about telling of an alert, and what became of the messages. */
export async function explainAlert(word: string, flags: ServerFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  const id = await oneAlertNamed(client, word);
  const answer = await client.call('GET', `/api/v1/alerts/${encodeURIComponent(id)}/explain`);
  if (flags.json === true) return printJson(answer);
  const { decisions, messages } = explanation.parse(answer);
  if (decisions.length === 0) note('nothing was decided about this alert yet');
  else printLines(tableFor(DECISION_COLUMNS).linesOf(decisions));
  if (messages.length > 0) printLines(['', ...tableFor(MESSAGE_COLUMNS).linesOf(messages)]);
  else if (decisions.length > 0) note('no message tells of it');
  printLines(newestCommentLines(answer));
}
