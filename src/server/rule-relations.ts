import { valueQueryOf, type Alerting, type LoadedRule } from '#alerting';
import type { RuleRelations } from '#api';
import {
  ANONYMOUS_SENDER,
  matchesAll,
  METRIC_NAME_LABEL,
  Stretch,
  type Clock,
  type Matcher,
} from '#telemetry';
import type { Tsdb } from '#tsdb';
import type { Watchdog } from '#watchdog';
import { MAX_SENDERS_FOUND, type AlertSenders } from './alert-senders.ts';
import { mayMatch } from './may-match.ts';

export interface RuleRelationParts {
  readonly alerting: Pick<Alerting, 'rules'>;
  readonly senders: Pick<AlertSenders, 'ofRule'>;
  readonly store: Pick<Tsdb, 'lookUpSeries' | 'findSeries' | 'newestMs'>;
  readonly watchdog: Pick<Watchdog, 'policies'>;
  readonly clock: Clock;
}

/** More of a kind are not named. */
const maxNamed = 100;
/** Of one selector; more are not counted. */
const maxSeriesCounted = 1000;
/** All selectors of a rule together. */
const maxSeriesCountedInAll = 10_000;
const ALERT_SERIES = ['ALERTS', 'ALERTS_FOR_STATE'];

/** What a rule that is loaded stands on, and what stands on it; null where it is not. */
export function ruleRelations(parts: RuleRelationParts): (ruleKey: string) => Promise<RuleRelations | null> {
  return async (ruleKey) => {
    const { alerting } = parts;
    const definition = alerting.rules.states.get(ruleKey)?.definition;
    if (!definition) return null;
    const { rule, query } = definition;
    const { recordedBy, readBy } = await relatives(definition, parts);
    return {
      comparison: query.comparison,
      threshold: query.threshold,
      valueQuery: valueQueryOf(rule.expr, {}),
      reachMs: query.reachMs,
      reads: await readsOf(definition, parts),
      senders: sendersOf(rule.key, parts),
      policies: policiesFor(definition, parts),
      recordedBy,
      readBy,
    };
  };
}

async function readsOf(
  { query }: LoadedRule,
  { store, clock }: RuleRelationParts,
): Promise<RuleRelations['reads']> {
  const reads: RuleRelations['reads'][number][] = [];
  const stretch = new Stretch(clock);
  let left = maxSeriesCountedInAll;
  for (const matchers of query.selectors.slice(0, maxNamed)) {
    const limit = Math.max(1, Math.min(maxSeriesCounted, left));
    const { items, isTruncated } = await store.lookUpSeries({ matcherLists: [matchers], limit });
    left -= items.length;
    let newestMs = Number.NEGATIVE_INFINITY;
    for (const labels of items) {
      if (stretch.isOver) await stretch.pause();
      const ref = store.findSeries(labels);
      newestMs = Math.max(newestMs, store.newestMs(ref));
    }
    reads.push({
      selector: selectorText(matchers),
      series: items.length,
      isCut: isTruncated,
      newestSampleMs: Number.isFinite(newestMs) && newestMs > 0 ? newestMs : null,
    });
  }
  return reads;
}

function selectorText(matchers: readonly Matcher[]): string {
  const name = matchers.find((matcher) => matcher.name === METRIC_NAME_LABEL && matcher.operator === '=');
  const others = matchers
    .filter((matcher) => matcher !== name)
    .map((matcher) => `${matcher.name}${matcher.operator}${JSON.stringify(matcher.value)}`);
  const braces = others.length > 0 || name === undefined ? `{${others.join(', ')}}` : '';
  return `${name?.value ?? ''}${braces}`;
}

function sendersOf(ruleKey: string, { senders }: RuleRelationParts): RuleRelations['senders'] {
  const found = senders.ofRule(ruleKey) ?? new Set();
  const names = [...found].filter((sender) => sender !== ANONYMOUS_SENDER).sort();
  return {
    names: names.slice(0, maxNamed),
    count: found.size,
    isCut: found.size > MAX_SENDERS_FOUND,
    isAnonymous: found.has(ANONYMOUS_SENDER),
  };
}

function policiesFor({ rule }: LoadedRule, { watchdog }: RuleRelationParts): RuleRelations['policies'] {
  if (rule.kind === 'recording') return [];
  const labels = new Map([...rule.labels].map(([name, { text }]) => [name, text] as const));
  labels.set('alertname', rule.name);
  return watchdog.policies
    .list()
    .filter(({ match }) => mayMatch(match, labels))
    .slice(0, maxNamed)
    .map(({ name, mode }) => ({ name, mode }));
}

/** The rules that record what this one reads, and those that read what it writes. */
async function relatives(
  { rule, query }: LoadedRule,
  { alerting, clock }: RuleRelationParts,
): Promise<Pick<RuleRelations, 'recordedBy' | 'readBy'>> {
  const recordedBy: { key: string; id: string }[] = [];
  const readBy: { key: string; id: string }[] = [];
  const written = writtenBy(rule);
  const stretch = new Stretch(clock);
  for (const { definition } of alerting.rules.states.values()) {
    if (stretch.isOver) await stretch.pause();
    const other = definition.rule;
    if (other.kind === 'recording' && recordedBy.length < maxNamed && readsAny(query, writtenBy(other)))
      recordedBy.push({ key: other.key, id: other.id });
    if (readBy.length < maxNamed && readsAny(definition.query, written))
      readBy.push({ key: other.key, id: other.id });
  }
  return { recordedBy, readBy };
}

/** Labels that each series has which a rule writes. */
function writtenBy(rule: LoadedRule['rule']): readonly Readonly<Record<string, string>>[] {
  if (rule.kind === 'recording') return [{ ...rule.labels, [METRIC_NAME_LABEL]: rule.name }];
  return ALERT_SERIES.map((name) => ({ [METRIC_NAME_LABEL]: name, alertname: rule.name }));
}

/** Whether a selector names the metric and accepts the labels that are known of it. */
function readsAny(
  { selectors }: LoadedRule['query'],
  written: readonly Readonly<Record<string, string>>[],
): boolean {
  return written.some((labels) =>
    selectors.some(
      (matchers) =>
        matchers.some(({ name }) => name === METRIC_NAME_LABEL) &&
        matchesAll(
          matchers.filter(({ name }) => labels[name] !== undefined),
          labels,
        ),
    ),
  );
}
