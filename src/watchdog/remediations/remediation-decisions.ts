import type { StateDatabase, StateTransaction } from '#storage';
import { type Clock, type Guard, OmoiError } from '#telemetry';
import { ask, decide, type GuardInput, type Suppression } from '../guards/guards.ts';
import type { PolicyRegistry } from '../policies/policy-registry.ts';
import type { Policy } from '../policies/policy.ts';
import type { AlertFacts, FleetActuator } from '../ports.ts';
import type { WatchdogStates } from '../watchdog-states.ts';
import type { RemediationLog } from './remediation-log.ts';
import type { Remediation } from './remediation.ts';
import type { RepairSlots } from './repair-slots.ts';
import { again, planOf, wait, type Next, type RecordedSuppression } from './transition.ts';

export interface DecisionParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly fleet: FleetActuator;
  readonly log: RemediationLog;
  readonly slots: RepairSlots;
  readonly policies: PolicyRegistry;
  readonly states: WatchdogStates;
  /** Whether much of a failure domain, or of the whole, has fallen silent. */
  readonly storm: (domain: string) => { readonly reason: string } | null;
  readonly suspectUntilMs: () => number;
}

/** What of a decision is not known from memory. */
interface Moment {
  readonly nowMs: number;
  readonly lastEndedAtMs: number | null;
}

/** What a decision needs beside the remediation. */
export interface DecisionFacts {
  readonly alert: AlertFacts;
  /** What held it back before, as it was written down. */
  readonly held: RecordedSuppression | null;
  /** When the policy last ended a remediation on the same target after acting, wall ms; null where it never did. */
  readonly lastEndedAtMs: number | null;
}

/** Guards whose answer is known from memory, so that asking them again costs no look at the database. */
const KNOWN_FROM_MEMORY: ReadonlySet<Guard> = new Set([
  'paused',
  'observe',
  'self_suspicion',
  'storm',
  'one_per_target',
  'max_parallel',
  'start_budget',
  'target_withdrawn',
  'target_healthy',
  'work_in_flight',
]);

/** Guards that an event lifts, of which those in line are told, and no time. */
const LIFTED_BY_EVENT: ReadonlySet<Guard> = new Set([
  'paused',
  'observe',
  'storm',
  'one_per_target',
  'max_parallel',
  'target_withdrawn',
  'target_healthy',
  'work_in_flight',
]);

/** Whether a remediation may begin its step: what the policy and the guards say at the moment. */
export class RemediationDecisions {
  readonly #parts: DecisionParts;

  constructor(parts: DecisionParts) {
    this.#parts = parts;
  }

