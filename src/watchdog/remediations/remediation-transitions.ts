import { SharedTransactions, type StateDatabase, type StateTransaction } from '#storage';
import { allSettled } from '#telemetry';
import type { OrderResult, StepOrder } from '../actions/step-order.ts';
import type { AlertFacts, AlertReader } from '../ports.ts';
import { RemediationDecisions, type DecisionParts } from './remediation-decisions.ts';
import { RemediationSteps, type StepParts } from './remediation-steps.ts';
import type { Remediation } from './remediation.ts';
import { isOver, type Next, type RecordedSuppression } from './transition.ts';

export interface TransitionParts extends DecisionParts, StepParts {
  readonly database: StateDatabase;
  readonly alerts: AlertReader;
}

export interface TransitionFacts {
  readonly alert: AlertFacts | null;
  /** When the policy last ended a remediation on the same target after acting, wall ms; null where it never did. */
  readonly lastEndedAtMs: number | null;
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
    return this.#shared.ask({ remediation, make: (tx) => this.#next(tx, remediation, held) });
  }

  /** Records what came of an order. */
  settle(order: StepOrder, result: OrderResult): Promise<Next> {
    const { remediation } = order;
    return this.#shared.ask({
      remediation,
      make: async (tx) => {
        const next = await this.#steps.settle(tx, order, result);
        // What was done is looked at by the same commit.
        const isDone = next.kind === 'again' && next.remediation.state === 'verifying';
        return isDone ? this.#next(tx, next.remediation, null) : next;
      },
    });
  }

  /** What the next transition needs to know, as the transaction sees it. */
  async facts(tx: StateTransaction, remediation: Remediation): Promise<TransitionFacts> {
    const { alerts, log } = this.#parts;
    const [alert, lastEndedAtMs] = await allSettled([
      alerts.get(remediation.alert_id, tx),
      remediation.state === 'planned' ? log.lastEnd(tx, remediation) : null,
    ]);
    return { alert, lastEndedAtMs };
  }

  /** The first transition, in the transaction that plans it. */
  first(tx: StateTransaction, planned: Remediation, facts: TransitionFacts): Promise<Next> {
    return this.#nextOf(tx, planned, { ...facts, held: null });
  }

  async #next(
    tx: StateTransaction,
    remediation: Remediation,
    held: RecordedSuppression | null,
  ): Promise<Next> {
    return this.#nextOf(tx, remediation, { ...(await this.facts(tx, remediation)), held });
  }

  async #nextOf(
    tx: StateTransaction,
    remediation: Remediation,
    { alert, lastEndedAtMs, held }: TransitionFacts & { readonly held: RecordedSuppression | null },
  ): Promise<Next> {
    const { decisions } = this;
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
