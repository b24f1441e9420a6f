import type { Alerting, LoadedRule } from '#alerting';
import {
  ANONYMOUS_SENDER,
  createMatcher,
  DETECTOR_SENDER,
  labelsKey,
  METRIC_NAME_LABEL,
  OMOI_SENDER,
  RULE_SENDER,
  type Labels,
  type Matcher,
  type Sender,
} from '#telemetry';
import type { Tsdb } from '#tsdb';
import { isReserved } from './own-metrics.ts';

type RuleStates = Alerting['rules']['states'];
type Store = Pick<Tsdb, 'visitSenders' | 'sendersOfMetric' | 'archivedSenders' | 'sendersVersion'>;

/** Rules by what leads to them. */
interface RulesByName {
  readonly version: number;
  readonly byId: ReadonlyMap<string, readonly LoadedRule[]>;
  readonly recording: ReadonlyMap<string, readonly LoadedRule[]>;
  readonly alerting: ReadonlyMap<string, readonly LoadedRule[]>;
  /** Whether its state is not what the present samples say. */
  isFailing(rule: LoadedRule): boolean;
}

/** Series that something derived rests on: what the matchers accept, and that says the same in the shared labels. */
interface Source {
  readonly matchers: readonly Matcher[];
  /** The labels of what was derived. */
  readonly labels: Labels;
  readonly shares: (name: string) => boolean;
  /** How far back the series are read. */
  readonly reachMs: number;
  /** How old a sample may be that the alert still rests on: older ones of a sender who was displaced count no more. */
  readonly restsMs: number;
}

/** A series or an alert that rests on others. */
type Derived = Pick<Source, 'labels' | 'reachMs' | 'restsMs'>;

const ALERT_SERIES = new Set(['ALERTS', 'ALERTS_FOR_STATE']);
/** Labels that Omoi itself puts on every alert. */
const ALERT_LABELS = ['alertname', 'alertstate'];
/** A label that a query fills may say what any series says. */
const QUERIES = /\b(?:query|first)\b/;
/** Beyond so many elements of one rule the whole rule is looked at instead: a sum over thousands of recorded series. */
const MAX_ELEMENTS_TRACED = 32;
/** More are not looked for: what rests on the word of so many is nobody's to answer for. */
export const MAX_SENDERS_FOUND = 1000;
const MAX_KNOWN = 10_000;

const NOTHING_SHARED = (): boolean => false;
/** Whatever a rule has ever derived. */
const ANY_ELEMENT: Derived = {
  labels: {},
  reachMs: Number.POSITIVE_INFINITY,
  restsMs: Number.POSITIVE_INFINITY,
};
/** How late an evaluation may be, and how long what it saw may stand before it resolves. */
const MAX_EVALUATION_AGE_MS = 300_000;

/**
 * On whose word an alert rests: the senders of all series that its rule's selectors match and that may have had a part
 * in it, those that decide absence and thresholds too. Of what has the alert's own labels it is that which says the same
 * in the labels that the expression carries over; where it carries none over it is all. What a rule has recorded, or a
 * detector has judged, rests on what that has read.
 */
export class AlertSenders {
  readonly #alerting: Pick<Alerting, 'rules'>;
  readonly #store: Store;
  readonly #known = new Map<string, ReadonlySet<Sender>>();
  #rules: RulesByName | null = null;
  #knownVersion = -1;

  constructor(alerting: Pick<Alerting, 'rules'>, store: Store) {
    this.#alerting = alerting;
    this.#store = store;
  }

