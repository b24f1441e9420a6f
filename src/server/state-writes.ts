import { withTransactions, type Leadership, type StateDatabase } from '#storage';
import { isOutage, type Clock, type Logger } from '#telemetry';

/** For so long a failure counts where nothing has been written since: nobody tries in a server that has nothing to do. */
const failureCountsMs = 60_000;
/** What was written so soon after a failure may have been begun before it. */
const quietUntilOverMs = 1000;
/** Texts of one outage by which the lines about it are known: a few, whatever is tried. */
const maxKnownTexts = 50;

interface StateOutage {
  readonly sinceMs: number;
  /** What was thrown: who logs a failure of its own names it by this text. */
  readonly texts: Set<string>;
  lastFailureMs: number;
  reason: string;
  failures: number;
  leftOut: number;
}

export interface StateWritesParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leadership: Pick<Leadership, 'outage'>;
}

/**
 * Knows whether the state can be written, from what everybody's transactions came to, and tells it for all: one line when an
 * outage begins and one when it is over, however many wait and try meanwhile.
 */
export class StateWrites {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #leadership: Pick<Leadership, 'outage'>;
  #outage: StateOutage | null = null;
  #waitsFor: string | null = null;

  constructor({ clock, logger, leadership }: StateWritesParts) {
    this.#clock = clock;
    this.#logger = logger;
    this.#leadership = leadership;
  }

  /** The same database, whose transactions are watched. */
  watch(database: StateDatabase): StateDatabase {
    return withTransactions(database, async (work, options) => {
      try {
        const result = await database.transaction(work, options);
        this.#written();
        return result;
      } catch (thrown) {
        if (isOutage(thrown)) this.#failed(thrown.message);
        throw thrown;
      }
    });
  }

  /** The same log, without the warnings of single parts that the state can't be written: they are counted. */
  withoutRepetitions(logger: Logger): Logger {
    const unlessKnown =
      (tell: (fields: object, message: string) => void) => (fields: object, message: string) => {
        if (this.#isKnown(fields)) return;
        tell(fields, message);
      };
    return {
      debug: (fields, message) => logger.debug(fields, message),
      info: (fields, message) => logger.info(fields, message),
      warn: unlessKnown((fields, message) => logger.warn(fields, message)),
      error: unlessKnown((fields, message) => logger.error(fields, message)),
    };
  }

  /** Why the state can't be written; null where it can, as far as anybody has tried lately. */
  get failure(): string | null {
    if (this.#outage === null) return null;
    const { reason, lastFailureMs } = this.#outage;
    return this.#clock.monotonicMs() - lastFailureMs < failureCountsMs ? reason : null;
  }

  /** What of others those who write wait for; null: nothing, as far as anybody has looked. */
  get waitsFor(): string | null {
    return this.#waitsFor;
  }

  waitFor(what: string | null): void {
    this.#waitsFor = what;
  }

  #failed(reason: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#outage === null) {
      this.#logger.error(
        { error: reason },
        'The state can’t be written: changes are refused until it can, and all who have something to write try again.',
      );
      const texts = new Set<string>();
      this.#outage = { sinceMs: nowMs, texts, lastFailureMs: nowMs, reason, failures: 0, leftOut: 0 };
    }
    this.#outage.failures++;
    this.#outage.reason = reason;
    this.#outage.lastFailureMs = nowMs;
    if (this.#outage.texts.size < maxKnownTexts) this.#outage.texts.add(reason);
  }

  #written(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#outage === null || this.#leadership.outage) return;
    const { sinceMs, lastFailureMs, failures, leftOut } = this.#outage;
    if (nowMs - lastFailureMs < quietUntilOverMs) return;
    this.#outage = null;
    this.#logger.warn(
      { away_ms: Math.round(nowMs - sinceMs), failures, lines_left_out: leftOut },
      'The state can be written again.',
    );
  }

  #isKnown(fields: object): boolean {
    if (!('error' in fields) || typeof fields.error !== 'string') return false;
    // Who only reads may be refused before anybody who writes.
    if (this.#leadership.outage && isOfPostgres(fields.error)) this.#failed(fields.error);
    if (this.#outage === null || !this.#outage.texts.has(fields.error)) return false;
    this.#outage.leftOut++;
    return true;
  }
}

function isOfPostgres(error: string): boolean {
  return error.includes('PostgreSQL');
}
