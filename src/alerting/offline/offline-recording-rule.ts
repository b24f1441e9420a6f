import { evaluateRecording } from '../evaluation/recording-evaluation.ts';
import type { RuleOutlet } from '../evaluation/rule-outlet.ts';
import { SeriesWriter } from '../evaluation/series-writer.ts';
import type { SlicedWork } from '../evaluation/sliced-work.ts';
import type { WriteMoment } from '../state/evaluation-moment.ts';

type Loaded = Parameters<typeof evaluateRecording>[0];

/** A recording rule with what it has written. */
export class OfflineRecordingRule {
  readonly #loaded: Loaded;
  readonly #writer: SeriesWriter;

  constructor(loaded: Loaded, outlet: RuleOutlet) {
    this.#loaded = loaded;
    this.#writer = new SeriesWriter(outlet);
  }

  get name(): string {
    return this.#loaded.rule.name;
  }

  /** @throws OmoiError that the evaluation failed with */
  evaluate(moment: WriteMoment): SlicedWork<void> {
    return evaluateRecording(this.#loaded, this.#writer, moment);
  }
}
