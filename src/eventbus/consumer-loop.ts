import type { StateDatabase, StateTransaction } from '#storage';
import {
  allSettled,
  backoffMs,
  messageOf,
  type BackoffLimits,
  type Clock,
  type Logger,
  type Random,
  type SystemEvent,
  type Timer,
} from '#telemetry';
import type { EventConsumer } from './event-bus.ts';
import { lastEventId, listEvents } from './event-log.ts';

/** Small, so that other transactions do not wait long behind what a consumer does about so many. */
const maxEventsPerTransaction = 250;
const RETRY_BACKOFF: BackoffLimits = { firstMs: 50, maxMs: 30_000 };
/** A cursor follows the end of the log, past events of other types, so that it does not hold retention back. */
const maxCursorLagEvents = 1000;
/** An idle cursor is touched this often: retention takes one that is never touched for dead. */
export const cursorTouchMs = 3_600_000;
/** Committed events that wait in memory for their consumer; one that is further behind reads them from the log. */
const maxFedEvents = 1000;
/** How often a consumer on PostgreSQL looks by itself, for what another process appended. */
const pollMs = 2000;

export interface ConsumerParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Called for each attempt of a handler that failed. */
  readonly onFailure: (consumer: string) => void;
}

/**
 * Feeds one durable consumer from its cursor: in order, at least once, what is there in one transaction. What has been
 * missed is read from the log; once that is done, a consumer on SQLite, where nobody else appends, is fed with what this
 * process commits, so that no read stands between an event and its handler.
 */
export class ConsumerLoop {
  readonly #consumer: EventConsumer;
  readonly #parts: ConsumerParts;
  readonly #timers: Timer[];
  /** Resolves when the loop has ended. */
  readonly ended: Promise<void>;
  /** As it stands on disk. */
  #cursor = 0;
  /** Behind it nothing is left to do: at the cursor, or further where there was nothing to do. */
  #position = 0;
  #stopped = false;
  /** Something may be there to read. */
  #woken = true;
  #touchDue = false;
  #endWait: (() => void) | null = null;
  /** Committed and not handled, in order, all that there is behind the cursor; null while the log has to be read. */
  #fed: SystemEvent[] | null = null;
  /** Of any type. */
  #publishedId = 0;

