import type { StateDatabase, StateTransaction } from '#storage';
import {
  allSettled,
  formatTime,
  GUARDS,
  momentOf,
  OmoiError,
  type Clock,
  type Guard,
  type Moment,
} from '#telemetry';
import { sinceIntentMs, type ActionRow } from '../actions/action-rows.ts';
import {
  ask,
  decide,
  doubt,
  isCertainlyIll,
  isDoubt,
  type DoubtInput,
  type GuardInput,
  type Suppression,
} from '../guards/guards.ts';
import { passedBy } from '../guards/passed-guards.ts';
import { RepairRates, type RepairRateLimits } from '../guards/repair-rate.ts';
import type { Storm } from '../guards/storm.ts';
import { isActedOn } from '../policies/act-on.ts';
import type { PolicyRegistry } from '../policies/policy-registry.ts';
import type { Policy } from '../policies/policy.ts';
import { maintenanceTargetText } from '../maintenance/maintenance-target.ts';
import type { MaintenanceWindows } from '../maintenance/maintenance-windows.ts';
import type { AgentFacts, AlertAuthority, AlertFacts, FleetActuator } from '../ports.ts';
import type { WatchdogStates } from '../watchdog-states.ts';
import { cooldownMsOf, lineageOf, relapseOf, sinceOf, type LastEnd } from './lineage.ts';
import { plannedRemediation, type WantedRemediation } from './planned-remediations.ts';
import type { RemediationLog } from './remediation-log.ts';
import type { Ending, Remediation } from './remediation.ts';
import type { RepairSlots } from './repair-slots.ts';
import { again, planOf, wait, type Next, type RecordedSuppression } from './transition.ts';
import { outcomeBetweenSteps, withdrawalOf } from './verdict.ts';

export interface DecisionParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly fleet: FleetActuator;
  readonly log: RemediationLog;
  readonly slots: RepairSlots;
  readonly policies: PolicyRegistry;
  readonly states: WatchdogStates;
  readonly maintenance: Pick<MaintenanceWindows, 'covering'>;
  /** Whether much of one of the failure domains, or of the whole, has fallen silent. */
  readonly storm: (domains: readonly string[]) => Storm | null;
  /** Whether those whose word the alert rests on may speak for the target. */
  readonly authority: AlertAuthority;
  readonly suspectUntilMs: () => number;
  readonly guards?: readonly Guard[];
}

/** What of a decision is not known from memory. */
interface Known {
  readonly now: Moment;
  /** Null where only guards are asked again that need no alert. */
  readonly alert: AlertFacts | null;
  /** Wall ms from which the cooldown counts; null where nothing has to cool down. */
  readonly coolsFromMs: number | null;
  /** How often the lineage has tried; 0 where it has not within the relapse window. */
  readonly attempts: number;
}

/** What a decision needs beside the remediation. */
export interface DecisionFacts {
  readonly alert: AlertFacts;
  /** What held it back before, as it was written down. */
  readonly held: RecordedSuppression | null;
  /** The last remediation of the policy on the same target that acted; null where none did. */
  readonly lastEnd: LastEnd | null;
  /** The step before the one that is planned; null where it is the first. */
  readonly stepBefore: ActionRow | null;
  /** What an agent that is not well put out last; empty where there is nothing, null where nobody looked. */
  readonly lastOutput: string | null;
}

/** Guards whose answer is known from memory, so that asking them again costs no look at the database. */
const KNOWN_FROM_MEMORY: ReadonlySet<Guard> = new Set([
  'paused',
  'observe',
  'not_managed',
  'maintenance',
  'self_suspicion',
  'storm',
  'one_per_target',
  'max_parallel',
  'start_budget',
  'repair_rate',
  'target_withdrawn',
  'target_healthy',
  'new_generation',
  'work_in_flight',
]);

/** Guards that an event lifts, of which those in line are told, and no time. */
const LIFTED_BY_EVENT: ReadonlySet<Guard> = new Set([
  'paused',
  'observe',
  'not_managed',
  'maintenance',
  'storm',
  'one_per_target',
  'max_parallel',
  'target_withdrawn',
  'target_healthy',
  'new_generation',
  'work_in_flight',
]);

