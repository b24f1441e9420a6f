import { METRIC_NAME_LABEL, type Clock, type Labels, type Matcher, type Sender } from '#telemetry';
import type { Head } from './head/head.ts';
import type { SeriesIndex } from './index/series-index.ts';

/**
 * So many series are looked at in one stretch, some milliseconds of work: those that are passed by, since their sender is
 * known, …
 */
const MAX_PASSED = 200_000;
/** … those that are compared by their labels, … */
const MAX_COMPARED = 50_000;
/** … and those that a regular expression is tried on. */
const MAX_TRIED = 20_000;

const NO_LABELS: Labels = {};

/**
 * What becomes of a sender that was visited: its next series is looked at too; no other of it is, among those that the
 * matchers accept; nobody else is.
 */
type SenderVerdict = 'more' | 'known' | 'enough';

export type VisitSender = (sender: Sender | null, labels: Labels) => SenderVerdict;

export interface SoughtSenders {
  /** Which series. */
  readonly matchers: readonly Matcher[];
  /** Those whom a series was taken over from count where they have a sample as new as that. */
  readonly displacedReachMs: number;
}

interface VisitParts {
  readonly clock: Clock;
  readonly index: SeriesIndex;
  readonly head: Head;
}

/** As `Tsdb.visitSenders` says. What it costs is bounded, however many series there are. */
export function visitSenders(
  { clock, index, head }: VisitParts,
  { matchers, displacedReachMs }: SoughtSenders,
  visit: VisitSender,
): boolean {
  const nowMs = clock.wallMs();
  const sendersByNumber = new Map<number, readonly Sender[]>();
  const known = new Set<number>();
  const metric = matchers.find(({ name, operator }) => name === METRIC_NAME_LABEL && operator === '=');
  const all = metric ? index.senders.countOfMetric(metric.value) : Number.POSITIVE_INFINITY;
  const { rows, accepts } = index.candidates(matchers);
  let left = matchers.some(isExpression) ? MAX_TRIED : MAX_COMPARED;
  for (let at = 0; at < rows.length; at++) {
    if (at >= MAX_PASSED) return false;
    const row = rows[at] ?? 0;
    const number = index.senders.numberOf(row);
    if (known.has(number) || head.states.newestMs(row) === Number.NEGATIVE_INFINITY) continue;
    if (left-- === 0) return false;
    if (!accepts(row)) continue;
    const labels = index.labelsOf(row) ?? NO_LABELS;
    let senders = sendersByNumber.get(number);
    if (!senders) {
      senders = index.senders.of(row, nowMs, nowMs - displacedReachMs);
      sendersByNumber.set(number, senders);
    }
    const verdict = verdictOf(senders, labels, visit);
    if (verdict === 'enough') return true;
    if (verdict === 'known') known.add(number);
    if (known.size >= all) return true;
  }
  return true;
}

/** What is said of the senders of one series together: the most that is asked of any. */
function verdictOf(senders: readonly Sender[], labels: Labels, visit: VisitSender): SenderVerdict {
  if (senders.length === 0) return visit(null, labels);
  let verdict: SenderVerdict = 'known';
  for (const sender of senders) {
    const ofOne = visit(sender, labels);
    if (ofOne === 'enough') return 'enough';
    if (ofOne === 'more') verdict = 'more';
  }
  return verdict;
}

function isExpression({ operator }: Matcher): boolean {
  return operator === '=~' || operator === '!~';
}
