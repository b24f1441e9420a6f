import {
  type Labels,
  matchesAll,
  type Queryable,
  type SelectedSeries,
  type Selection,
  VirtualClock,
} from '#telemetry';
import { createEngine, type EngineOptions } from './engine.ts';
import { ALL_FEATURES } from './syntax/features.ts';

export const SECOND_MS = 1000;

/** Samples every second from 0 on. */
export function series(labels: Labels, ...values: readonly number[]): SelectedSeries {
  return {
    labels,
    timestampsMs: Float64Array.from(values, (_, at) => at * SECOND_MS),
    values: Float64Array.from(values),
  };
}

/** A store of some series that remembers what was selected. */
export class MemoryQueryable implements Queryable {
  readonly selections: Selection[] = [];
  readonly #all: readonly SelectedSeries[];

  constructor(...all: readonly SelectedSeries[]) {
    this.#all = all;
  }

  select(selection: Selection): readonly SelectedSeries[] {
    this.selections.push(selection);
    return this.#all.filter(({ labels }) => matchesAll(selection.matchers, labels));
  }
}

/** An engine under a virtual clock. */
export const engineWith = (options: Partial<EngineOptions> = {}): ReturnType<typeof createEngine> =>
  createEngine({ clock: new VirtualClock(), features: ALL_FEATURES, ...options });
