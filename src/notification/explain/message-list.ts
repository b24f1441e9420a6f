import type { StateDatabase, StateTables } from '#storage';
import { listInSlices, rowAt } from '#storage';
import type { MessageMember } from '../outbox/outbox-rows.ts';
import type { AlertReader } from '../ports.ts';
import { explainedMessage, MESSAGE_COLUMNS, type ExplainedMessage } from './explained-message.ts';

type State = StateTables['notifications']['state'];

export interface MessageQuery {
  readonly state?: State;
  readonly receiver?: string;
  /** The id of a message: those that were made before it. */
  readonly before?: string;
  readonly limit: number;
}

export interface ListedMessage {
  readonly message: ExplainedMessage;
  readonly groupKey: string;
  /** The first 100 of them. */
  readonly alertIds: readonly string[];
  /** The name of the first; null where it is no more. */
  readonly alertName: string | null;
  readonly alerts: number;
}

export interface MessagePage {
  readonly messages: readonly ListedMessage[];
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
}

export const maxAlertIds = 100;
const maxNamesPerRead = 500;

const LISTED_COLUMNS = [...MESSAGE_COLUMNS, 'group_key', 'alerts', 'truncated'] as const;

type ListedRow = Pick<StateTables['notifications'], (typeof LISTED_COLUMNS)[number]>;

type UnnamedMessage = Omit<ListedMessage, 'alertName'>;

function listedMessage(row: ListedRow): UnnamedMessage {
  // Written by the outbox alone.
  const members = JSON.parse(row.alerts) as readonly MessageMember[];
  return {
    message: explainedMessage(row),
    groupKey: row.group_key,
    alertIds: members.slice(0, maxAlertIds).map(([alertId]) => alertId),
    alerts: members.length + row.truncated,
  };
}

/** What messages are read by. */
export interface MessageSources {
  readonly database: Pick<StateDatabase, 'reader'>;
  readonly alerts: Pick<AlertReader, 'names'>;
}

/** One message; null where there is none of this id. */
export async function readMessage(
  { database: { reader }, alerts }: MessageSources,
  notificationId: string,
): Promise<ListedMessage | null> {
  const row = await reader
    .selectFrom('notifications')
    .select(LISTED_COLUMNS)
    .where('id', '=', notificationId)
    .executeTakeFirst();
  if (!row) return null;
  const [named = null] = await withNames([listedMessage(row)], alerts);
  return named;
}

/** Messages, the newest first. */
export async function listMessages(
  { database: { reader }, alerts }: MessageSources,
  { state, receiver, before, limit }: MessageQuery,
): Promise<MessagePage> {
  const newestFirst = (after: string | null) => {
    const all = reader.selectFrom('notifications').orderBy('id', 'desc');
    return after === null ? all : all.where('id', '<', after);
  };
  const rows = await listInSlices(
    {
      end: async (after: string | null, rowCount: number) =>
        (await rowAt(newestFirst(after).select('id'), rowCount))?.id ?? null,
      find: async ({ after, until, rows: rowCount, limit: found }) => {
        // A bounded number of rows is looked at, whatever few of them fit.
        const slice = newestFirst(after)
          .select(LISTED_COLUMNS)
          .$if(until !== null, (query) => query.where('id', '>=', until ?? ''))
          .limit(rowCount);
        let fitting = reader.selectFrom(slice.as('slice')).selectAll().orderBy('id', 'desc').limit(found);
        if (state !== undefined) fitting = fitting.where('state', '=', state);
        if (receiver !== undefined) fitting = fitting.where('receiver', '=', receiver);
        return fitting.execute();
      },
    },
    { after: before ?? null, limit },
  );
  const messages = await withNames(rows.map(listedMessage), alerts);
  return { messages, next: rows.length < limit ? null : (rows.at(-1)?.id ?? null) };
}

async function withNames(
  messages: readonly UnnamedMessage[],
  alerts: MessageSources['alerts'],
): Promise<readonly ListedMessage[]> {
  const first = [...new Set(messages.flatMap(({ alertIds }) => alertIds.slice(0, 1)))];
  const names = new Map<string, string>();
  for (let at = 0; at < first.length; at += maxNamesPerRead) {
    for (const [id, name] of await alerts.names(first.slice(at, at + maxNamesPerRead))) names.set(id, name);
  }
  return messages.map((message) => ({ ...message, alertName: names.get(message.alertIds[0] ?? '') ?? null }));
}