  /**
   * Never `rule` or `detector`; null where the rule is not loaded; more than `MAX_SENDERS_FOUND` where they are not all.
   * Found out anew when rules or senders change.
   * @param labels the alert's
   */
  of(ruleId: string, labels: Labels): ReadonlySet<Sender> | null {
    const rules = this.#rulesNow();
    const { sendersVersion } = this.#store;
    if (sendersVersion !== this.#knownVersion || this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#knownVersion = sendersVersion;
    const key = `${ruleId} ${labelsKey(labels)}`;
    let senders = this.#known.get(key);
    if (!senders) {
      const found = rules.byId.get(ruleId);
      if (!found) return null;
      senders = new Trace(this.#store, rules).from(found, labels);
      this.#known.set(key, senders);
    }
    return senders;
  }

  /** As `of`, of whatever the rule has ever said; by its key. */
  ofRule(ruleKey: string): ReadonlySet<Sender> | null {
    const definition = this.#alerting.rules.states.get(ruleKey)?.definition;
    return definition ? new Trace(this.#store, this.#rulesNow()).from([definition], null) : null;
  }

  #rulesNow(): RulesByName {
    const { states, version } = this.#alerting.rules;
    if (this.#rules?.version === version) return this.#rules;
    this.#known.clear();
    this.#rules = rulesByName(states, version);
    return this.#rules;
  }
}

/** Follows what was derived to what it was derived from, each source once. */
class Trace {
  readonly #store: Store;
  readonly #rules: RulesByName;
  readonly #senders = new Set<Sender>();
  readonly #seen = new Set<string>();
  readonly #elementsOf = new Map<string, number>();
  /** Of what they have recorded all is followed already. */
  readonly #wholeRules = new Set<string>();
  /** Of what was judged of them all is followed already. */
  readonly #wholeMetrics = new Set<string>();
  readonly #open: Source[] = [];
  #seriesFound = 0;

  constructor(store: Store, rules: RulesByName) {
    this.#store = store;
    this.#rules = rules;
  }

  /** @param labels of the alert; null: of any */
  from(found: readonly LoadedRule[], labels: Labels | null): ReadonlySet<Sender> {
    this.#followRules('', found, labels && { labels, reachMs: 0, restsMs: 0 });
    let isOwn = true;
    for (let source = this.#open.pop(); source; source = this.#open.pop()) {
      const { matchers } = source;
      isOwn &&= matchers.some(({ name, operator, value }) => isNamed(name, operator) && isReserved(value));
      const selected = { matchers: narrowed(source), displacedReachMs: source.restsMs };
      const isOneMetric = metricNameOf(source) !== null;
      const areAll = this.#store.visitSenders(selected, (sender, labels) => {
        if (!this.#isKnown(sender, labels)) {
          if (!saysTheSame(source, labels)) return 'more';
          this.#seriesFound++;
          const { reachMs, restsMs } = source;
          this.#add(sender, { labels, reachMs, restsMs });
          if (this.#isFull) return 'enough';
          if (!this.#isKnown(sender, labels)) return 'more';
        }
        return isSurelyKnown(sender, isOneMetric) ? 'known' : 'more';
      });
      if (!this.#isFull && !areAll) this.#addUnseen(source);
      if (this.#isFull) break;
      this.#addArchived(source);
    }
    // What an alert on nothing rests on is the silence of whoever might have sent it.
    if (this.#seriesFound === 0 && !isOwn) this.#senders.add(ANONYMOUS_SENDER);
    return this.#senders;
  }

  /** Of 100,000 series of one sender, or of one rule, each says the same. */
  #isKnown(sender: Sender | null, labels: Labels): boolean {
    if (sender === RULE_SENDER) return this.#wholeRules.has(labels[METRIC_NAME_LABEL] ?? '');
    if (sender === DETECTOR_SENDER) return this.#wholeMetrics.has(labels['metric_name'] ?? '');
    return this.#senders.has(sender ?? nobodyOf(labels));
  }

  get #isFull(): boolean {
    return this.#senders.size > MAX_SENDERS_FOUND;
  }

  #add(sender: Sender | null, derived: Derived): void {
    const { labels } = derived;
    const name = labels[METRIC_NAME_LABEL] ?? '';
    if (sender === RULE_SENDER) {
      const alertName = labels['alertname'] ?? '';
      const { alerting, recording } = this.#rules;
      // An alert that looks at alerts may hold itself, on what was seen long ago.
      const from = ALERT_SERIES.has(name) ? { ...derived, restsMs: Number.POSITIVE_INFINITY } : derived;
      const [what, rules] = ALERT_SERIES.has(name)
        ? [`alert ${alertName}`, alerting.get(alertName)]
        : [`rule ${name}`, recording.get(name)];
      this.#followRules(what, rules, from);
      if (this.#isWhole(what) && !ALERT_SERIES.has(name)) this.#wholeRules.add(name);
    } else if (sender === DETECTOR_SENDER) {
      const { metric_name: metricName } = labels;
      // An agent's score compares what the fleet itself has seen of its tasks.
      if (metricName === undefined) this.#senders.add(OMOI_SENDER);
      else this.#followDetector(metricName, derived);
    } else this.#senders.add(sender ?? nobodyOf(labels));
  }

  /** Of more series than can be looked at whoever has sent any of the metric counts; of any metric it may be anybody. */
  #addUnseen(source: Source): void {
    const name = metricNameOf(source);
    if (name === null) this.#senders.add(ANONYMOUS_SENDER);
    else this.#addOfMetrics(this.#store.sendersOfMetric(name, source.restsMs), source);
  }

  /** Of what has left memory no more is known than who has sent series of that name. */
  #addArchived(source: Source): void {
    this.#addOfMetrics(this.#store.archivedSenders(metricNameOf(source), source.reachMs), source);
  }

  /** @param senders with the name of the metric that they have sent; '' where it is not known who */
  #addOfMetrics(senders: Iterable<readonly [Sender, string]>, { reachMs }: Source): void {
    for (const [sender, metricName] of senders) {
      if (this.#isFull) return;
      this.#seriesFound++;
      if (sender === RULE_SENDER)
        this.#followRules(`rule ${metricName}`, this.#rules.recording.get(metricName), null);
      else if (sender === DETECTOR_SENDER) this.#senders.add(ANONYMOUS_SENDER);
      else {
        const labels = { [METRIC_NAME_LABEL]: metricName };
        this.#add(sender === '' ? null : sender, { labels, reachMs, restsMs: Number.POSITIVE_INFINITY });
      }
    }
  }

  /** Beyond some scores of one metric all of its series are looked at. */
  #followDetector(metricName: string, derived: Derived): void {
    const what = `detector ${metricName}`;
    const elements = (this.#elementsOf.get(what) ?? 0) + 1;
    this.#elementsOf.set(what, elements);
    const judged = judgedBy(metricName, derived);
    if (elements <= MAX_ELEMENTS_TRACED) {
      this.#follow(`${what} ${derived.reachMs} ${labelsKey(derived.labels)}`, [judged]);
      return;
    }
    this.#wholeMetrics.add(metricName);
    this.#follow(what, [{ ...judged, ...ANY_ELEMENT, shares: NOTHING_SHARED }]);
  }

  /** Whether all that a rule has recorded, or a detector has judged of a metric, is followed already. */
  #isWhole(what: string): boolean {
    return (this.#elementsOf.get(what) ?? 0) > MAX_ELEMENTS_TRACED;
  }

  /** @param derived by the rules; null where it is not known which element it is, or there are too many */
  #followRules(what: string, rules: readonly LoadedRule[] | undefined, derived: Derived | null): void {
    if (!rules || rules.some(hasQueriedLabels)) this.#senders.add(ANONYMOUS_SENDER);
    const elements = (this.#elementsOf.get(what) ?? 0) + 1;
    this.#elementsOf.set(what, elements);
    const followed = elements > MAX_ELEMENTS_TRACED ? null : derived;
    const { labels, reachMs, restsMs } = followed ?? ANY_ELEMENT;
    this.#follow(
      `${what} ${reachMs} ${restsMs} ${labelsKey(labels)}`,
      (rules ?? []).flatMap((rule) => {
        const shares = followed === null ? NOTHING_SHARED : sharedWith(rule);
        const source = {
          labels,
          shares,
          reachMs: reachMs + rule.query.reachMs,
          restsMs: restsMs + restsOn(rule, this.#rules.isFailing(rule)),
        };
        return rule.query.selectors.map((matchers) => ({ matchers, ...source }));
      }),
    );
  }

  #follow(key: string, sources: readonly Source[]): void {
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#open.push(...sources);
  }
}

/** Labels that a rule writes itself say nothing of what it has read. */
function sharedWith({ rule, query }: LoadedRule): (name: string) => boolean {
  const written = new Set(
    rule.kind === 'alerting' ? [...rule.labels.keys(), ...ALERT_LABELS] : Object.keys(rule.labels),
  );
  return (name) => !written.has(name) && query.sharesLabel(name);
}

/** Found by the index: series that have the shared labels of what was derived. */
function narrowed({ matchers, labels, shares }: Source): readonly Matcher[] {
  const equal = Object.entries(labels).filter(([name]) => name !== METRIC_NAME_LABEL && shares(name));
  return [...matchers, ...equal.map(([name, value]) => createMatcher(name, '=', value))];
}

/** Whether a series has none of the shared labels that what was derived has not. */
function saysTheSame({ labels: derived, shares }: Source, labels: Labels): boolean {
  return Object.keys(labels).every(
    (name) => name === METRIC_NAME_LABEL || derived[name] !== undefined || !shares(name),
  );
}

/** Whether a sender of whom one series is known is known of all: of what is recorded the metric says who, of a score its labels. */
function isSurelyKnown(sender: Sender | null, isOneMetric: boolean): boolean {
  if (sender === DETECTOR_SENDER) return false;
  return isOneMetric || (sender !== null && sender !== RULE_SENDER);
}

/** Who sent a series of whom that is not known. */
function nobodyOf(labels: Labels): Sender {
  return isReserved(labels[METRIC_NAME_LABEL] ?? '') ? OMOI_SENDER : ANONYMOUS_SENDER;
}

function isNamed(name: string, operator: string): boolean {
  return name === METRIC_NAME_LABEL && operator === '=';
}

/** The metric that series are of; null where that is not said. */
function metricNameOf({ matchers }: Source): string | null {
  return matchers.find(({ name, operator }) => isNamed(name, operator))?.value ?? null;
}

/** What a score is a judgement on: the series with its labels. */
function judgedBy(metricName: string, { labels, reachMs }: Derived): Source {
  const matchers = [createMatcher(METRIC_NAME_LABEL, '=', metricName)];
  // What has been learned of a series may be hours old.
  const restsMs = Number.POSITIVE_INFINITY;
  return { matchers, labels, shares: (name) => name !== 'metric_name', reachMs, restsMs };
}

/** How old a sample may be that what a rule says rests on; of an alerting rule its alerts, as they wait and go on. */
function restsOn({ rule, query, group }: LoadedRule, isFailing: boolean): number {
  if (isFailing) return Number.POSITIVE_INFINITY;
  const waitsMs = rule.kind === 'alerting' ? rule.forMs + rule.keepFiringForMs : 0;
  return query.reachMs + (group.queryOffsetMs ?? 0) + waitsMs + MAX_EVALUATION_AGE_MS;
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
  const isFailing = ({ rule }: LoadedRule): boolean => states.get(rule.key)?.health.health !== 'ok';
  return { version, byId, recording, alerting, isFailing };
}
