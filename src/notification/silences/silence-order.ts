import {
  type Labels,
  type Matcher,
  type MatchOperator,
  messageOf,
  OmoiError,
  type Random,
  RegexSum,
} from '#telemetry';
import { createAlertMatcher, isLabelName, sameMatchers } from '../configuration/matchers/index.ts';
import { type MatcherSet, type Silence, silenceStateAt } from './silence.ts';

/** A matcher as it is asked for. */
export interface MatcherText {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
}

/** What somebody wants of a silence, new or known. */
export interface SilenceOrder {
  /** Of the one to be changed; null for a new one. */
  readonly id: string | null;
  readonly matcherSets: readonly (readonly MatcherText[])[];
  /** Null: now. */
  readonly startsAtMs: number | null;
  readonly endsAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations: Labels;
  /** What is left out stays as it is, and is off in a new one. */
  readonly untilResolved?: boolean;
  readonly warnBeforeMs?: number | null;
  readonly alertId?: string | null;
  /** The person or token that asks. */
  readonly by: string;
}

/** What of a silence is to be otherwise; what is left out stays as it is. */
export type SilenceChange = Partial<Pick<SilenceOrder, 'matcherSets' | 'comment' | 'untilResolved'>>;

/** An order that can be carried out: its times are whole, its matchers compiled. */
export interface CheckedOrder extends SilenceOrder {
  readonly matcherSets: readonly MatcherSet[];
  readonly startsAtMs: number;
}

/**
 * Holds an order against what Alertmanager demands of a silence.
 * @throws OmoiError `invalid_silence`
 */
export function checkSilenceOrder(order: SilenceOrder, nowMs: number): CheckedOrder {
  const { startsAtMs, endsAtMs } = checkTimes(order, nowMs);
  if (order.matcherSets.length === 0) throw refusal('at least one matcher set required');
  checkRegexSizes(order.matcherSets);
  return { ...order, matcherSets: order.matcherSets.map(checkMatcherSet), startsAtMs, endsAtMs };
}

/**
 * As `checkSilenceOrder`, of one that goes on with the matchers of a silence: these are compiled, whatever they take.
 * @throws OmoiError `invalid_silence`
 */
export function checkKnownOrder(order: CheckedOrder, nowMs: number): CheckedOrder {
  return { ...order, ...checkTimes(order, nowMs) };
}

function checkTimes(
  order: Pick<SilenceOrder, 'startsAtMs' | 'endsAtMs' | 'warnBeforeMs'>,
  nowMs: number,
): Pick<CheckedOrder, 'startsAtMs' | 'endsAtMs'> {
  const startsAtMs = Math.floor(order.startsAtMs ?? nowMs);
  const endsAtMs = Math.floor(order.endsAtMs);
  if (startsAtMs >= endsAtMs) throw refusal('start time must be before end time');
  if (endsAtMs < nowMs) throw refusal("end time can't be in the past");
  const { warnBeforeMs } = order;
  if (typeof warnBeforeMs === 'number' && !(warnBeforeMs > 0)) {
    throw refusal('the time of the warning before the end must be more than nothing');
  }
  return { startsAtMs, endsAtMs };
}

/** Before any is compiled: hundreds of large ones fit into a silence, and take seconds and hundreds of megabytes. */
function checkRegexSizes(sets: SilenceOrder['matcherSets']): void {
  const sum = new RegexSum();
  try {
    for (const matcher of sets.flat()) sum.add(matcher);
  } catch (thrown) {
    throw refusal(messageOf(thrown));
  }
}

function checkMatcherSet(texts: readonly MatcherText[], at: number): MatcherSet {
  if (texts.length === 0) throw refusal(`matcher set ${at} is empty`);
  const matchers = texts.map((text, place) => {
    const where = `invalid label matcher ${place} in set ${at}`;
    if (!isLabelName(text.name)) throw refusal(`${where}: invalid label name ${JSON.stringify(text.name)}`);
    if (!text.value.isWellFormed()) {
      throw refusal(`${where}: invalid label value ${JSON.stringify(text.value)}`);
    }
    try {
      return createAlertMatcher(text.name, text.operator, text.value);
    } catch (thrown) {
      const problem = `invalid regular expression ${JSON.stringify(text.value)}: ${messageOf(thrown)}`;
      throw refusal(`${where}: ${problem}`);
    }
  });
  if (matchers.every(acceptsMissing)) {
    throw refusal(`matcher set ${at}: at least one matcher must not match the empty string`);
  }
  return matchers;
}

/** As Alertmanager sees it: what only excludes something counts as asking for something. */
function acceptsMissing(matcher: Matcher): boolean {
  return (matcher.operator === '=' || matcher.operator === '=~') && matcher.matches('');
}

function refusal(problem: string): OmoiError {
  return new OmoiError('invalid_silence', `invalid silence: ${problem}`);
}

/** Whether a silence can be changed in place without another view of what it silenced before. */
export function changesInPlace(
  { matcherSets, startsAtMs }: CheckedOrder,
  before: Silence,
  nowMs: number,
): boolean {
  const sameSets =
    matcherSets.length === before.matcherSets.length &&
    matcherSets.every((matchers, at) => sameMatchers(matchers, before.matcherSets[at] ?? []));
  if (!sameSets) return false;
  switch (silenceStateAt(before, nowMs)) {
    case 'active':
      // Clients tell times by seconds, some of them.
      return Math.floor(startsAtMs / 1000) === Math.floor(before.startsAtMs / 1000);
    case 'pending':
      return startsAtMs >= nowMs;
    case 'expired':
      return false;
  }
}

/** A UUID of version 4. Not a secret. */
export function createSilenceId(random: Random): string {
  const digit = (values: number, first = 0): string =>
    (first + Math.floor(random.next() * values)).toString(16);
  const digits = (count: number): string => Array.from({ length: count }, () => digit(16)).join('');
  return `${digits(8)}-${digits(4)}-4${digits(3)}-${digit(4, 8)}${digits(3)}-${digits(12)}`;
}
