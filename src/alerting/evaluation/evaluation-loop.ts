import {
  messageOf,
  Stretch,
  type AppendFeed,
  type Clock,
  type Counter,
  type Histogram,
  type Logger,
  type SelfMetrics,
  type Timer,
} from '#telemetry';
import type { RuleState } from '../state/rule-state.ts';
import type { EvaluationBudget, EvaluationSize } from './evaluation-budget.ts';
import { GroupTicker } from './group-ticker.ts';
import { RulePace, type PaceReport } from './rule-pace.ts';
import { EvaluationSlices } from './sliced-work.ts';

/** Evaluations in a row take the event loop for at most this long; then others have a turn. */
const MAX_TURN_MS = 5;

/** Of a routine evaluation: nobody waits for what has not changed. */
const ROUTINE_WAITS_MS = 1000;

/** Bounds of the duration of an evaluation, in seconds. */
const DURATION_BOUNDS_S = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** What the loop needs of a rule. */
export type LoopRule = Pick<
  RuleState,
  'key' | 'definition' | 'hasEnded' | 'watch' | 'unwatch' | 'evaluate' | 'remove'
>;

interface DirtyMark {
  readonly sinceMs: number;
  /** Whether only the group's interval asked. */
  isRoutine: boolean;
  /** Whether the group's interval asked: then unchanged outputs are written too. */
  repeat: boolean;
  /** Whether the rule behind it in its group comes when this one is done. */
  isInOrder: boolean;
}

/** What asks for an evaluation. */
export interface MarkOptions {
  /** Whether its group's interval asks. */
  readonly repeat: boolean;
  /** Whether those behind it in its group come one after the other when it is done. */
  readonly inOrder?: boolean;
}

interface Beginning {
  readonly mark: DirtyMark;
  readonly size: EvaluationSize;
  readonly startedMs: number;
}

/** One rule in the loop. */
interface Entry {
  readonly rule: LoopRule;
  readonly pace: RulePace;
  mark: DirtyMark | null;
  isBusy: boolean;
  /** When time alone has it evaluated. */
  wake: Timer | null;
}

export interface EvaluationLoopParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly budget: EvaluationBudget;
  readonly feed: AppendFeed;
}

/** Rules that are evaluated at one interval. */
export interface TickedGroup {
  readonly identity: string;
  readonly intervalMs: number;
  readonly rules: readonly LoopRule[];
}

/**
 * Evaluates rules when something has changed for them: a sample arrived, their group's interval came round, or a time
 * has come that they named. The one that waits longest comes first, but what is routine lets the others go before it for a
 * second; each at its own pace, all within one budget. What has to wait is counted.
 */
export class EvaluationLoop {
  readonly #parts: EvaluationLoopParts;
  readonly #entries = new Map<LoopRule, Entry>();
  readonly #dirty = new Set<Entry>();
  readonly #delayed: Counter;
  readonly #evaluations: Counter;
  readonly #missed: Counter;
  readonly #durations: Histogram;
  #tickers: readonly GroupTicker[] = [];
  /** The rule behind a rule in its group. */
  #following: ReadonlyMap<LoopRule, LoopRule> = new Map();
  #timer: Timer | null = null;
  #drainIsDue = false;
  /** Whether the budget will call for a large evaluation. */
  #awaitsTurn = false;
  #stopped = false;
  /** How long rules that come one after the other have gone on in this turn. */
  #inOrder: Stretch;

