import {
  messageOf,
  OmoiError,
  SerialQueue,
  type AppendFeed,
  type AppendOrigin,
  type Clock,
} from '#telemetry';
import { AlertIdentities } from '../evaluation/alert-elements.ts';
import { ClockLeap } from '../evaluation/clock-leap.ts';
import { EvaluationClock } from '../evaluation/evaluation-clock.ts';
import { evaluateRecording } from '../evaluation/recording-evaluation.ts';
import { RuleInputs } from '../evaluation/rule-inputs.ts';
import { SeriesWriter } from '../evaluation/series-writer.ts';
import { runInTurn, runSliced, type EvaluationSlices, type SlicedWork } from '../evaluation/sliced-work.ts';
import type { LoadedRule } from '../rules/loaded-rule.ts';
import type { AlertEvaluation, EvaluatedAlerts, LoadedAlertingRule } from './alert-evaluation.ts';
import { AlertStates, type AlertStatesParts } from './alert-states.ts';
import { writeMomentOf, type EvaluationMoment, type WriteMoment } from './evaluation-moment.ts';
import { FiringRows } from './firing-rows.ts';
import type { Instance } from './instance.ts';
import type { RestoreTimes, SavedRule } from './restore.ts';
import { RuleHealth, type RuleCounters, type RuleHealthReport } from './rule-health.ts';

/** What could not be committed is evaluated anew after this time. */
const COMMIT_RETRY_MS = 1000;

const NO_INSTANCES: ReadonlyMap<string, Instance> = new Map();

export interface EvaluateOptions {
  /** Whether unchanged outputs are written too. */
  readonly repeat: boolean;
  readonly slices: EvaluationSlices;
}

export interface RuleStateParts extends Omit<AlertStatesParts, 'uncommitted'> {
  readonly clock: Clock;
  readonly counters: RuleCounters;
  readonly evaluation: AlertEvaluation;
  /** Something of the rule waits to be saved. */
  readonly onUnsaved: (rule: RuleState) => void;
}

/**
 * One rule while it runs, and the only writer of its state: its label sets, its episodes' rows, its series. Evaluations,
 * a person's resolution, a reload, the restart, saving and removal come one after the other, in the order in which they
 * were asked for; each finds what the one before has left.
 */
export class RuleState {
  readonly #parts: RuleStateParts;
  readonly #queue = new SerialQueue();
  readonly #inputs = new RuleInputs();
  readonly #clock = new EvaluationClock();
  readonly #leap = new ClockLeap();
  /** When the wall clock last leapt forward: until data has come anew, what is missing says nothing. */
  #leaptAtMs = Number.NEGATIVE_INFINITY;
  readonly #outputs: SeriesWriter;
  readonly #health: RuleHealth;
  /** Null for a recording rule. */
  readonly #alerts: AlertStates | null;
  readonly #identities = new AlertIdentities();
  readonly #firingRows: FiringRows;
  #definition: LoadedRule;
  /** Redefinitions and the removal that wait: an evaluation would judge by a definition that no longer holds. */
  #handOversAhead = 0;
  #isRemoved = false;
  #hasEnded = false;

  constructor(definition: LoadedRule, parts: RuleStateParts) {
    this.#definition = definition;
    this.#parts = parts;
    this.#outputs = new SeriesWriter(parts.outlet);
    this.#health = new RuleHealth(parts.counters, parts.logger);
    this.#firingRows = new FiringRows(parts.evaluation);
    this.#alerts =
      definition.rule.kind === 'alerting'
        ? new AlertStates(definition.rule.key, { ...parts, uncommitted: parts.counters.uncommitted })
        : null;
  }

  get key(): string {
    return this.#definition.rule.key;
  }

  get definition(): LoadedRule {
    return this.#definition;
  }

  get health(): RuleHealthReport {
    return this.#health.report;
  }

  /** The label sets that are not inactive. None for a recording rule. */
  get instances(): ReadonlyMap<string, Instance> {
    return this.#alerts?.instances ?? NO_INSTANCES;
  }

  get forgottenTraces(): number {
    return this.#inputs.forgottenTraces;
  }

  /** Whether the rule was removed and nothing of it is left. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether label sets are saved as they are now. */
  get isConfirmable(): boolean {
    return this.#alerts?.isConfirmable === true;
  }

