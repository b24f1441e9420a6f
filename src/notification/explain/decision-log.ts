import { AsyncLocalStorage } from 'node:async_hooks';
import { PreparedInsert, type StateDatabase, type StateTables } from '#storage';
import { nextTurn, type Clock, type Counter, type Logger, type SelfMetrics, messageOf } from '#telemetry';
import type { Decision, RecordedDecision } from './decision.ts';
import { readDecisions, type DecisionsRead } from './read-decisions.ts';

/** So many wait to be written; what comes beyond them is counted and not explained. */
export const maxWaitingDecisions = 100_000;
/** Of so many alerts it is remembered what was said last; what is said of others may be kept twice. */
export const maxRememberedAlerts = 50_000;
/** What others wait behind: some milliseconds. */
const maxDecisionsPerTransaction = 500;
/** The id is the database's. */
type Row = Omit<StateTables['notification_decisions'], 'id'>;

const INSERT = new PreparedInsert<Row, unknown>((db, rows) =>
  db.insertInto('notification_decisions').values(rows),
);

export interface DecisionLogParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

/**
 * The decisions on the way from alerts to messages, the negative ones too, for people who ask why they were told or were
 * not. They are written behind the messages, which never wait for them; a crash may take the last few. What a stage says
 * again and again of an alert is kept once.
 */
export class DecisionLog {
  readonly #parts: DecisionLogParts;
  readonly #dropped: Counter;
  readonly #waiting: RecordedDecision[] = [];
  /**
   * Decisions are made within transactions, too. What writes them is begun outside: it does not belong to that transaction, which
   * would refuse another one inside it.
   */
  readonly #outside = AsyncLocalStorage.snapshot();
  /** By alert, then by what is decided for whom: what was said last. */
  readonly #last = new Map<string, Map<string, string>>();
  #writing: Promise<void> | null = null;

  constructor(parts: DecisionLogParts) {
    this.#parts = parts;
    this.#dropped = parts.metrics.counter(
      'omoi_notification_decisions_dropped_total',
      'Decisions about telling of alerts that could not be kept, so that explanations miss them.',
    );
  }

  /** @param scope whom it concerns: a group, an integration; what is said for one scope replaces what was said before */
  record(decision: Decision, scope: string): void {
    if (!this.#isNews(decision, scope)) return;
    if (this.#waiting.length >= maxWaitingDecisions) {
      this.#dropped.add(1);
      return;
    }
    this.#waiting.push({ ...decision, atMs: Math.floor(this.#parts.clock.wallMs()) });
    this.#writing ??= this.#outside(() => this.#write());
  }

  /** An earlier run has said so: it is not said again. */
  wasRecorded(decision: Decision, scope: string): void {
    this.#isNews(decision, scope);
  }

  /** Whether it is not what was said last; from now on it is. */
  #isNews({ alertId, stage, decision, notificationId, reason }: Decision, scope: string): boolean {
    const said = `${stage} ${decision} ${notificationId ?? reason}`;
    const ofAlert = this.#last.get(alertId);
    if (ofAlert?.get(scope) === said) return false;
    if (ofAlert) ofAlert.set(scope, said);
    else this.#remember(alertId, new Map([[scope, said]]));
    return true;
  }

  /** An alert may be decided about once more after it was forgotten: the oldest of too many goes. */
  #remember(alertId: string, said: Map<string, string>): void {
    this.#last.set(alertId, said);
    if (this.#last.size <= maxRememberedAlerts) return;
    const [oldest] = this.#last.keys();
    if (oldest !== undefined) this.#last.delete(oldest);
  }

  get rememberedAlerts(): number {
    return this.#last.size;
  }

  /** Nothing is decided about it any more. */
  forget(alertId: string): void {
    this.#last.delete(alertId);
  }

  /** Those about an alert, in order: the first of each kind and the newest, and how many are left out. */
  list(alertId: string): Promise<DecisionsRead> {
    return readDecisions(this.#parts.database.reader, alertId);
  }

  /** Resolves when all that was recorded until now is written, or could not be. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    // Those of a whole pass go together.
    await nextTurn();
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, maxDecisionsPerTransaction);
      try {
        await this.#insert(some);
      } catch (thrown) {
        this.#dropped.add(some.length);
        this.#parts.logger.warn(
          { error: messageOf(thrown), decisions: some.length },
          'Decisions about notifications not written: explanations will miss them',
        );
      }
      await nextTurn();
    }
    this.#writing = null;
  }

  #insert(decisions: readonly RecordedDecision[]): Promise<void> {
    const rows = decisions.map(rowOf);
    return this.#parts.database.transaction((tx) => {
      // Nobody waits for an answer of theirs.
      INSERT.atCommit(tx, rows, {});
      return Promise.resolve();
    });
  }
}

function rowOf(decided: RecordedDecision): Row {
  const { alertId, atMs, stage, decision, receiver, notificationId, reason } = decided;
  return {
    alert_id: alertId,
    at_ms: atMs,
    stage,
    decision,
    receiver,
    notification_id: notificationId,
    reason,
  };
}