  /**
   * Whether it may run is what the policy says now; what would run was written down when it was planned. Costs a
   * few rows by their keys, however long the history is and however many others are held back.
   */
  async decide(
    tx: StateTransaction,
    planned: Remediation,
    { alert, held, lastEndedAtMs }: DecisionFacts,
  ): Promise<Next> {
    const { log, fleet, slots, policies } = this.#parts;
    const policy = policies.get(planned.policy);
    if (!policy) return this.cancel(tx, planned, 'its policy is gone');
    // What an attempt had reserved that was rolled back is free again: on disk it is planned.
    slots.update(planned);
    const agent = planned.target_kind === 'agent' ? fleet.agent(planned.target_id) : null;
    const remediation = await log.noteGeneration(tx, planned, agent);
    // From here to the reservation nothing is awaited: what the guards have counted stays true.
    const { nowMs } = tx;
    const suppression = decide(this.#input(remediation, policy, { nowMs, lastEndedAtMs }));
    if (suppression) return this.#holdBack(tx, remediation, { suppression, held });
    if (policy.mode === 'approve' && remediation.approved_by === null) {
      return wait(await log.awaitApproval(tx, remediation), null);
    }
    slots.reserve(remediation, nowMs);
    const expectedGeneration = agent?.generation ?? null;
    const { step } = planOf(remediation);
    const started = await log.start(tx, remediation, { step, value: alert.value, expectedGeneration });
    const { executing, action } = started;
    return {
      kind: 'order',
      remediation: executing,
      order: { remediation: executing, step, action, kind: 'act' },
    };
  }

  /** What a guard that held a remediation back says now; null where it lifts, or the database has to be asked. */
  stillHeldBy(remediation: Remediation, guard: Guard): Suppression | null {
    const policy = this.#parts.policies.get(remediation.policy);
    if (!policy || !KNOWN_FROM_MEMORY.has(guard)) return null;
    const nowMs = this.#parts.clock.wallMs();
    return ask(guard, this.#input(remediation, policy, { nowMs, lastEndedAtMs: null }));
  }

  /** Whether the event has come already that lifts a guard. */
  hasLifted(remediation: Remediation, guard: Guard): boolean {
    if (!LIFTED_BY_EVENT.has(guard) || !this.#parts.policies.get(remediation.policy)) return false;
    return this.stillHeldBy(remediation, guard) === null;
  }

  /** Awaits approval for as long as the policy asks for one. */
  async awaitAnswer(tx: StateTransaction, remediation: Remediation): Promise<Next> {
    const { log, policies } = this.#parts;
    const policy = policies.get(remediation.policy);
    if (!policy) return this.cancel(tx, remediation, 'its policy is gone');
    if (policy.mode === 'approve') return wait(remediation, null);
    return again(await log.proceed(tx, remediation, null));
  }

  /** Ends a remediation that awaits approval, or lets it go on. @throws OmoiError `remediation_settled` */
  async answer(
    remediation: Remediation,
    answer: { readonly approved: boolean; readonly by: string },
  ): Promise<Next> {
    const { database, log } = this.#parts;
    if (remediation.state !== 'awaiting_approval') {
      const message = `remediation ${remediation.id} is ${remediation.state}, not awaiting_approval`;
      throw new OmoiError('remediation_settled', message);
    }
    return database.transaction(async (tx) =>
      answer.approved
        ? again(await log.proceed(tx, remediation, answer.by))
        : this.cancel(tx, remediation, `rejected by ${answer.by}`),
    );
  }

  /** The alert ended while nothing was being done about it. */
  async withdraw(tx: StateTransaction, remediation: Remediation): Promise<Next> {
    if (remediation.step === 0) {
      return this.cancel(tx, remediation, 'the alert resolved before anything was done');
    }
    const reason = `the alert resolved after ${remediation.reason ?? 'a step'}, before the next step`;
    const ending = { state: 'completed', outcome: 'unknown', reason } as const;
    return { kind: 'ended', remediation: await this.#parts.log.end(tx, remediation, ending) };
  }

  async cancel(tx: StateTransaction, remediation: Remediation, reason: string): Promise<Next> {
    const ending = { state: 'cancelled', outcome: 'cancelled', reason } as const;
    return { kind: 'ended', remediation: await this.#parts.log.end(tx, remediation, ending) };
  }

  #input(remediation: Remediation, policy: Policy, { nowMs, lastEndedAtMs }: Moment): GuardInput {
    const { slots, states, fleet, storm, suspectUntilMs } = this.#parts;
    const { generation_since_ms: generationSinceMs, target_kind: kind, target_id: id } = remediation;
    const { step } = planOf(remediation);
    const agent = kind === 'agent' ? fleet.agent(id) : null;
    return {
      nowMs,
      policy,
      paused: states.get('paused'),
      storm: agent && storm(agent.domain),
      suspectUntilMs: suspectUntilMs(),
      ...slots.look(remediation, policy),
      lastEndedAtMs,
      agent,
      // A restart by somebody else gets as long to take effect as one of the policy's own.
      newGenerationUntilMs: generationSinceMs === null ? null : generationSinceMs + step.verify.within,
    };
  }

  async #holdBack(
    tx: StateTransaction,
    remediation: Remediation,
    { suppression, held }: { readonly suppression: Suppression; readonly held: RecordedSuppression | null },
  ): Promise<Next> {
    const heldBy = await this.#parts.log.suppress(tx, remediation, { suppression, held });
    const { untilMs } = suppression;
    return { kind: 'wait', remediation, waitMs: untilMs === null ? null : untilMs - tx.nowMs, heldBy };
  }
}
