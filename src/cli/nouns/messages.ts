import { z } from 'zod';
import { printable } from '../query/printable.ts';
import { readPages } from '../read-pages.ts';
import { clientOf, serverOf, type ServerFlags } from '../server-client.ts';
import { ageOf } from '../terminal/ages.ts';
import { colourOfState } from '../terminal/colours.ts';
import { note, printJson, printLines, tableFor } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';

const nullable = z.string().nullable();
export const message = z.looseObject({
  notification_id: z.string(),
  integration: z.string(),
  reason: z.string(),
  state: z.string(),
  attempts: z.number(),
  created_at: z.string(),
  answer: nullable,
  failure: nullable,
});
type Message = z.output<typeof message>;

export const MESSAGE_COLUMNS: readonly Column<Message>[] = [
  { heading: 'MESSAGE', of: (row) => row.notification_id },
  { heading: 'TO', of: (row) => row.integration },
  { heading: 'BECAUSE', of: (row) => row.reason.replaceAll('_', ' ') },
  { heading: 'STATE', of: (row) => row.state, colourOf: (row) => colourOfState(row.state) },
  { heading: 'TRIES', of: (row) => String(row.attempts), align: 'right' },
  { heading: 'AGE', of: (row) => ageOf(row.created_at), align: 'right' },
  { heading: 'ANSWER', of: answerOf, mayShrink: true },
];

function answerOf({ answer, failure }: Message): string {
  return printable([failure, answer].filter((part) => part !== null).join(': ') || '-');
}

export interface MessageListFlags extends ServerFlags {
  readonly state?: string;
  readonly receiver?: string;
  readonly limit: number;
}

/** `omoi notifications list` */
export async function listMessages(flags: MessageListFlags): Promise<void> {
  const pages = {
    path: '/api/v1/alerts/notifications',
    query: { state: flags.state, receiver: flags.receiver },
    maxRows: 1000,
    read(answer: unknown) {
      const page = z.object({ messages: z.array(message), next_cursor: nullable }).parse(answer);
      return { rows: page.messages, next: page.next_cursor === null ? null : { cursor: page.next_cursor } };
    },
  };
  const { rows: messages, more } = await readPages(clientOf(serverOf(flags)), pages, flags.limit);
  if (flags.json === true) printJson({ messages });
  else if (messages.length === 0) note('no message was sent');
  else printLines(tableFor(MESSAGE_COLUMNS).linesOf(messages));
  if (more) note(`there are more than ${flags.limit}: --limit shows them`);
}
