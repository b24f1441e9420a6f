import { OmoiError, messageOf, type Clock } from '#telemetry';

export interface QueryLimits {
  /** Samples a query may hold at once: loaded from the store and computed. */
  readonly maxSamples: number;
  /** Series one selector may select. */
  readonly maxSeries: number;
  readonly timeoutMs: number;
}

/** What a query had to do with samples. */
export interface SampleStatistics {
  /** Samples that its steps looked at; those of overlapping windows count in each. */
  readonly queriedSamples: number;
  /** The same without those that a step before had looked at. */
  readonly readSamples: number;
  /** Samples held at once at most, loaded and computed. */
  readonly peakSamples: number;
}

/** A minute's resolution for a leap year, or a second's for six days. */
const MAX_SUBQUERY_STEPS = 527_040;
/** What the store takes as a label's value; `label_replace` and `label_join` make no longer ones. */
const MAX_LABEL_VALUE_LENGTH = 8192;
/** Characters that a query may write into labels. */
const MAX_LABEL_CHARACTERS = 50_000_000;
/** Cells of a table to a sample that may be held: series come and go. */
const MAX_SPARSENESS = 8;
/** A row costs as much as so many cells, however few it has: its labels are looked at, too. */
export const CELLS_OF_A_ROW = 10;
/** Cells that may be computed between two looks at the clock. */
const CELLS_BETWEEN_CHECKS = 5_000;

/** Holds one evaluation to its limits, and tells it when to pause. */
export class QueryGuard {
  readonly limits: QueryLimits;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #deadlineMs: number;
  #samples = 0;
  #peakSamples = 0;
  #queriedSamples = 0;
  #readSamples = 0;
  #labelCharacters = 0;
  #cellsSinceCheck = 0;

  constructor(limits: QueryLimits, clock: Clock, signal: AbortSignal | undefined) {
    this.limits = limits;
    this.#clock = clock;
    this.#signal = signal;
    this.#deadlineMs = clock.monotonicMs() + limits.timeoutMs;
    this.check();
  }

  get samplesLeft(): number {
    return this.limits.maxSamples - this.#samples;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Counts samples that the query now holds. */
  hold(samples: number): void {
    this.#samples += samples;
    if (this.#samples > this.#peakSamples) this.#peakSamples = this.#samples;
    if (this.#samples > this.limits.maxSamples) {
      throw limitError('maxSamples', this.limits.maxSamples, 'would load too many samples into memory');
    }
  }

  /** Counts samples that steps of the query looked at; `fresh` of them no step before did. */
  count(samples: number, fresh: number): void {
    this.#queriedSamples += samples;
    this.#readSamples += fresh;
  }

  /** Counts on from what had been counted before. */
  recount({ queriedSamples, readSamples }: SampleStatistics): void {
    this.#queriedSamples = queriedSamples;
    this.#readSamples = readSamples;
  }

  get statistics(): SampleStatistics {
    return {
      queriedSamples: this.#queriedSamples,
      readSamples: this.#readSamples,
      peakSamples: this.#peakSamples,
    };
  }

  /**
   * Asks for room before a table is made: cells that stay empty take next to nothing, but a row is filled as a whole
   * before its samples are counted.
   */
  checkTable(stepCount: number, rowCount: number): void {
    const { maxSamples } = this.limits;
    if (stepCount > maxSamples || stepCount * rowCount > MAX_SPARSENESS * maxSamples) {
      throw limitError('maxSamples', maxSamples, 'would load too many samples into memory');
    }
  }

  /** What a subquery finds for one series is worked on in one go: it must not be felt. */
  checkSubquery(stepCount: number): void {
    if (stepCount > MAX_SUBQUERY_STEPS) {
      throw limitError('maxSubquerySteps', MAX_SUBQUERY_STEPS, 'has a subquery of too many steps');
    }
  }

  /**
   * Asks for room before a label's value is made: whoever compares, hashes or writes labels later does so in one go.
   * @param length in characters
   */
  holdLabelValue(length: number): void {
    if (length > MAX_LABEL_VALUE_LENGTH) {
      throw limitError(
        'maxLabelValueLength',
        MAX_LABEL_VALUE_LENGTH,
        'makes a label value of too many characters',
      );
    }
    this.#labelCharacters += length;
    if (this.#labelCharacters > MAX_LABEL_CHARACTERS) {
      throw limitError('maxLabelCharacters', MAX_LABEL_CHARACTERS, 'writes too many characters into labels');
    }
  }

  /** The query begins anew, within the time it was given: it holds nothing. */
  startOver(): void {
    this.#samples = 0;
    this.#queriedSamples = 0;
    this.#readSamples = 0;
    this.#labelCharacters = 0;
  }

  /** Counts samples that the query no longer holds. */
  release(samples: number): void {
    this.#samples -= samples;
  }

  holdSeries(series: number): void {
    if (series > this.limits.maxSeries) {
      throw limitError('maxSeries', this.limits.maxSeries, 'selects too many series');
    }
  }

  /** Counts the computed cells of a row; true every so many of them, when the evaluation must yield. */
  spend(cells: number): boolean {
    this.#cellsSinceCheck += cells + CELLS_OF_A_ROW;
    if (this.#cellsSinceCheck < CELLS_BETWEEN_CHECKS) return false;
    this.#cellsSinceCheck = 0;
    return true;
  }

  /** @throws OmoiError `query_timeout` once the time is up or the caller has gone */
  check(): void {
    if (this.#signal?.aborted) {
      throw new OmoiError('query_timeout', `the query was cancelled: ${messageOf(this.#signal.reason)}`, {
        limit: 'signal',
      });
    }
    if (this.#clock.monotonicMs() <= this.#deadlineMs) return;
    const { timeoutMs } = this.limits;
    throw new OmoiError('query_timeout', `the query took longer than timeoutMs (${timeoutMs} ms)`, {
      limit: 'timeoutMs',
      value: timeoutMs,
    });
  }
}

function limitError(
  limit: keyof QueryLimits | 'maxSubquerySteps' | 'maxLabelValueLength' | 'maxLabelCharacters',
  value: number,
  problem: string,
): OmoiError {
  return new OmoiError('query_limit', `the query ${problem}: more than ${limit} (${value})`, {
    limit,
    value,
  });
}
