import type { EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import type { SystemEvent } from '#telemetry';
import { explainedMessage, MESSAGE_COLUMNS, type ExplainedMessage } from './explained-message.ts';
import type { DecisionLog } from './decision-log.ts';
import type { RecordedDecision } from './decision.ts';
import { kindOfDecision, maxFirstDecisions, type LeftOut } from './read-decisions.ts';

export interface Explanation {
  readonly decisions: readonly RecordedDecision[];
  /** The messages that tell of the alert, in the order in which they were decided. */
  readonly messages: readonly ExplainedMessage[];
  /** Of a long alert: what lies between the first and the newest. */
  readonly leftOut: LeftOut;
}

/** What was decided about telling of an alert, and what became of the messages. */
export async function explain(
  database: StateDatabase,
  log: DecisionLog,
  alertId: string,
): Promise<Explanation> {
  const { decisions, leftOut } = await log.list(alertId);
  const ids = [...new Set(decisions.flatMap(({ notificationId }) => notificationId ?? []))];
  if (ids.length === 0) return { decisions, messages: [], leftOut };
  const rows = await database.reader
    .selectFrom('notifications')
    .select(MESSAGE_COLUMNS)
    .where('id', 'in', ids)
    .orderBy('id')
    .execute();
  return { decisions, messages: rows.map(explainedMessage), leftOut };
}

/** So many messages of an alert have a place in its timeline, the newest, beside the first of each integration and reason. */
export const maxDeliveriesRead = 100;

export interface Deliveries {
  /** In order. */
  readonly events: readonly SystemEvent[];
  /** How many messages lie between the first and the newest. */
  readonly leftOut: Pick<LeftOut, 'messages' | 'isMore'>;
}

/**
 * The events of messages that tell of an alert: of the first to each integration for each reason, and of the newest. They are found by
 * the alert's decisions and read by their messages: each by an index, however long the log of events is.
 */
export async function deliveriesOf(
  { bus }: { readonly bus: Pick<EventBus, 'list'> },
  log: Pick<DecisionLog, 'list'>,
  alertId: string,
): Promise<Deliveries> {
  const { decisions, leftOut } = await log.list(alertId);
  const ids = [...new Set(decisions.flatMap(({ notificationId }) => notificationId ?? []))];
  const newest = ids.slice(-maxDeliveriesRead);
  const first = firstMessages(decisions).filter((id) => !newest.includes(id));
  const events = [
    ...(await eventsOf(bus, first, { limit: maxDeliveriesRead })),
    ...(await eventsOf(bus, newest, { limit: maxDeliveriesRead, newestFirst: true })).toReversed(),
  ];
  const between = ids.length - newest.length - first.length;
  return { events, leftOut: { messages: leftOut.messages + between, isMore: leftOut.isMore } };
}

async function eventsOf(
  bus: Pick<EventBus, 'list'>,
  ids: readonly string[],
  order: { readonly limit: number; readonly newestFirst?: boolean },
): Promise<readonly SystemEvent[]> {
  if (ids.length === 0) return [];
  const types = ['notification.delivered', 'notification.failed'] as const;
  return bus.list({ entityIds: ids, types, ...order });
}

/** Ids: the first message of each kind, as many as there are decisions that are kept for being the first. */
function firstMessages(decisions: readonly RecordedDecision[]): readonly string[] {
  const first = new Map<string, string>();
  for (const decision of decisions) {
    const kind = kindOfDecision(decision);
    if (decision.notificationId !== null && !first.has(kind)) first.set(kind, decision.notificationId);
  }
  return [...new Set(first.values())].slice(0, maxFirstDecisions);
}
