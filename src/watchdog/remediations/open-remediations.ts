import type { OpenRemediationState, Timer } from '#telemetry';
import { IdGroups } from './id-groups.ts';
import { isOpenState, targetOf, type Remediation } from './remediation.ts';
import type { RecordedSuppression } from './transition.ts';

/** A remediation that has not ended, in memory. */
export interface OpenRemediation {
  readonly id: string;
  readonly policy: string;
  readonly alertId: string;
  /** `agent:w-1` */
  readonly target: string;
  /** As it was when it was added: what it is about never changes. */
  readonly subject: Remediation;
  /** As it stands on disk; null after a transition of which it is not known whether it was written. */
  row: Remediation | null;
  /** Whether `row` has been changed on disk by another hand than its own transitions. */
  isOutdated: boolean;
  /** What holds it back, as it was written down. */
  heldBy: RecordedSuppression | null;
  timer: Timer | null;
  /** Its turn will come. */
  isQueued: boolean;
  /** The fleet has been asked and has not answered: nothing else is done with it. */
  isOrdering: boolean;
  /** Transitions in a row that could not be written. */
  failures: number;
}

/** How many remediations have not ended. */
export interface OpenCounts extends Readonly<Record<OpenRemediationState, number>> {
  /** Of those that are planned: their policy only observes, so that nothing will be done. */
  readonly observed: number;
}

/** All remediations that have not ended, found by id, alert and target. */
export class OpenRemediations {
  readonly #byId = new Map<string, OpenRemediation>();
  readonly #byAlert = new IdGroups();
  readonly #byTarget = new IdGroups();

  get size(): number {
    return this.#byId.size;
  }

  add(row: Remediation): OpenRemediation {
    const { id, policy, alert_id: alertId } = row;
    const open: OpenRemediation = {
      id,
      policy,
      alertId,
      target: targetOf(row),
      subject: row,
      row,
      isOutdated: false,
      heldBy: null,
      timer: null,
      isQueued: false,
      isOrdering: false,
      failures: 0,
    };
    this.#byId.set(id, open);
    this.#byAlert.add(alertId, id);
    this.#byTarget.add(open.target, id);
    return open;
  }

  delete({ id, alertId, target }: OpenRemediation): void {
    this.#byId.delete(id);
    this.#byAlert.delete(alertId, id);
    this.#byTarget.delete(target, id);
  }

  get(id: string): OpenRemediation | null {
    return this.#byId.get(id) ?? null;
  }

  all(): Iterable<OpenRemediation> {
    return this.#byId.values();
  }

  /** How many stand in each state, as far as it is known. */
  countByState(): OpenCounts {
    const counts = { planned: 0, awaiting_approval: 0, executing: 0, verifying: 0, observed: 0 };
    for (const { row, subject, heldBy } of this.#byId.values()) {
      const { state } = row ?? subject;
      if (isOpenState(state)) counts[state] += 1;
      if (state === 'planned' && heldBy?.suppressed === 'observe') counts.observed += 1;
    }
    return counts;
  }

  ofAlert(alertId: string): readonly OpenRemediation[] {
    return this.#all(this.#byAlert.list(alertId));
  }

  /** @param target `agent:w-1` */
  ofTarget(target: string): readonly OpenRemediation[] {
    return this.#all(this.#byTarget.list(target));
  }

  #all(ids: readonly string[]): readonly OpenRemediation[] {
    return ids.flatMap((id) => this.#byId.get(id) ?? []);
  }
}
