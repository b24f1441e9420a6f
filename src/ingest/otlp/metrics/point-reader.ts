import { maxElementBytes, TOO_LARGE } from '../limits.ts';
import { ExponentialReader } from './exponential.ts';
import type { Family } from './family.ts';
import { GroupedReader } from './grouped.ts';
import { NumberReader } from './number-reader.ts';
import { PointContext, type PointContextParts } from './point-context.ts';

/** Reads the points of one request into rows. */
export class PointReader {
  readonly #context: PointContext;
  readonly #numbers: NumberReader;
  readonly #grouped: GroupedReader;
  readonly #exponential: ExponentialReader;

  constructor(parts: PointContextParts) {
    this.#context = new PointContext(parts);
    this.#numbers = new NumberReader(this.#context);
    this.#grouped = new GroupedReader(this.#context);
    this.#exponential = new ExponentialReader(this.#context);
  }

  /** Reads the point up to `end`. @throws OmoiError `payload_undecodable`, `body_too_large` */
  read(family: Family, end: number): void {
    const { reader, refusals } = this.#context;
    if (end - reader.at > maxElementBytes) {
      refusals.refuse(TOO_LARGE);
      reader.at = end;
      return;
    }
    switch (family.kind) {
      case 'number':
        return this.#numbers.read(family, end);
      case 'exponential':
        return this.#exponential.read(family, end);
      case 'histogram':
        return this.#grouped.readHistogram(family, end);
      case 'summary':
        return this.#grouped.readSummary(family, end);
    }
  }
}
