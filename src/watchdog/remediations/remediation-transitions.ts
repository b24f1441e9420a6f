import { SharedTransactions, type StateDatabase, type StateTransaction } from '#storage';
import { allSettled, messageOf, toStorable } from '#telemetry';
import { readActionBefore, type ActionRow } from '../actions/action-rows.ts';
import type { OrderResult, StepOrder } from '../actions/step-order.ts';
import type { TimedCalls } from '../actions/timed-calls.ts';
import type { AlertFacts, AlertReader } from '../ports.ts';
import type { LastEnd } from './lineage.ts';
import { isWell } from './proven-health.ts';
import { RemediationDecisions, type DecisionFacts, type DecisionParts } from './remediation-decisions.ts';
import { RemediationSteps, type StepParts } from './remediation-steps.ts';
import type { Remediation } from './remediation.ts';
import { isOver, type Next, type RecordedSuppression } from './transition.ts';

export interface TransitionParts extends DecisionParts, StepParts {
  readonly database: StateDatabase;
  readonly alerts: AlertReader;
  /** The target has its turn as long as its output is waited for. */
  readonly calls: Pick<TimedCalls, 'within'>;
}

export interface TransitionFacts {
  readonly alert: AlertFacts | null;
  /** The last remediation of the policy on the same target that acted; null where none did. */
  readonly lastEnd: LastEnd | null;
  /** The step before the one that is planned; null where it is the first. */
  readonly stepBefore: ActionRow | null;
}

interface Transition {
  readonly remediation: Remediation;
  readonly make: (tx: StateTransaction) => Promise<Next>;
}

/** What was looked up before the transaction. */
interface Seen {
  /** The guard that held it back, as it was written down. */
  readonly held: RecordedSuppression | null;
  /** What an agent that is verified, or given up, and is not well put out last; null where nobody looked. */
  readonly lastOutput: string | null;
}

const UNSEEN: Seen = { held: null, lastOutput: null };

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
  /** Those that are to be given up, once it has been looked what ended their agent. */
  readonly #givenUp = new Set<string>();

  constructor(parts: TransitionParts) {
    this.#parts = parts;
    this.decisions = new RemediationDecisions(parts);
    this.#steps = new RemediationSteps(parts, this.decisions);
    this.#shared = new SharedTransactions(parts.database, makeTogether, { urgent: true });
  }

  /**
   * Makes the next transition of a remediation, if there is one now.
   * @param held the guard that holds it back, as it was written down
   */
  next(remediation: Remediation, held: RecordedSuppression | null): Promise<Next> {
    return this.#seen(remediation).then((lastOutput) =>
      this.#shared.ask({ remediation, make: (tx) => this.#next(tx, remediation, { held, lastOutput }) }),
    );
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
        return isDone ? this.#next(tx, next.remediation, UNSEEN) : next;
      },
    });
  }

  /** What the next transition needs to know, as the transaction sees it. */
  async facts(tx: StateTransaction, remediation: Remediation): Promise<TransitionFacts> {
    const { alerts, log } = this.#parts;
    const isPlanned = remediation.state === 'planned';
    const [alert, lastEnd, stepBefore] = await allSettled([
      alerts.get(remediation.alert_id, tx),
      isPlanned ? log.lastEnd(tx, remediation) : null,
      isPlanned ? readActionBefore(tx.db, remediation) : null,
    ]);
    return { alert, lastEnd, stepBefore };
  }

  /** The first transition, in the transaction that plans it. */
  first(tx: StateTransaction, planned: Remediation, facts: TransitionFacts): Promise<Next> {
    return this.#nextOf(tx, planned, { ...facts, ...UNSEEN });
  }

  async #next(tx: StateTransaction, remediation: Remediation, seen: Seen): Promise<Next> {
    return this.#nextOf(tx, remediation, { ...(await this.facts(tx, remediation)), ...seen });
  }

  /** The last output of an agent that has not come up, read before the transaction: in there only the database is asked. */
  async #seen(remediation: Remediation): Promise<string | null> {
    const { fleet, calls } = this.#parts;
    const isGivenUp = this.#givenUp.delete(remediation.id);
    if (remediation.state === 'planned' && !isGivenUp) return null;
    if (!['planned', 'verifying'].includes(remediation.state) || remediation.target_kind !== 'agent')
      return '';
    const agent = fleet.agent(remediation.target_id);
    if (!agent || isWell(agent)) return '';
    try {
      return toStorable(await calls.within(fleet.lastOutput(agent.agentId, agent.generation)));
    } catch (thrown) {
      return `(its output could not be read: ${messageOf(thrown)})`;
    }
  }

  async #decide(tx: StateTransaction, planned: Remediation, facts: DecisionFacts): Promise<Next> {
    const next = await this.decisions.decide(tx, planned, facts);
    if (next.kind === 'again') this.#givenUp.add(planned.id);
    return next;
  }

  async #nextOf(
    tx: StateTransaction,
    remediation: Remediation,
    known: TransitionFacts & Seen,
  ): Promise<Next> {
    const { alert, lastEnd, stepBefore, held, lastOutput } = known;
    const { decisions } = this;
    switch (remediation.state) {
      case 'planned':
        return isOver(alert)
          ? decisions.withdraw(tx, remediation, alert)
          : this.#decide(tx, remediation, { alert, held, lastEnd, stepBefore, lastOutput });
      case 'awaiting_approval':
        return isOver(alert)
          ? decisions.withdraw(tx, remediation, alert)
          : decisions.awaitAnswer(tx, remediation);
      case 'executing':
        return this.#steps.execute(tx, remediation, { alert, held });
      case 'verifying':
        return this.#steps.verify(tx, remediation, { alert, lastOutput });
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
