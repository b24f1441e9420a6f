import { SharedTransactions, type StateDatabase, type StateTransaction } from '#storage';
import { allSettled } from '#telemetry';
import type { OrderResult, StepOrder } from '../actions/step-order.ts';
import type { AlertReader } from '../ports.ts';
import { RemediationDecisions, type DecisionParts } from './remediation-decisions.ts';
import { RemediationSteps, type StepParts } from './remediation-steps.ts';
import { isBusy, type Remediation } from './remediation.ts';
import { isOver, type Next, type RecordedSuppression } from './transition.ts';

export interface TransitionParts extends DecisionParts, StepParts {
  readonly database: StateDatabase;
  readonly alerts: AlertReader;
}

interface Transition {
  readonly remediation: Remediation;
  readonly make: (tx: StateTransaction) => Promise<Next>;
}

/**
 * The transitions of remediations. Those that are due at once share a transaction, in which the alerts are read, too;
 * where it fails each is made in one of its own. Nothing is asked of the fleet in here but what it knows from memory.
 * Whoever calls sees to it that no two transitions of one target overlap.
 */
export class RemediationTransitions {
  readonly #parts: TransitionParts;
  readonly #shared: SharedTransactions<Transition, Next>;
  readonly decisions: RemediationDecisions;
  readonly #steps: RemediationSteps;

  constructor(parts: TransitionParts) {
    this.#parts = parts;
    this.decisions = new RemediationDecisions(parts);
    this.#steps = new RemediationSteps(parts);
    this.#shared = new SharedTransactions(parts.database, makeTogether, { urgent: true });
  }

  /**
   * Makes the next transition of a remediation, if there is one now.
   * @param held the guard that holds it back, as it was written down
   */
  next(remediation: Remediation, held: RecordedSuppression | null): Promise<Next> {
    return this.#shared.ask({ remediation, make: (tx) => this.nextWithin(tx, remediation, held) });
  }

  /**
   * As `next`, in a transaction of the caller's. What starts is ordered and what was done is looked at by the same
   * commit; a step that begins anew waits for its own, for only then the place of the one before is free.
   */
  async nextWithin(
    tx: StateTransaction,
    remediation: Remediation,
    held: RecordedSuppression | null,
  ): Promise<Next> {
    return this.#goOn(tx, remediation, await this.#next(tx, remediation, held));
  }

  /** Makes the transition, too, that follows from one that has just begun to execute or to verify. */
  async #goOn(tx: StateTransaction, before: Remediation, next: Next): Promise<Next> {
    if (next.kind !== 'again') return next;
    const { remediation } = next;
    return isBusy(remediation) && remediation.state !== before.state
      ? this.#next(tx, remediation, null)
      : next;
  }

  /** Records what came of an order. */
  settle(order: StepOrder, result: OrderResult): Promise<Next> {
    const { remediation } = order;
    return this.#shared.ask({
      remediation,
      make: async (tx) => {
        const next = await this.#steps.settle(tx, order, result);
        return this.#goOn(tx, remediation, next);
      },
    });
  }

  async #next(
    tx: StateTransaction,
    remediation: Remediation,
    held: RecordedSuppression | null,
  ): Promise<Next> {
    const { alerts, log } = this.#parts;
    const { decisions } = this;
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
        return this.#steps.execute(tx, remediation, alert);
      case 'verifying':
        return this.#steps.verify(tx, remediation, alert);
      case 'completed':
      case 'escalated':
      case 'cancelled':
        return { kind: 'ended', remediation };
    }
  }
}

/** What they ask of the database goes there together. They begin in the order of their alerts, whose rows they lock. */
async function makeTogether(
  tx: StateTransaction,
  transitions: readonly Transition[],
): Promise<readonly Next[]> {
  const made = new Map<Transition, Promise<Next>>();
  const byAlert = transitions.toSorted((a, b) => (a.remediation.alert_id < b.remediation.alert_id ? -1 : 1));
  for (const transition of byAlert) made.set(transition, transition.make(tx));
  await allSettled([...made.values()]);
  return Promise.all(transitions.flatMap((transition) => made.get(transition) ?? []));
}
