import type { StateTransaction } from '#storage';
import type { KeyedSerialQueue } from '#telemetry';
import type { RemediationLog } from './remediation-log.ts';
import type { RemediationSpans } from './remediation-spans.ts';
import type { RemediationTransitions } from './remediation-transitions.ts';
import { targetOf, type Remediation } from './remediation.ts';
import type { RepairSlots } from './repair-slots.ts';
import type { Next } from './transition.ts';

export interface FirstDecisionParts {
  readonly log: Pick<RemediationLog, 'writtenAmong'>;
  readonly slots: RepairSlots;
  readonly spans: RemediationSpans;
  readonly transitions: Pick<RemediationTransitions, 'nextWithin'>;
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

/** Decides remediations in the transaction that plans them, where nothing else is done on their targets. */
export class FirstDecisions {
  readonly #parts: FirstDecisionParts;
  /** Their transaction failed while they held a place, and perhaps they are on disk all the same. */
  readonly #doubtful = new Set<string>();

  constructor(parts: FirstDecisionParts) {
    this.#parts = parts;
  }

  /**
   * The targets' turns are taken until the transaction has ended.
   * @returns by id, what follows from those that were decided; the others come in their turn
   */
  async decide(
    tx: StateTransaction,
    planned: readonly Remediation[],
  ): Promise<ReadonlyMap<string, FirstDecision>> {
    const decided = new Map<string, FirstDecision>();
    if (planned.length > MAX_FIRST_DECISIONS) return decided;
    const { turns, isWaiting, log } = this.#parts;
    const { doubtful } = this;
    if (doubtful.length > 0) this.settleDoubts(doubtful, await log.writtenAmong(tx, doubtful));
    // They lock their alerts' rows, in the order in which others do.
    const byAlert = planned.toSorted((a, b) => (a.alert_id < b.alert_id ? -1 : 1));
    for (const remediation of byAlert) {
      if (!turns.isIdle(targetOf(remediation)) || isWaiting(remediation)) continue;
      decided.set(remediation.id, await this.#decideOne(tx, remediation));
    }
    return decided;
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

  async #decideOne(tx: StateTransaction, planned: Remediation): Promise<FirstDecision> {
    const { turns, spans, slots, transitions } = this.#parts;
    const { id } = planned;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    void turns.run(targetOf(planned), () => ended);
    const traceparent = spans.begin(planned, 'planned');
    tx.afterCommit(end);
    tx.afterRollback(() => {
      spans.discard(id);
      if (slots.holds(id)) this.#doubtful.add(id);
      end();
    });
    const remediation = { ...planned, traceparent };
    return { remediation, next: await transitions.nextWithin(tx, remediation, null) };
  }
}