/**
 * Guards that say how many repairs there may be, and when: who gives up does none. The others say that it is not certain
 * that the target is ill, or not the watchdog's affair now, and then nobody is told that it could not be repaired.
 */
const ONLY_BOUNDS_ACTIONS: ReadonlySet<Guard> = new Set([
  'cooldown',
  'max_parallel',
  'start_budget',
  'repair_rate',
]);

/**
 * Guards that are asked again before a step is ordered once more: what a person, or the evidence, has said since it began. Its
 * place, its token and its cooldown it has already.
 */
const ASKED_BEFORE_REPEATING: ReadonlySet<Guard> = new Set([
  'paused',
  'observe',
  'maintenance',
  'self_suspicion',
  'storm',
  'target_healthy',
  'work_in_flight',
]);

/** Whether a remediation may begin its step: what the policy and the guards say at the moment. */
export class RemediationDecisions {
  readonly #parts: DecisionParts;
  readonly #rates: RepairRates;

  constructor(parts: DecisionParts) {
    this.#parts = parts;
    this.#rates = new RepairRates(parts.clock);
  }

  /** Call when the watchdog begins to act: repairs are slow at first. */
  start(): void {
    this.#rates.start();
  }

  /**
   * Whether it may run is what the policy says now; what would run was written down when it was planned. Costs a
   * few rows by their keys, however long the history is and however many others are held back.
   */
  async decide(
    tx: StateTransaction,
    planned: Remediation,
    { alert, held, lastEnd, stepBefore, lastOutput }: DecisionFacts,
  ): Promise<Next> {
    const { log, fleet, slots, policies } = this.#parts;
    const policy = policies.get(planned.policy);
    if (planned.given_up_as !== null) return this.#giveUpNow(tx, planned, held);
    if (!policy) return this.cancel(tx, planned, 'its policy is gone');
    // What an attempt had reserved that was rolled back is free again: on disk it is planned.
    slots.update(planned);
    const agent = planned.target_kind === 'agent' ? fleet.agent(planned.target_id) : null;
    const now = log.now(tx);
    // An end that a task explains is no failure of the agent: neither a relapse nor an attempt, and nothing to cool down.
    const isExplained = agent !== null && agent.blamedTaskId !== null;
    const last = isExplained ? null : lastEnd;
    // Who works on it has taken it away: that is no return of what was repaired before, and nobody is told of one.
    const mayBeRelapse = isFirstStep(planned) && !alert.maintained;
    const relapse = mayBeRelapse ? relapseOf(planned, last, { policy, now }) : null;
    const [noted] = await allSettled([
      log.noteGeneration(tx, planned, agent),
      relapse?.outcome === 'healed' && log.relapsed(tx, planned, relapse),
    ]);
    const attempts = relapse?.attempts ?? noted.attempts;
    const lastTry = relapse && attempts >= policy.max_attempts ? relapse : null;
    const remediation = {
      ...noted,
      step: isFirstStep(noted) ? firstStep(noted, attempts) : noted.step,
      certain: isCertainlyIll(agent) ? 1 : 0,
    };
    // From here to the reservation nothing is awaited: what the guards have counted stays true.
    const coolsFromMs = isExplained ? null : coolsFrom({ lastEnd, stepBefore, agent, now });
    const input = this.#input(remediation, policy, { now, alert, coolsFromMs, attempts });
    const { guards = GUARDS } = this.#parts;
    const asked = lastTry ? guards.filter((guard) => !ONLY_BOUNDS_ACTIONS.has(guard)) : guards;
    const suppression = decide(input, asked);
    if (suppression) return this.holdBack(tx, noted, { suppression, held });
    if (lastTry) {
      // What ended the agent this time is read before a transaction: the next one has it.
      if (agent && lastOutput === null) return again(noted);
      // A person is told of an agent once it is clear that no task is to blame.
      if (agent && agent.suspicionLeftMs > 0) return wait(noted, agent.suspicionLeftMs);
      return this.#giveUp(tx, noted, { policy, relapse: lastTry, lastOutput });
    }
    if (policy.mode === 'approve' && remediation.approved_by === null) {
      return wait(await log.awaitApproval(tx, noted), null);
    }
    slots.reserve(remediation, policy, now.bootMs);
    if (agent && isCertainlyIll(agent)) this.#takeToken(tx, agent.domains, rateOf(policy.guards));
    const begin = {
      step: planOf(remediation).step,
      attempts: isExplained ? attempts : attempts + 1,
      lineageOrder: (lastEnd?.order ?? 0) + 1,
      evidence: evidenceOf(alert, agent),
      value: alert.value,
      expectedGeneration: agent?.generation ?? null,
      passed: passedBy(input, guards),
    };
    const { executing, action } = await log.start(tx, remediation, begin);
    return {
      kind: 'order',
      remediation: executing,
      order: { remediation: executing, step: begin.step, action, kind: 'act' },
    };
  }

