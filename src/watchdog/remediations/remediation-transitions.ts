import type { StateDatabase } from '#storage';
import { allSettled } from '#telemetry';
import type { AlertReader } from '../ports.ts';
import { RemediationDecisions, type DecisionParts } from './remediation-decisions.ts';
import { RemediationSteps, type StepParts } from './remediation-steps.ts';
import type { Remediation } from './remediation.ts';
import { isOver, type Next, type RecordedSuppression } from './transition.ts';

export interface TransitionParts extends DecisionParts, StepParts {
  readonly database: StateDatabase;
  readonly alerts: AlertReader;
}

/**
 * The transitions of remediations. Each is one transaction, in which the alert is read, too; nothing is asked of the
 * fleet in here but what it knows from memory. Whoever calls sees to it that no two transitions of one target overlap.
 */
export class RemediationTransitions {
  readonly #parts: TransitionParts;
  readonly decisions: RemediationDecisions;
  readonly steps: RemediationSteps;

  constructor(parts: TransitionParts) {
    this.#parts = parts;
    this.decisions = new RemediationDecisions(parts);
    this.steps = new RemediationSteps(parts);
  }

  /**
   * Makes the next transition of a remediation, if there is one now.
   * @param held the guard that holds it back, as it was written down
   */
  async next(remediation: Remediation, held: RecordedSuppression | null): Promise<Next> {
    const { database, alerts, log } = this.#parts;
    const { decisions, steps } = this;
    return database.transaction(async (tx): Promise<Next> => {
      const [alert, lastEndedAtMs] = await allSettled([
        alerts.get(remediation.alert_id, tx),
        remediation.state === 'planned' ? log.lastEnd(tx, remediation) : null,
      ]);
      switch (remediation.state) {
        case 'planned':
          return isOver(alert)
            ? decisions.withdraw(tx, remediation)
            : decisions.decide(tx, remediation, { alert, held, lastEndedAtMs });
        case 'awaiting_approval':
          return isOver(alert) ? decisions.withdraw(tx, remediation) : decisions.awaitAnswer(tx, remediation);
        case 'executing':
          return steps.execute(tx, remediation, alert);
        case 'verifying':
          return steps.verify(tx, remediation, alert);
        case 'completed':
        case 'escalated':
        case 'cancelled':
          return { kind: 'ended', remediation };
      }
    });
  }
}
