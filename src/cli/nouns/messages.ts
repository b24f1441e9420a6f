import { z } from 'zod';
import { printable } from '../query/printable.ts';
import { readPages } from '../read-pages.ts';
import { clientOf, serverOf, type FollowFlags, type ServerClient } from '../server-client.ts';
import { ageOf } from '../terminal/ages.ts';
import { colourOfState } from '../terminal/colours.ts';
import type { Column } from '../terminal/table.ts';
import { readIfThere } from './orders.ts';
import { showList } from './shown.ts';

const nullable = z.string().nullable();
export const message = z.looseObject({
  notification_id: z.string(),
  receiver: z.string(),
  integration: z.string(),
  reason: z.string(),
  state: z.string(),
  attempts: z.number(),
  created_at: z.string(),
  answer: nullable,
  failure: nullable,
  held_until: nullable.default(null),
  alert_ids: z.array(z.string()).default([]),
  alert_name: nullable.default(null),
  alerts: z.number().default(0),
});
type Message = z.output<typeof message>;

export const MESSAGE_COLUMNS: readonly Column<Message>[] = [
  { heading: 'MESSAGE', of: (row) => row.notification_id },
  { heading: 'TO', of: (row) => row.integration },
  {
    heading: 'BECAUSE',
    of: ({ reason }) => (reason === 'brief' ? 'came and went' : reason.replaceAll('_', ' ')),
  },
  { heading: 'STATE', of: (row) => row.state, colourOf: (row) => colourOfState(row.state) },
  { heading: 'TRIES', of: (row) => String(row.attempts), align: 'right' },
  { heading: 'AGE', of: (row) => ageOf(row.created_at), align: 'right' },
  { heading: 'ANSWER', of: answerOf, mayShrink: true },
];

/** Of a list, in which each is about others. */
export const LISTED_COLUMNS: readonly Column<Message>[] = MESSAGE_COLUMNS.toSpliced(2, 0, {
  heading: 'ABOUT',
  of: alertsOf,
  mayShrink: true,
});

/** `QueueDeep and 3 others` */
function alertsOf({ alert_name: name, alert_ids: [first], alerts }: Message): string {
  const others = alerts > 1 ? ` and ${alerts - 1} other${alerts === 2 ? '' : 's'}` : '';
  return `${printable(name ?? first ?? '-')}${others}`;
}

function answerOf({ answer, failure, state, held_until: heldUntil }: Message): string {
  if (state === 'pending' && heldUntil !== null && answer === null)
    return `held: in the digest at ${heldUntil}`;
  return printable(answer ?? failure ?? '-');
}

export interface MessageListFlags extends FollowFlags {
  readonly state?: string;
  readonly receiver?: string;
  readonly limit: number;
}

const PATH = '/api/v1/alerts/notifications';

/** `omoi notifications list` */
export async function listMessages(flags: MessageListFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  await showList(server, flags, {
    key: 'messages',
    columns: LISTED_COLUMNS,
    readAll: () => readMessages(client, flags),
    empty: 'no message was sent',
    more: `there are more than ${flags.limit}: --limit shows them`,
    follow: {
      types: ['notification.delivered', 'notification.failed'],
      idOf: (event) => (event.entity_type === 'notification' ? event.entity_id : null),
      async read(id) {
        const answer = await readIfThere(client, `${PATH}/${encodeURIComponent(id)}`);
        const row = answer === null ? null : message.parse(answer);
        const { state = row?.state, receiver = row?.receiver } = flags;
        return row?.state === state && row?.receiver === receiver ? row : null;
      },
    },
  });
}

function readMessages(client: ServerClient, flags: MessageListFlags) {
  const pages = {
    path: PATH,
    query: { state: flags.state, receiver: flags.receiver },
    maxRows: 1000,
    read(answer: unknown) {
      const page = z.object({ messages: z.array(message), next_cursor: nullable }).parse(answer);
      return { rows: page.messages, next: page.next_cursor === null ? null : { cursor: page.next_cursor } };
    },
  };
  return readPages(client, pages, flags.limit);
}
