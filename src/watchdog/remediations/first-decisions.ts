import type { StateTransaction } from '#storage';
import { allSettled, type KeyedSerialQueue } from '#telemetry';
import type { RemediationLog } from './remediation-log.ts';
import type { RemediationSpans } from './remediation-spans.ts';
import type { RemediationTransitions, TransitionFacts } from './remediation-transitions.ts';
import { targetOf, type Remediation } from './remediation.ts';
import type { RepairSlots } from './repair-slots.ts';
import type { Next } from './transition.ts';

export interface FirstDecisionParts {
  readonly log: Pick<RemediationLog, 'writtenAmong'>;
  readonly slots: RepairSlots;
  readonly spans: RemediationSpans;
  readonly transitions: Pick<RemediationTransitions, 'facts' | 'first'>;
  /** One transition at a time on each target, `agent:w-1`. */
  readonly turns: KeyedSerialQueue<string>;
  /** Whether others of its policy wait for their first decision, before it. */
  readonly isWaiting: (planned: Remediation) => boolean;
}

export interface FirstDecision {
  /** With the trace context of its own span. */
  readonly remediation: Remediation;
  readonly next: Next;
}

/** More than these are many: each transaction that waits would wait for all of their decisions. */
const MAX_FIRST_DECISIONS = 8;

/**
 * As many as may be decided at once, of the policies that have the fewest: who comes together with the hundreds of an
 * incident, and has nothing to do with it, does not wait for them. A policy's are decided all or none.
 */
function ofFewestPolicies(planned: readonly Remediation[]): readonly Remediation[] {
  const policies = Map.groupBy(planned, ({ policy }) => policy).values();
  const chosen: Remediation[] = [];
  for (const alike of [...policies].toSorted((a, b) => a.length - b.length)) {
    if (chosen.length + alike.length > MAX_FIRST_DECISIONS) break;
    chosen.push(...alike);
  }
  return chosen;
}

/** Decides remediations in the transaction that plans them, where nothing else is done on their targets. */
export class FirstDecisions {
  readonly #parts: FirstDecisionParts;
  /** Their transaction failed while they held a place, and perhaps they are on disk all the same. */
  readonly #doubtful = new Set<string>();
  /** End the turns that are taken. */
  readonly #ends = new Set<() => void>();

  constructor(parts: FirstDecisionParts) {
    this.#parts = parts;
  }

  /**
   * The targets' turns are taken until the transaction has ended.
   * @param planned with ids, while they are being `written`: those of them that had not been planned before
   * @returns by id, what follows from those that were decided; the others come in their turn
   */
  async decide(
    tx: StateTransaction,
    planned: readonly Remediation[],
    written: Promise<readonly Remediation[]>,
  ): Promise<ReadonlyMap<string, FirstDecision>> {
    const { isWaiting, transitions } = this.#parts;
    const few = ofFewestPolicies(planned);
    if (few.length === 0) return new Map();
    const free = few.filter((one) => !isWaiting(one) && this.#takeTurn(tx, targetOf(one)));
    // They lock their alerts' rows, in the order in which others do.
    const byAlert = free.toSorted((a, b) => (a.alert_id < b.alert_id ? -1 : 1));
    const [inserted, facts] = await allSettled([
      written,
      allSettled(byAlert.map((remediation) => transitions.facts(tx, remediation))),
      this.#clearDoubts(tx),
    ]);
    const isNew = new Set(inserted.map(({ id }) => id));
    const decided = byAlert.map(async (remediation, at) => {
      const known = facts[at];
      return known && isNew.has(remediation.id) ? this.#decideOne(tx, remediation, known) : [];
    });
    const decisions = (await allSettled(decided)).flat();
    return new Map(decisions.map((decision) => [decision.remediation.id, decision]));
  }

  get doubtful(): readonly string[] {
    return [...this.#doubtful];
  }

  /**
   * Of those in doubt who is not on disk gives its place back; the others keep theirs, and are taken up.
   * @param doubtful as they were before it was read who is `written`
   */
  settleDoubts(doubtful: readonly string[], written: ReadonlySet<string>): void {
    for (const id of doubtful) {
      if (!written.has(id)) this.#parts.slots.forget(id);
      this.#doubtful.delete(id);
    }
  }

  /** Gives all turns back: a transaction of which nobody knows whether it is on disk never says that it has ended. */
  stop(): void {
    for (const end of this.#ends) end();
  }

  /** Whether nothing was done on the target; from now on this is, until the transaction has ended. */
  #takeTurn(tx: StateTransaction, target: string): boolean {
    const { turns } = this.#parts;
    if (!turns.isIdle(target)) return false;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const end = (): void => {
      this.#ends.delete(end);
      resolve();
    };
    this.#ends.add(end);
    void turns.run(target, () => ended);
    tx.afterCommit(end);
    tx.afterRollback(end);
    return true;
  }

  async #decideOne(
    tx: StateTransaction,
    planned: Remediation,
    facts: TransitionFacts,
  ): Promise<FirstDecision> {
    const { spans, slots, transitions } = this.#parts;
    const { id } = planned;
    const remediation = { ...planned, traceparent: spans.begin(planned, 'planned') };
    tx.afterRollback(() => {
      spans.discard(id);
      if (slots.holds(id)) this.#doubtful.add(id);
    });
    return { remediation, next: await transitions.first(tx, remediation, facts) };
  }

  async #clearDoubts(tx: StateTransaction): Promise<void> {
    const { doubtful } = this;
    if (doubtful.length === 0) return;
    this.settleDoubts(doubtful, await this.#parts.log.writtenAmong(tx, doubtful));
  }
}