  /** Whether something waits to be saved. */
  get isUnsaved(): boolean {
    return this.#alerts?.isUnsaved === true;
  }

  /** Tells of each append that can change the result. */
  watch(feed: AppendFeed, onAppend: () => void): void {
    this.#inputs.watch(this.#definition.query, feed, onAppend);
  }

  unwatch(): void {
    this.#inputs.stop();
  }

  /** Nothing has changed but the rule's surroundings: its file, its place, its group. */
  moveTo(definition: LoadedRule): void {
    this.#definition = { ...definition, query: this.#definition.query };
  }

  /**
   * From here on the rule is what the definition says. Its alerts live on: the next evaluation, which the caller asks
   * for, says which of them still hold.
   */
  redefine(definition: LoadedRule): Promise<void> {
    return this.#handOver(async () => {
      this.#definition = definition;
      this.#inputs.changeQuery(definition.query);
    });
  }

  /**
   * The rule is no more: its alerts end, its series too. Where that fails `hasEnded` stays false, and `evaluate` tries
   * again.
   */
  remove(slices: () => EvaluationSlices): Promise<void> {
    this.#inputs.stop();
    return this.#handOver(async () => {
      this.#isRemoved = true;
      await runInTurn(this.#end(), slices);
    });
  }

  #handOver(work: () => Promise<void>): Promise<void> {
    this.#handOversAhead++;
    return this.#queue.run(() => {
      this.#handOversAhead--;
      return work();
    });
  }

  /**
   * Evaluates the rule. Never rejects. What can be done without waiting is done in the call, where nothing else is being
   * done to the rule. Where a reload is about to change or to remove the rule, nothing is done.
   * @returns the evaluation time at which it has to be looked at again though nothing arrives; null: none
   */
  evaluate(options: EvaluateOptions): Promise<number | null> {
    return this.#queue.run(async () => {
      if (this.#hasEnded || this.#handOversAhead > 0) return null;
      return runSliced(this.#isRemoved ? this.#end() : this.#evaluate(options), options.slices);
    });
  }

  /** Takes up what was left on disk. */
  restore(rows: SavedRule, times: RestoreTimes, slices: () => EvaluationSlices): Promise<void> {
    return this.#queue.run(async () => {
      if (this.#alerts) await runInTurn(this.#alerts.restore(rows, times, this.#writeMoment(true)), slices);
      this.#noteUnsaved();
    });
  }

  /**
   * A person ends an alert of this rule.
   * @throws OmoiError `alert_resolved`; `database_failed` where it could not be committed
   */
  resolveByHand(alertId: string, slices: () => EvaluationSlices): Promise<void> {
    return this.#queue.run(async () => {
      if (!this.#alerts) throw new Error(`the recording rule ${this.key} has no alerts`);
      const ended = await runInTurn(this.#alerts.resolveByHand(alertId, this.#writeMoment(false)), slices);
      this.#noteUnsaved();
      if (!ended) throw new OmoiError('alert_resolved', `Alert ${alertId} has been resolved already`);
    });
  }

  /** Saves some of what waits for it. @throws where it could not; it goes on waiting */
  saveSome(): Promise<void> {
    return this.#queue.run(async () => this.#alerts?.saveSome(this.#parts.clock.wallMs()));
  }

  /** Resolves when all that was asked for until now is done. */
  settled(): Promise<void> {
    return this.#queue.settled();
  }

  *#evaluate({ repeat, slices }: EvaluateOptions): SlicedWork<number | null> {
    const { clock } = this.#parts;
    const definition = this.#definition;
    const { rule } = definition;
    const origin = this.#inputs.takeDirtyOrigin();
    const startedAtMs = clock.wallMs();
    const timeMs = this.#clock.next(startedAtMs, this.#inputs.newestSampleMs);
    const receivedAtMs = origin?.receivedAtMs ?? null;
    const moment: EvaluationMoment = { timeMs, startedAtMs, repeat, receivedAtMs };
    let wakeAtMs: number | null = null;
    if (rule.kind === 'recording') yield* this.#record({ definition, rule }, moment, origin);
    else wakeAtMs = yield* this.#evaluateAlerts({ definition, rule }, moment, slices);
    if (origin) this.#health.took(origin, clock.monotonicMs());
    return wakeAtMs;
  }

  *#record(
    loaded: Parameters<typeof evaluateRecording>[0],
    moment: EvaluationMoment,
    cause: AppendOrigin | null,
  ): SlicedWork<void> {
    const origin: AppendOrigin = {
      source: 'rule',
      traceparent: this.#inputs.tracesFor({})[0] ?? null,
      receivedAtMs: cause?.receivedAtMs ?? moment.startedAtMs,
      receivedMonotonicMs: cause?.receivedMonotonicMs ?? this.#parts.clock.monotonicMs(),
    };
    try {
      yield* evaluateRecording(loaded, this.#outputs, { ...moment, origin });
      this.#health.succeeded(loaded.rule, moment.timeMs);
    } catch (thrown) {
      this.#health.failed(loaded.rule, moment.timeMs, thrown);
    }
  }

  *#evaluateAlerts(
    loaded: LoadedAlertingRule,
    moment: EvaluationMoment,
    slices: EvaluationSlices,
  ): SlicedWork<number | null> {
    const alerts = this.#alerts;
    if (!alerts) return null;
    if (!(yield* this.#makeCertain(alerts))) return moment.timeMs + COMMIT_RETRY_MS;
    const leapMs = this.#leap.since(this.#parts.clock);
    if (leapMs > 0) {
      this.#leaptAtMs = moment.startedAtMs;
      yield* alerts.postpone(leapMs);
    }
    const wasFailing = this.#health.failingSinceMs !== null;
    let evaluated: EvaluatedAlerts | null = null;
    let plan: EvaluatedAlerts['plan'];
    try {
      evaluated = yield* this.#parts.evaluation.evaluate(loaded, alerts.instances, {
        moment,
        leaptAtMs: this.#leaptAtMs,
        tracesFor: (labels) => this.#inputs.tracesFor(labels),
        identities: this.#identities,
      });
      ({ plan } = evaluated);
      this.#health.succeeded(loaded.rule, moment.timeMs);
    } catch (thrown) {
      const failingSinceMs = this.#health.failed(loaded.rule, moment.timeMs, thrown);
      const at = { timeMs: moment.timeMs, failingSinceMs };
      plan = yield* this.#parts.evaluation.planFailure(loaded, alerts.instances, at);
    }
    slices.noteResult();
    // The reload came while the query ran: what it found may be missing because of the reload.
    if (this.#handOversAhead > 0) return null;
    const at = writeMomentOf(moment, this.#parts.clock);
    const isDone = yield* alerts.carryOut(plan, this.#parts.evaluation.textsOf(loaded, moment), at);
    if (evaluated === null) yield* this.#firingRows.markFailed(alerts, this.#health.report.lastError);
    else if (wasFailing || this.#firingRows.isDue(moment.timeMs)) {
      yield* this.#firingRows.refresh(alerts, loaded.rule, { ...moment, elements: evaluated.elements });
    }
    this.#noteUnsaved();
    return isDone ? plan.wakeAtMs : moment.timeMs + COMMIT_RETRY_MS;
  }

  /** @returns false where what is on disk can't be read now */
  *#makeCertain(alerts: AlertStates): SlicedWork<boolean> {
    try {
      yield* alerts.makeCertain();
      return true;
    } catch (thrown) {
      this.#parts.logger.warn(
        { rule: this.key, error: messageOf(thrown) },
        'The alerts of the rule can’t be read from the database; the rule is evaluated again in a second',
      );
      return false;
    }
  }

  *#end(): SlicedWork<number | null> {
    const at = this.#writeMoment(false);
    try {
      if (this.#alerts) yield* this.#alerts.endAll(at);
      yield* this.#outputs.write([], at);
      this.#hasEnded = true;
      return null;
    } catch (thrown) {
      this.#parts.logger.warn(
        { rule: this.key, error: messageOf(thrown) },
        'The alerts of a removed rule could not be ended yet; it is tried again in a second',
      );
      return at.timeMs + COMMIT_RETRY_MS;
    }
  }

  #noteUnsaved(): void {
    if (this.isUnsaved) this.#parts.onUnsaved(this);
  }

  /** Something that is written between two evaluations. */
  #writeMoment(repeat: boolean): WriteMoment {
    const startedAtMs = this.#parts.clock.wallMs();
    const timeMs = this.#clock.next(startedAtMs, 0);
    return writeMomentOf({ timeMs, startedAtMs, repeat, receivedAtMs: null }, this.#parts.clock);
  }
}
