import { SharedTransactions, type StateDatabase } from '#storage';
import type { IncidentLog } from '../receivers/integration.ts';
import type { LogUpdate, NotificationLog } from './notification-log.ts';
import type { Notification } from './outbox-rows.ts';
import { knownOnceOpened } from './outcomes.ts';

/**
 * The incidents of what came and went, between their opening and their closing: that one is open is in the log of what its service
 * knows before the closing is sent. Those that are opened together share a transaction.
 */
export class OpenedIncidents {
  readonly #log: NotificationLog;
  readonly #writing: SharedTransactions<LogUpdate, true>;

  constructor(database: StateDatabase, log: NotificationLog) {
    this.#log = log;
    this.#writing = new SharedTransactions(database, async (tx, opened) => {
      await log.write(tx, opened);
      return opened.map(() => true);
    });
  }

  /** That of a message. */
  of(notification: Notification): IncidentLog {
    const { groupId, integration, resolved } = notification;
    const log = this.#log;
    return {
      get isOpen() {
        // Nothing that came and went is known to fire but by its incident.
        return log.get(groupId, integration)?.firing.isDisjointFrom(resolved) === false;
      },
      opened: (memory) => this.#writing.ask(knownOnceOpened(notification, log, memory)),
    };
  }
}
