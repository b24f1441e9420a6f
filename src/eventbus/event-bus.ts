import type { StateTransaction } from '#storage';
import type { EventType, NewSystemEvent, SystemEvent, Subscription } from '#telemetry';

/** The log of what happened. A state change and its event are written in the same transaction. */
export interface EventBus {
  /**
   * Validates and appends events, in their order, in the transaction of the changes that they tell of. Ids are commit
   * order. They are written with the commit, so that the transaction itself reads none of them; on PostgreSQL no other
   * can append from then until it ends.
   * @throws ZodError when a payload does not fit its type: a programmer's mistake
   */
  append(tx: StateTransaction, ...events: readonly NewSystemEvent[]): Promise<void>;
  /**
   * A consumer that misses nothing: at least once, in order, also what was appended while it did not run. `handle` runs
   * in the transaction in which its cursor advances. Where it fails the events are handed out one by one, and the one
   * that fails is retried with backoff; it holds this consumer alone. A new consumer starts at the present end unless
   * `from` says otherwise.
   */
  consume(consumer: EventConsumer): Subscription;
  /** Called with each committed event, best effort, from now on. For live views; the listener must not throw. */
  listen(listener: (event: SystemEvent) => void): Subscription;
  /** Events in order of id; the newest first where the query says so. */
  list(query: EventQuery): Promise<readonly SystemEvent[]>;
  /** Ends all subscriptions; resolves when no handler runs any more. */
  stop(): Promise<void>;
}

export interface EventConsumer {
  /** Names the durable cursor; unique in the system. */
  readonly name: string;
  readonly types: readonly EventType[];
  /** Where a new one begins: behind the event of an id, at the start or at the present end (where absent). */
  readonly from?: 'start' | 'end' | { readonly behindId: number };
  /** Whether repairs wait for it: its transactions are urgent ones. */
  readonly urgent?: boolean;
  /**
   * Those of the events, in order, for which there is something to do; all of them where it is left out, and on PostgreSQL. Where
   * there are none no transaction is made, and the cursor follows later: they may be handed out again after a restart.
   */
  select?(events: readonly SystemEvent[]): readonly SystemEvent[];
  /** @param events in order, one or more, at most 250: as many as are there */
  handle(tx: StateTransaction, events: readonly SystemEvent[]): Promise<void>;
}

export interface EventQuery {
  readonly afterId?: number;
  readonly beforeId?: number;
  readonly types?: readonly EventType[];
  readonly entityId?: string;
  /** Of any of these, at most 100. */
  readonly entityIds?: readonly string[];
  readonly traceId?: string;
  /** Wall ms since epoch, both inclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** At most 1000. */
  readonly limit: number;
  readonly newestFirst?: boolean;
}
