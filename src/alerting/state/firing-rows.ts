import { expandAnnotations, type AlertElement } from '../evaluation/alert-elements.ts';
import type { SlicedWork } from '../evaluation/sliced-work.ts';
import type { AlertingRule } from '../rules/rule.ts';
import type { AlertEvaluation } from './alert-evaluation.ts';
import type { AlertStates } from './alert-states.ts';

/** The value of a firing alert is written to its row at most this often … */
const MIN_REFRESH_PERIOD_MS = 1000;
/** … and less often where many fire, so that one rule refreshes so many rows a second. */
const MAX_REFRESHED_ROWS_PER_SECOND = 500;

/** Keeps what the rows of a rule's firing alerts say of the present: value, texts, and why there may be none. */
export class FiringRows {
  readonly #evaluation: Pick<AlertEvaluation, 'expansion'>;
  #dueMs = 0;

  constructor(evaluation: Pick<AlertEvaluation, 'expansion'>) {
    this.#evaluation = evaluation;
  }

  /** Whether it is time to `refresh`. @param timeMs evaluation time */
  isDue(timeMs: number): boolean {
    return timeMs >= this.#dueMs;
  }

  /** The rows get their present value and texts. @param elements what the evaluation found, by key */
  *refresh(
    alerts: AlertStates,
    rule: AlertingRule,
    { timeMs, elements }: { readonly timeMs: number; readonly elements: ReadonlyMap<string, AlertElement> },
  ): SlicedWork<void> {
    const expansion = this.#evaluation.expansion(timeMs);
    let firing = 0;
    for (const { alertId, key, value } of alerts.instances.values()) {
      if (alertId === null) continue;
      firing++;
      const found = elements.get(key);
      const annotations = found ? expandAnnotations(rule, found.element, expansion) : null;
      alerts.refresh(alertId, { value, annotations, evaluationError: null });
      yield;
    }
    const periodMs = (firing / MAX_REFRESHED_ROWS_PER_SECOND) * 1000;
    this.#dueMs = timeMs + Math.max(MIN_REFRESH_PERIOD_MS, periodMs);
  }

  /** The rows say why their rule can't be evaluated. */
  *markFailed(alerts: AlertStates, evaluationError: string | null): SlicedWork<void> {
    for (const { alertId, value } of alerts.instances.values()) {
      if (alertId !== null) alerts.refresh(alertId, { value, annotations: null, evaluationError });
      yield;
    }
  }
}