  constructor(parts: EvaluationLoopParts) {
    this.#parts = parts;
    const { clock, metrics } = parts;
    this.#inOrder = new Stretch(clock, { maxMs: MAX_TURN_MS });
    this.#evaluations = metrics.counter('omoi_rule_evaluations_total', 'Rule evaluations.');
    this.#durations = metrics.histogram(
      'omoi_rule_evaluation_duration_seconds',
      'How long a rule evaluation took the event loop.',
      DURATION_BOUNDS_S,
    );
    this.#delayed = metrics.counter(
      'omoi_rule_evaluations_delayed_total',
      'Rule evaluations that had to wait, for the rule’s own pace or for the budget of all rules.',
    );
    this.#missed = metrics.counter(
      'omoi_rule_group_iterations_missed_total',
      'Group intervals that came round while the interval before was still being evaluated.',
    );
    metrics.gauge('omoi_rules_dirty', 'Rules that wait to be evaluated.', () => this.#dirty.size);
    metrics.gauge(
      'omoi_rule_evaluation_delay_seconds',
      'How long the rule that waits longest has been waiting.',
      () => this.longestDelayMs() / 1000,
    );
  }

  /** The rule is evaluated from now on, for the first time at once. One that is in the loop already is looked at anew. */
  add(rule: LoopRule): void {
    if (this.#stopped) return;
    if (!this.#entries.has(rule)) {
      this.#entries.set(rule, { rule, pace: new RulePace(), mark: null, isBusy: false, wake: null });
    }
    if (rule.definition.pace.onArrival)
      rule.watch(this.#parts.feed, () => this.mark(rule, { repeat: false }));
    else rule.unwatch();
    this.mark(rule, { repeat: true });
  }

  remove(rule: LoopRule): void {
    rule.unwatch();
    const entry = this.#entries.get(rule);
    if (!entry) return;
    entry.wake?.cancel();
    this.#dirty.delete(entry);
    this.#entries.delete(rule);
  }

  /** The rule is no more: its alerts end. Where they can't be ended now, it is tried again until they are. */
  async retire(rule: LoopRule): Promise<void> {
    await rule.remove(() => this.slices());
    if (rule.hasEnded) this.remove(rule);
    else this.mark(rule, { repeat: false });
  }

  /**
   * Has groups evaluated at their intervals, and no others any more. Rules that their interval alone asks for come one after
   * the other, each when the one before is done, as in Prometheus: nothing else tells the later ones what those before wrote.
   */
  setGroups(groups: readonly TickedGroup[]): void {
    for (const ticker of this.#tickers) ticker.stop();
    this.#following = followersIn(groups);
    this.#tickers = groups.map(({ identity, intervalMs, rules }) => {
      const ticker = new GroupTicker(this.#parts.clock, { intervalMs, identity }, () => {
        if (rules.some((rule) => this.#isWaiting(rule))) this.#missed.add(1, { group: identity });
        this.#tick(rules);
      });
      ticker.start();
      return ticker;
    });
  }

  /** Something has changed for the rule. */
  mark(rule: LoopRule, { repeat, inOrder = false }: MarkOptions): void {
    const entry = this.#entries.get(rule);
    if (this.#stopped || !entry) return;
    if (entry.mark) {
      entry.mark.repeat ||= repeat;
      entry.mark.isInOrder ||= inOrder;
      entry.mark.isRoutine &&= repeat;
      return;
    }
    const sinceMs = this.#parts.clock.monotonicMs();
    entry.mark = { sinceMs, repeat, isRoutine: repeat, isInOrder: inOrder };
    this.#dirty.add(entry);
    this.#drainSoon();
  }

  /** Work on a rule beside its evaluations, within the same budget. */
  slices(): EvaluationSlices {
    return new EvaluationSlices(this.#parts.clock, this.#parts.budget);
  }

  paceOf(rule: LoopRule): PaceReport {
    return (this.#entries.get(rule)?.pace ?? new RulePace()).report;
  }

  longestDelayMs(): number {
    const nowMs = this.#parts.clock.monotonicMs();
    let sinceMs = nowMs;
    for (const { mark } of this.#dirty) sinceMs = Math.min(sinceMs, mark?.sinceMs ?? nowMs);
    return nowMs - sinceMs;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.setGroups([]);
    for (const rule of this.#entries.keys()) this.remove(rule);
  }

  #tick(rules: readonly LoopRule[]): void {
    const [first] = rules;
    if (first?.definition.pace.onArrival === false) {
      this.#inOrder = new Stretch(this.#parts.clock, { maxMs: MAX_TURN_MS });
      this.#markInOrder(first);
      return;
    }
    for (const rule of rules) this.mark(rule, { repeat: true });
  }

  /** @param from may have gone, or not have come yet, as in a reload: then it is the turn of the one behind it */
  #markInOrder(from: LoopRule | undefined): void {
    let rule = from;
    while (rule && !this.#entries.has(rule)) rule = this.#following.get(rule);
    if (rule) this.mark(rule, { repeat: true, inOrder: true });
  }

  async #goOnBehind(rule: LoopRule, finished: Promise<void>): Promise<void> {
    await finished;
    if (this.#inOrder.isOver) await this.#inOrder.pause();
    this.#markInOrder(this.#following.get(rule));
  }

  #isWaiting(rule: LoopRule): boolean {
    const entry = this.#entries.get(rule);
    return entry !== undefined && (entry.isBusy || entry.mark !== null);
  }

  /** At the end of the present turn: the append that is being announced has reached every subscriber by then. */
  #drainSoon(): void {
    if (this.#drainIsDue) return;
    this.#drainIsDue = true;
    queueMicrotask(() => {
      this.#drainIsDue = false;
      this.#drain();
    });
  }

  /** @param turns large evaluations that may start whoever else waits: the budget has called them */
  #drain(turns = 0): void {
    const { clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    let turnsLeft = turns;
    let nextMs = Number.POSITIVE_INFINITY;
    /** One of that size has to wait, and so have those behind it. */
    const waiting = new Set<EvaluationSize>();
    for (const entry of [...this.#dirty].sort(inTurn)) {
      const { mark, pace } = entry;
      if (entry.isBusy || !mark) continue;
      const nowMs = clock.monotonicMs();
      if (pace.notBeforeMs > nowMs) {
        this.#delay(entry, 'pace');
        nextMs = Math.min(nextMs, pace.notBeforeMs);
        continue;
      }
      const size = sizeOf(mark, pace);
      if (waiting.has(size)) continue;
      const isTurnOver = nowMs - startedMs > MAX_TURN_MS;
      const waitMs = isTurnOver ? 1 : this.#waitMs(size, turnsLeft);
      if (waitMs === 0) {
        if (size === 'large') turnsLeft--;
        this.#run(entry, { mark, size, startedMs: nowMs });
        continue;
      }
      this.#delay(entry, 'budget');
      nextMs = Math.min(nextMs, nowMs + waitMs);
      if (isTurnOver) break;
      // Those of another size may find something in their reserve.
      waiting.add(size);
    }
    this.#timer?.cancel();
    this.#timer = null;
    if (nextMs === Number.POSITIVE_INFINITY || this.#stopped) return;
    this.#timer = clock.after(nextMs - clock.monotonicMs(), () => this.#drain());
  }

  /** How long until an evaluation may start; infinite where the budget will say. */
  #waitMs(size: EvaluationSize, turnsLeft: number): number {
    const { budget } = this.#parts;
    if (size !== 'large') return budget.smallWaitMs(size);
    if (turnsLeft > 0 || budget.hasRoom) return 0;
    void this.#awaitTurn();
    return Number.POSITIVE_INFINITY;
  }

  /** All that wait in the loop are one in the budget's line. */
  async #awaitTurn(): Promise<void> {
    if (this.#awaitsTurn) return;
    this.#awaitsTurn = true;
    await this.#parts.budget.turn();
    this.#awaitsTurn = false;
    this.#drain(1);
  }

  #run(entry: Entry, { mark, size, startedMs }: Beginning): void {
    entry.mark = null;
    this.#dirty.delete(entry);
    entry.isBusy = true;
    this.#evaluations.add(1);
    const { clock, budget } = this.#parts;
    const slices = new EvaluationSlices(clock, budget, size);
    entry.pace.starts(mark.sinceMs, startedMs);
    const evaluation = entry.rule.evaluate({ repeat: mark.repeat, slices });
    slices.rest();
    const finished = this.#finish(entry, evaluation, slices);
    if (mark.isInOrder) void this.#goOnBehind(entry.rule, finished);
  }

  async #finish(entry: Entry, evaluation: Promise<number | null>, slices: EvaluationSlices): Promise<void> {
    const { clock, logger } = this.#parts;
    const { rule } = entry;
    let wakeAtMs: number | null = null;
    try {
      wakeAtMs = await evaluation;
    } catch (thrown) {
      logger.error(
        { rule: rule.key, error: messageOf(thrown) },
        'Rule not evaluated, for a reason of the server’s own; tried again when its data or its interval asks for it',
      );
    }
    slices.rest();
    this.#durations.observe(slices.costMs / 1000);
    entry.pace.ended(slices.recurringCostMs, clock.monotonicMs());
    entry.isBusy = false;
    if (rule.hasEnded) {
      this.remove(rule);
      return;
    }
    entry.wake?.cancel();
    entry.wake = null;
    if (this.#entries.get(rule) !== entry) return;
    if (wakeAtMs !== null) {
      const delayMs = Math.max(1, Math.ceil(wakeAtMs - clock.wallMs()));
      entry.wake = clock.after(delayMs, () => this.mark(rule, { repeat: false }));
    }
    if (entry.mark) this.#drainSoon();
  }

  #delay({ pace }: Entry, reason: 'pace' | 'budget'): void {
    if (pace.hold()) this.#delayed.add(1, { reason });
  }
}

function followersIn(groups: readonly TickedGroup[]): ReadonlyMap<LoopRule, LoopRule> {
  const followers = new Map<LoopRule, LoopRule>();
  for (const { rules } of groups) {
    for (const [at, rule] of rules.entries()) {
      const next = rules[at + 1];
      if (next) followers.set(rule, next);
    }
  }
  return followers;
}

const sizeOf = ({ isRoutine }: DirtyMark, { size }: RulePace): EvaluationSize =>
  size === 'small' && isRoutine ? 'routine' : size;

/**
 * Who waits longest comes first, but what only an interval asked for lets the others go before it for a while; rules of a
 * group that became dirty together come in their order.
 */
function inTurn(a: Entry, b: Entry): number {
  return placeOf(a.mark) - placeOf(b.mark) || a.rule.definition.order - b.rule.definition.order;
}

const placeOf = (mark: DirtyMark | null): number =>
  mark === null ? 0 : mark.sinceMs + (mark.isRoutine ? ROUTINE_WAITS_MS : 0);
