import type { Alerting, LoadedRule } from '#alerting';
import {
  ANONYMOUS_SENDER,
  createMatcher,
  DETECTOR_SENDER,
  METRIC_NAME_LABEL,
  OMOI_SENDER,
  RULE_SENDER,
  type Labels,
  type Matcher,
  type Sender,
} from '#telemetry';
import type { Tsdb } from '#tsdb';
import { isReserved } from './own-metrics.ts';

type Selector = readonly Matcher[];
type RuleStates = Alerting['rules']['states'];

/** Rules by what leads to them. */
interface RulesByName {
  readonly version: number;
  readonly byId: ReadonlyMap<string, readonly LoadedRule[]>;
  readonly recording: ReadonlyMap<string, readonly LoadedRule[]>;
  readonly alerting: ReadonlyMap<string, readonly LoadedRule[]>;
}

const ALERT_SERIES = new Set(['ALERTS', 'ALERTS_FOR_STATE']);
/** A label that a query fills may say what any series says. */
const QUERIES = /\b(?:query|first)\b/;

/**
 * On whose word the alerts of a rule rest: the senders of all series that its selectors match, those that decide
 * absence and thresholds too. What a rule has recorded, or a detector has judged, rests on what that has read. The
 * answer is that of the whole rule and not of one element: which series had no part in an element, as by a join, can't
 * be told from its labels.
 */
export class AlertSenders {
  readonly #alerting: Pick<Alerting, 'rules'>;
  readonly #tsdb: Pick<Tsdb, 'visitSenders' | 'sendersVersion'>;
  readonly #known = new Map<string, ReadonlySet<Sender>>();
  #rules: RulesByName | null = null;
  #knownVersion = -1;

  constructor(alerting: Pick<Alerting, 'rules'>, tsdb: Pick<Tsdb, 'visitSenders' | 'sendersVersion'>) {
    this.#alerting = alerting;
    this.#tsdb = tsdb;
  }

  /** Never `rule` or `detector`; null where the rule is not loaded. Found out anew when rules or senders change. */
  of(ruleId: string): ReadonlySet<Sender> | null {
    const rules = this.#rulesNow();
    const { sendersVersion } = this.#tsdb;
    if (sendersVersion !== this.#knownVersion) this.#known.clear();
    this.#knownVersion = sendersVersion;
    let senders = this.#known.get(ruleId);
    if (!senders) {
      const found = rules.byId.get(ruleId);
      if (!found) return null;
      senders = this.#trace(found, rules);
      this.#known.set(ruleId, senders);
    }
    return senders;
  }

  #rulesNow(): RulesByName {
    const { states, version } = this.#alerting.rules;
    if (this.#rules?.version === version) return this.#rules;
    this.#known.clear();
    this.#rules = rulesByName(states, version);
    return this.#rules;
  }

  /** Follows what was derived to what it was derived from, each selector once. */
  #trace(found: readonly LoadedRule[], rules: RulesByName): ReadonlySet<Sender> {
    const senders = new Set<Sender>();
    const seen = new Set<string>();
    const open: Selector[] = [];
    const follow = (key: string, selectors: () => readonly Selector[]): void => {
      if (seen.has(key)) return;
      seen.add(key);
      open.push(...selectors());
    };
    const followRules = (key: string, derivedFrom: readonly LoadedRule[] | undefined): void => {
      if (!derivedFrom) {
        senders.add(ANONYMOUS_SENDER);
        return;
      }
      follow(key, () => derivedFrom.flatMap(({ query }) => query.selectors));
      if (derivedFrom.some(hasQueriedLabels)) senders.add(ANONYMOUS_SENDER);
    };
    followRules('', found);
    const visit = (sender: Sender | null, labels: Labels): void => {
      const name = labels[METRIC_NAME_LABEL] ?? '';
      if (sender === RULE_SENDER) {
        if (ALERT_SERIES.has(name)) {
          const alert = labels['alertname'] ?? '';
          followRules(`alert ${alert}`, rules.alerting.get(alert));
        } else followRules(`rule ${name}`, rules.recording.get(name));
      } else if (sender === DETECTOR_SENDER) {
        follow(`detector ${labels['metric_name'] ?? `of ${labels['agent_id'] ?? ''}`}`, () => [
          judgedBy(labels),
        ]);
      } else senders.add(sender ?? (isReserved(name) ? OMOI_SENDER : ANONYMOUS_SENDER));
    };
    for (let selector = open.pop(); selector; selector = open.pop()) this.#tsdb.visitSenders(selector, visit);
    return senders;
  }
}

/** What a detector's series is a judgement on: a metric, or all that was judged of an agent. */
function judgedBy({ metric_name: metricName, agent_id: agentId }: Labels): Selector {
  if (metricName !== undefined) return [createMatcher(METRIC_NAME_LABEL, '=', metricName)];
  const scores = createMatcher(METRIC_NAME_LABEL, '=', 'anomaly_score');
  return agentId === undefined ? [scores] : [scores, createMatcher('agent_id', '=', agentId)];
}

function hasQueriedLabels({ rule }: LoadedRule): boolean {
  if (rule.kind !== 'alerting') return false;
  return [...rule.labels.values()].some(({ text }) => text.includes('{{') && QUERIES.test(text));
}

function rulesByName(states: RuleStates, version: number): RulesByName {
  const byId = new Map<string, LoadedRule[]>();
  const recording = new Map<string, LoadedRule[]>();
  const alerting = new Map<string, LoadedRule[]>();
  const add = (map: Map<string, LoadedRule[]>, key: string, loaded: LoadedRule): void => {
    const known = map.get(key);
    if (known) known.push(loaded);
    else map.set(key, [loaded]);
  };
  for (const { definition } of states.values()) {
    add(byId, definition.rule.id, definition);
    add(definition.rule.kind === 'recording' ? recording : alerting, definition.rule.name, definition);
  }
  return { version, byId, recording, alerting };
}