  constructor(consumer: EventConsumer, parts: ConsumerParts) {
    this.#consumer = consumer;
    this.#parts = parts;
    this.#timers = [
      parts.clock.every(cursorTouchMs, () => {
        this.#touchDue = true;
        this.#wake();
      }),
    ];
    if (parts.database.dialect === 'postgres') {
      this.#timers.push(parts.clock.every(pollMs, () => this.#wake()));
    }
    this.ended = this.#run();
  }

  /** An event was committed. Called in the order of ids. */
  published(event: SystemEvent): void {
    this.#publishedId = event.id;
    if (!this.#consumer.types.includes(event.event_type)) return;
    if (this.#fed && this.#fed.length >= maxFedEvents) this.#fed = null;
    this.#fed?.push(event);
    this.#wake();
  }

  /** An append has failed, perhaps after its commit: whether its events are there the log tells, and nobody else. */
  appendFailed(): void {
    if (!this.#fed) return;
    this.#fed = null;
    this.#wake();
  }

  #wake(): void {
    this.#woken = true;
    this.#endWait?.();
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#endWait?.();
  }

  async #run(): Promise<void> {
    let failures = 0;
    let ready = false;
    while (!this.#stopped) {
      try {
        if (!ready) this.#cursor = this.#position = await this.#openCursor();
        ready = true;
        this.#woken = false;
        // One that has failed is tried alone.
        const more = await this.#handleSome(failures === 0 ? maxEventsPerTransaction : 1);
        failures = 0;
        if (!more && !this.#woken && !this.#stopped) await this.#waitForWake();
      } catch (error) {
        if (this.#stopped) return;
        // Where the cursor stands is known only to the database now: another process may have moved it.
        ready = false;
        this.#fed = null;
        await this.#backOff(++failures, error);
      }
    }
  }

  async #openCursor(): Promise<number> {
    const { name, from } = this.#consumer;
    return this.#parts.database.transaction(async (tx) => {
      const start =
        typeof from === 'object' ? from.behindId : from === 'start' ? 0 : await lastEventId(tx.db);
      await tx.db
        .insertInto('event_cursors')
        .values({ consumer: name, last_event_id: start, updated_at_ms: tx.nowMs })
        .onConflict((conflict) => conflict.column('consumer').doNothing())
        .execute();
      const row = await tx.db
        .selectFrom('event_cursors')
        .select(['last_event_id', 'updated_at_ms'])
        .where('consumer', '=', name)
        .executeTakeFirstOrThrow();
      // After a long downtime: an idle consumer that waited an hour would be taken for dead meanwhile.
      this.#touchDue ||= tx.nowMs - row.updated_at_ms >= cursorTouchMs;
      return row.last_event_id;
    });
  }

  /** Handles what is there; true where more may be left. */
  async #handleSome(limit: number): Promise<boolean> {
    const { fed, end } = this.#fed ? { fed: this.#fed, end: this.#publishedId } : await this.#readLog(limit);
    await this.#handle(fed.slice(0, limit));
    if (this.#fed) this.#fed = this.#fed.filter((event) => event.id > this.#position);
    if (this.#fed?.length !== 0 && fed.length > 0) return true;
    if (this.#touchDue || end - this.#cursor >= maxCursorLagEvents) {
      await this.#moveCursor(Math.max(end, this.#position));
    }
    return false;
  }

  /** What the log has behind the cursor. Where that is all, what is committed from now on need not be read. */
  async #readLog(limit: number): Promise<{ readonly fed: readonly SystemEvent[]; readonly end: number }> {
    const { database } = this.#parts;
    if (database.dialect === 'sqlite') this.#fed = [];
    // Read before the events: whatever is at or below this end is seen by the read that follows.
    const end = await lastEventId(database.reader);
    const fed = await listEvents(database, { afterId: this.#position, types: this.#consumer.types, limit });
    if (fed.length === limit) this.#fed = null;
    return { fed, end };
  }

  /** One that can't be handled does not keep those before it from being handled. */
  async #handle(events: readonly SystemEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    const selected = this.#select(events);
    if (selected.length > 0) await this.#handleSelected(selected, last.id);
    this.#position = last.id;
  }

  #select(events: readonly SystemEvent[]): readonly SystemEvent[] {
    // What a consumer remembers follows commits, whose news may come the wrong way round on PostgreSQL.
    if (this.#parts.database.dialect === 'postgres') return events;
    return this.#consumer.select?.(events) ?? events;
  }

  /** @param to where the cursor stands when that is done */
  async #handleSelected(events: readonly SystemEvent[], to: number): Promise<void> {
    try {
      await this.#handleTogether(events, to);
    } catch (thrown) {
      if (events.length === 1) throw thrown;
      this.#parts.onFailure(this.#consumer.name);
      for (const event of events) {
        if (this.#stopped) return;
        await this.#handleTogether([event], event.id);
      }
    }
  }

  async #handleTogether(events: readonly SystemEvent[], to: number): Promise<void> {
    const { urgent = false } = this.#consumer;
    await this.#parts.database.transaction(
      async (tx) => {
        // Together: where the cursor turns out to stand elsewhere, what was handled is rolled back.
        await allSettled([this.#advance(tx, { from: this.#cursor, to }), this.#consumer.handle(tx, events)]);
      },
      { urgent },
    );
    this.#cursor = to;
  }

  async #moveCursor(to: number): Promise<void> {
    await this.#parts.database.transaction((tx) => this.#advance(tx, { from: this.#cursor, to }));
    this.#cursor = this.#position = to;
    this.#touchDue = false;
  }

  async #advance(tx: StateTransaction, { from, to }: { from: number; to: number }): Promise<void> {
    const moved = await tx.db
      .updateTable('event_cursors')
      .set({ last_event_id: to, updated_at_ms: tx.nowMs })
      .where('consumer', '=', this.#consumer.name)
      .where('last_event_id', '=', from)
      .executeTakeFirst();
    if (moved.numUpdatedRows === 0n) throw new CursorMoved(this.#consumer.name);
  }

  async #backOff(failures: number, error: unknown): Promise<void> {
    const { clock, random, logger, onFailure } = this.#parts;
    const delayMs = backoffMs(failures, RETRY_BACKOFF, random);
    onFailure(this.#consumer.name);
    logger.error(
      { consumer: this.#consumer.name, failures, retry_in_ms: delayMs, error: messageOf(error) },
      'Consumer of events failed; the same events are tried again',
    );
    await new Promise<void>((resolve) => {
      const timer = clock.after(delayMs, resolve);
      // A wake-up does not shorten the pause; a stop does.
      this.#endWait = () => {
        if (!this.#stopped) return;
        timer.cancel();
        resolve();
      };
    });
    this.#endWait = null;
  }

  async #waitForWake(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#endWait = resolve;
    });
    this.#endWait = null;
  }
}

/** The cursor is not where this transaction expected it: the event before failed, or another process moved it. */
class CursorMoved extends Error {
  constructor(consumer: string) {
    super(`the cursor of ${consumer} stands elsewhere`);
  }
}