  #takeToken(tx: StateTransaction, domains: readonly string[], rate: RepairRateLimits): void {
    this.#rates.take(domains, rate);
    tx.afterRollback(() => this.#rates.giveBack(domains, rate));
  }

  /** The lineage has tried often enough: the guardian has it, with what is known of the last attempt and of what ended it. */
  async #giveUp(
    tx: StateTransaction,
    remediation: Remediation,
    {
      policy,
      relapse,
      lastOutput: seen,
    }: { readonly policy: Policy; readonly relapse: LastEnd; readonly lastOutput: string | null },
  ): Promise<Next> {
    const tried = `${relapse.attempts} of ${policy.max_attempts} attempts did not last`;
    const last = relapse.reason ?? relapse.outcome ?? 'unknown';
    // What proved it is true of then, not of now.
    const seemed = relapse.outcome === 'healed' || relapse.outcome === 'relapsed';
    const reason = `${tried}; the last one ${seemed ? 'seemed to have worked, and its alert came back' : 'ended'}: ${last}`;
    const { guardian } = planOf(remediation);
    const lastOutput = seen || relapse.lastOutput;
    const ending = { state: 'escalated', outcome: 'no_effect', guardian, reason, lastOutput } as const;
    return { kind: 'ended', remediation: await this.#parts.log.end(tx, remediation, ending) };
  }

  /**
   * What says that the guardian is not told yet that the last step of a remediation did not help; null where nothing does. What is
   * doubtful is so without the policy, too: a reload that removes it is no word about the target.
   */
  holdsGivingUp(remediation: Remediation, now: Moment): Suppression | null {
    const { guards = GUARDS } = this.#parts;
    return doubt(this.#doubtInput(remediation, now), guards.filter(isDoubt));
  }

  /**
   * What says that a step whose order failed, or got no answer, is not ordered once more; null where nothing does. Costs no look
   * at the database.
   */
  holdsRepeating(remediation: Remediation, now: Moment): Suppression | 'no_policy' | null {
    const { policies, guards = GUARDS } = this.#parts;
    const policy = policies.get(remediation.policy);
    if (!policy) return 'no_policy';
    const input = this.#input(remediation, policy, { now, alert: null, coolsFromMs: null, attempts: 0 });
    return decide(
      input,
      guards.filter((guard) => ASKED_BEFORE_REPEATING.has(guard)),
    );
  }

  /** Its last step did not help while a guard held back that anybody is told. */
  async #giveUpNow(
    tx: StateTransaction,
    remediation: Remediation,
    held: RecordedSuppression | null,
  ): Promise<Next> {
    const { log, fleet } = this.#parts;
    const suppression = this.holdsGivingUp(remediation, log.now(tx));
    if (suppression) return this.holdBack(tx, remediation, { suppression, held });
    const agent = remediation.target_kind === 'agent' ? fleet.agent(remediation.target_id) : null;
    if (agent && agent.suspicionLeftMs > 0) return wait(remediation, agent.suspicionLeftMs);
    if (agent && agent.blamedTaskId !== null) return again(await log.goOn(tx, remediation));
    const withdrawal = agent && withdrawalOf(agent);
    const { guardian } = planOf(remediation);
    const ending: Ending = withdrawal
      ? { state: 'completed', outcome: withdrawal.outcome, reason: withdrawal.reason }
      : {
          state: 'escalated',
          outcome: remediation.given_up_as ?? 'unknown',
          guardian,
          reason: remediation.reason ?? 'its last step did not help',
        };
    return { kind: 'ended', remediation: await log.end(tx, remediation, ending) };
  }

  /** What a guard that held a remediation back says now; null where it lifts, or the database has to be asked. */
  stillHeldBy(remediation: Remediation, guard: Guard): Suppression | null {
    return this.#ask(remediation, guard, momentOf(this.#parts.clock)) ?? null;
  }

  /**
   * Whether the event has come already that lifts a guard. Time alone lifts none here: what has passed by this clock
   * may not have passed by the transaction's, which would hold it back again, and so on without end.
   */
  hasLifted(remediation: Remediation, { suppressed: guard, recordedAtMs }: RecordedSuppression): boolean {
    if (!LIFTED_BY_EVENT.has(guard)) return false;
    return this.#ask(remediation, guard, momentOf(this.#parts.clock, recordedAtMs)) === null;
  }

  /**
   * What holds back a remediation that is not planned yet, as far as memory knows: what was done before on the target, for which
   * the database has to be asked, is left out. Null where nothing does.
   * @param among the guards that are asked, of those that are in use
   */
  foresee(wanted: WantedRemediation, among: readonly Guard[] = GUARDS): Suppression | null {
    const now = momentOf(this.#parts.clock);
    const { guards: inUse = GUARDS } = this.#parts;
    const guards = inUse.filter((guard) => among.includes(guard));
    const { policy, alert } = wanted;
    const remediation = plannedRemediation(wanted, now, '');
    return decide(this.#input(remediation, policy, { now, alert, coolsFromMs: null, attempts: 0 }), guards);
  }

  /** What a guard says as far as memory knows, null where it lets pass; undefined where the database has to be asked. */
  #ask(remediation: Remediation, guard: Guard, now: Moment): Suppression | null | undefined {
    if (remediation.given_up_as !== null && isDoubt(guard))
      return doubt(this.#doubtInput(remediation, now), [guard]);
    const policy = this.#parts.policies.get(remediation.policy);
    if (!policy || !KNOWN_FROM_MEMORY.has(guard)) return undefined;
    return ask(guard, this.#input(remediation, policy, { now, alert: null, coolsFromMs: null, attempts: 0 }));
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

  /** The alert ended while nothing was being done about it. @param alert null where its record is gone */
  async withdraw(tx: StateTransaction, remediation: Remediation, alert: AlertFacts | null): Promise<Next> {
    if (isFirstStep(remediation)) {
      return this.cancel(tx, remediation, 'the alert resolved before anything was done');
    }
    const next = remediation.given_up_as === null ? 'the next step' : 'its guardian was told';
    const reason = `the alert resolved after ${remediation.reason ?? 'a step'}, before ${next}`;
    const agent = remediation.target_kind === 'agent' ? this.#parts.fleet.agent(remediation.target_id) : null;
    const outcome = outcomeBetweenSteps(remediation, { alert, agent });
    const ending = { state: 'completed', outcome, reason } as const;
    return { kind: 'ended', remediation: await this.#parts.log.end(tx, remediation, ending) };
  }

  async cancel(tx: StateTransaction, remediation: Remediation, reason: string): Promise<Next> {
    const ending = { state: 'cancelled', outcome: 'cancelled', reason } as const;
    return { kind: 'ended', remediation: await this.#parts.log.end(tx, remediation, ending) };
  }

  #doubtInput(remediation: Remediation, now: Moment): DoubtInput {
    const { clock, states, fleet, storm, suspectUntilMs } = this.#parts;
    const { target_kind: kind, target_id: id } = remediation;
    const agent = kind === 'agent' ? fleet.agent(id) : null;
    return {
      nowMs: now.wallMs,
      paused: states.get('paused'),
      maintenance: this.#maintenanceOf(remediation, agent, now),
      storm: agent && storm(agent.domains),
      // The server's clock says when it ends; that of the database, by which it is decided, may be another.
      suspectUntilMs: now.wallMs + (suspectUntilMs() - clock.wallMs()),
      agent,
    };
  }

  #input(remediation: Remediation, policy: Policy, { now, alert, coolsFromMs, attempts }: Known): GuardInput {
    const { slots, fleet, authority } = this.#parts;
    const { generation_since_ms: generationSinceMs, target_kind: kind, target_id: id } = remediation;
    const { step } = planOf(remediation);
    const target = { kind, id };
    const doubts = this.#doubtInput(remediation, now);
    const { agent } = doubts;
    return {
      ...doubts,
      policy,
      unauthorized:
        alert &&
        authority.refusalOf(alert, { ...target, poolId: kind === 'pool' ? id : (agent?.poolId ?? null) }),
      isActedOn:
        policy.act_on === undefined ||
        isActedOn(id, policy.act_on, () => fleet.peersOf({ kind, poolId: agent?.poolId ?? null })),
      ...slots.look(remediation, policy, now),
      coolsFromMs,
      attempts,
      cooldownMs: cooldownMsOf(policy, attempts, lineageOf(remediation)),
      rateWait: agent && this.#rates.waitFor(agent.domains, rateOf(policy.guards)),
      // A restart by somebody else gets as long to take effect as one of the policy's own.
      newGenerationUntilMs:
        generationSinceMs === null
          ? null
          : now.wallMs - sinceOf(remediation, generationSinceMs, now) + step.verify.within,
    };
  }

  #maintenanceOf(
    { target_kind: kind, target_id: id, pool_id: poolId }: Remediation,
    agent: AgentFacts | null,
    now: Moment,
  ): GuardInput['maintenance'] {
    const place = {
      agentId: kind === 'agent' ? id : null,
      poolId: agent?.poolId ?? poolId,
      host: agent?.host ?? null,
    };
    const running = this.#parts.maintenance.covering(place, now);
    if (!running) return null;
    const { target, startedBy: by, reason } = running.window;
    const untilMs = Math.round(now.wallMs + running.leftMs);
    return { target: maintenanceTargetText(target), by, reason, untilMs };
  }

  async holdBack(
    tx: StateTransaction,
    remediation: Remediation,
    { suppression, held }: { readonly suppression: Suppression; readonly held: RecordedSuppression | null },
  ): Promise<Next> {
    const heldBy = await this.#parts.log.suppress(tx, remediation, { suppression, held });
    const { untilMs } = suppression;
    return { kind: 'wait', remediation, waitMs: untilMs === null ? null : untilMs - tx.nowMs, heldBy };
  }
}

/** Whether a remediation has not acted yet. */
function isFirstStep({ step_started_at_ms: startedAtMs }: Remediation): boolean {
  return startedAtMs === null;
}

/**
 * From when on a target is left alone, wall ms: since the last remediation of the lineage ended; where its process ended again
 * after a step of this one, since that step began. What it needs may be away for a while, and steps that follow each other
 * at once would all be used up before it is back.
 */
function coolsFrom({
  lastEnd,
  stepBefore,
  agent,
  now,
}: {
  readonly lastEnd: LastEnd | null;
  readonly stepBefore: ActionRow | null;
  readonly agent: AgentFacts | null;
  readonly now: Moment;
}): number | null {
  const lastEndedAtMs = lastEnd?.endedAtMs ?? null;
  if (stepBefore === null || agent?.status !== 'FAILED') return lastEndedAtMs;
  return Math.max(lastEndedAtMs ?? -Infinity, now.wallMs - sinceIntentMs(stepBefore, now));
}

/** Where a lineage goes on: behind the steps that it has tried, and at the last one where it has tried them all. */
function firstStep(remediation: Remediation, attempts: number): number {
  return Math.min(attempts, planOf(remediation).steps.length - 1);
}

/** What is known when a step begins, in words for its record. */
function evidenceOf({ ruleId, value }: AlertFacts, agent: AgentFacts | null): string {
  const alert = `${ruleId} fires with ${value}`;
  if (!agent) return alert;
  const { agentId, generation, status, silenceMs, blamedTaskId } = agent;
  const blamed =
    blamedTaskId === null ? '' : `, lost with task ${blamedTaskId}, which others were lost with before`;
  return `agent ${agentId}: generation ${generation} is ${status}${blamed}, silent for ${formatTime(silenceMs)}; ${alert}`;
}

function rateOf({ repair_burst: burst, repair_every: refillMs }: Policy['guards']): RepairRateLimits {
  return { burst, refillMs };
}
