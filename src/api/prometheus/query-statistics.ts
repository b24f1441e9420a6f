import type { SampleStatistics } from '#promql';
import type { Clock } from '#telemetry';

const SUPPORTED = ['true', 'all'];

/** Measures one query, for whoever asks with `stats`. */
export class QueryStopwatch {
  readonly #clock: Clock;
  readonly #askedMs: number;
  #preparedMs = 0;
  #begunMs = 0;
  #endedMs = 0;
  #samples: SampleStatistics = { queriedSamples: 0, readSamples: 0, peakSamples: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#askedMs = clock.monotonicMs();
  }

  /** The query has been parsed and checked, and waits for its turn. */
  prepared(): void {
    this.#preparedMs = this.#clock.monotonicMs();
  }

  begun(): void {
    this.#begunMs = this.#clock.monotonicMs();
  }

  ended(samples: SampleStatistics): void {
    this.#endedMs = this.#clock.monotonicMs();
    this.#samples = samples;
  }

  /** The form of Prometheus, times in seconds. Sorting is a part of the evaluation here, and not told apart. */
  json(): object {
    const evaluation = (this.#endedMs - this.#begunMs) / 1000;
    return {
      timings: {
        evalTotalTime: evaluation,
        resultSortTime: 0,
        queryPreparationTime: (this.#preparedMs - this.#askedMs) / 1000,
        innerEvalTime: evaluation,
        execQueueTime: (this.#begunMs - this.#preparedMs) / 1000,
        execTotalTime: (this.#endedMs - this.#preparedMs) / 1000,
      },
      samples: {
        totalQueryableSamples: this.#samples.queriedSamples,
        samplesRead: this.#samples.readSamples,
        peakSamples: this.#samples.peakSamples,
      },
    };
  }
}

/** The JSON of a result, which ends with a brace, with its statistics inside. */
export function* withStatistics(
  result: Iterable<string>,
  stopwatch: QueryStopwatch,
): Generator<string, void, void> {
  let last = '';
  for (const piece of result) {
    if (last !== '') yield last;
    last = piece;
  }
  yield `${last.slice(0, -1)},"stats":${JSON.stringify(stopwatch.json())}}`;
}

/** What is said about a value of `stats` that Prometheus will not take for long. */
export function statisticsWarnings(value: string): readonly string[] {
  if (value === '' || SUPPORTED.includes(value)) return [];
  return [
    `value ${JSON.stringify(value)} for parameter "stats" is deprecated and will be rejected in the next major release, use "true" or "all"`,
  ];
}
