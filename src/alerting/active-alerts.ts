import { createHash } from 'node:crypto';
import { PageCursors, Stretch, type ActiveAlertState, type Clock, type Labels } from '#telemetry';
import { ruleFor, type AlertRule } from './alert-rule.ts';
import { expandAnnotations, type ExpansionContext } from './evaluation/alert-elements.ts';
import type { LoadedRules } from './rules/loaded-rules.ts';
import type { AlertingRule } from './rules/rule.ts';
import { formatSampleValue } from './sample-value.ts';
import { alertState, type Instance } from './state/instance.ts';
import type { RuleState } from './state/rule-state.ts';

/** A label set that is pending or firing. */
export interface ActiveAlert {
  readonly fingerprint: string;
  /** Null while pending. */
  readonly alertId: string | null;
  readonly state: ActiveAlertState;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly activeAtMs: number;
  /** Since when the condition has not held although the alert fires; null while it holds. */
  readonly missedSinceMs: number | null;
  /** As Prometheus writes values. */
  readonly value: string;
}

export interface ActiveAlertQuery {
  readonly ruleId?: string;
  readonly state?: ActiveAlertState;
  /** Where the page before ended. */
  readonly cursor?: string;
  readonly limit: number;
}

/** One of all rules'. */
export interface ListedAlert extends ActiveAlert {
  /** Names the label set for as long as its rule is loaded, whatever comes and goes meanwhile. */
  readonly activeId: string;
  readonly ruleId: string;
}

export interface ActiveAlertPage {
  readonly alerts: readonly ListedAlert[];
  /** Null at the end. */
  readonly nextCursor: string | null;
}

export interface ActiveAlertContext {
  readonly clock: Clock;
  readonly expansion: ExpansionContext;
}

/**
 * All label sets of a rule that are pending or firing, put together in stretches that let others have the event loop.
 * Their annotations are expanded over the newest value.
 */
export async function activeAlertsOf(
  { definition: { rule }, instances }: Pick<RuleState, 'definition' | 'instances'>,
  { clock, expansion }: ActiveAlertContext,
): Promise<readonly ActiveAlert[]> {
  if (rule.kind === 'recording') return [];
  const stretch = new Stretch(clock);
  const alerts: ActiveAlert[] = [];
  for (const instance of instances.values()) {
    if (stretch.isOver) await stretch.pause();
    const alert = activeAlert(rule, instance, expansion);
    if (alert) alerts.push(alert);
  }
  return alerts;
}

/**
 * A page of all label sets that are pending or firing: rule by rule as they are loaded, those of one rule by
 * fingerprint, so that what comes and goes between two pages moves nothing else.
 * @throws OmoiError `invalid_cursor`, also where the rule in which the page before ended is gone
 */
export async function pageOfActiveAlerts(
  { states }: Pick<LoadedRules, 'states'>,
  query: ActiveAlertQuery,
  { clock, expansion }: ActiveAlertContext,
): Promise<ActiveAlertPage> {
  const stretch = new Stretch(clock);
  const alerts: ActiveAlertPage['alerts'][number][] = [];
  const { cursor, limit, ...filters } = query;
  const cursors = new PageCursors('active alerts', filters);
  let begin = cursor === undefined ? null : parsePlace(cursors.placeOf(cursor));
  if (cursor !== undefined && begin !== null && keyNamed(states, begin.ruleName) === undefined) {
    throw cursors.refused(cursor, 'names a rule that is not loaded any more');
  }
  let end: Place | null = null;
  for (const [ruleKey, { definition, instances }] of states) {
    if (begin !== null && begin.ruleName !== nameOf(ruleKey)) continue;
    const after = begin?.fingerprint ?? '';
    begin = null;
    const { rule } = definition;
    if (rule.kind === 'recording' || (query.ruleId !== undefined && query.ruleId !== rule.id)) continue;
    for (const instance of wantedInstances(instances, after, query.state)) {
      if (end !== null && alerts.length === limit)
        return { alerts, nextCursor: cursors.at(formatPlace(end)) };
      if (stretch.isOver) await stretch.pause();
      const alert = activeAlert(rule, instance, expansion);
      const place = { ruleName: nameOf(ruleKey), fingerprint: instance.fingerprint };
      if (alert) alerts.push({ ...alert, ruleId: rule.id, activeId: formatPlace(place) });
      end = place;
    }
  }
  return { alerts, nextCursor: null };
}

/** One label set with its rule as it is loaded now; null where it is neither pending nor firing. */
export function activeAlertOf(
  rules: Pick<LoadedRules, 'states'>,
  activeId: string,
  { expansion }: Pick<ActiveAlertContext, 'expansion'>,
): { readonly alert: ListedAlert; readonly rule: AlertRule } | null {
  const { ruleName, fingerprint } = parsePlace(activeId);
  const ruleKey = keyNamed(rules.states, ruleName);
  if (ruleKey === undefined) return null;
  const state = rules.states.get(ruleKey);
  const instance = [...(state?.instances.values() ?? [])].find((one) => one.fingerprint === fingerprint);
  const loaded = state?.definition.rule;
  if (instance === undefined || loaded === undefined || loaded.kind === 'recording') return null;
  const alert = activeAlert(loaded, instance, expansion);
  const rule = alert && ruleFor(rules, { ruleKey, labels: alert.labels });
  return alert && rule && { alert: { ...alert, ruleId: loaded.id, activeId }, rule };
}

/** A rule has at most 10,000: sorting them takes a few milliseconds. */
function wantedInstances(
  instances: ReadonlyMap<string, Instance>,
  after: string,
  wanted: ActiveAlertState | undefined,
): readonly Instance[] {
  return [...instances.values()]
    .filter(({ fingerprint, phase }) => {
      const state = alertState(phase);
      return state !== null && (wanted === undefined || state === wanted) && fingerprint > after;
    })
    .sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
}

interface Place {
  readonly fingerprint: string;
  readonly ruleName: string;
}

function formatPlace({ fingerprint, ruleName }: Place): string {
  return `${fingerprint}.${ruleName}`;
}

function parsePlace(place: string): Place {
  const dot = place.indexOf('.');
  return { fingerprint: place.slice(0, dot), ruleName: place.slice(dot + 1) };
}

/** Of a rule's key: with the fingerprint before it that is an id which fits a path's parameter, and a cursor. */
const maxRuleNameCharacters = 400;

/** The key itself, or its hash where that is too long: groups and rules may have names of any length. */
function nameOf(ruleKey: string): string {
  if (ruleKey.length <= maxRuleNameCharacters) return ruleKey;
  return `sha256:${createHash('sha256').update(ruleKey).digest('hex')}`;
}

function keyNamed(states: LoadedRules['states'], ruleName: string): string | undefined {
  if (states.has(ruleName)) return ruleName;
  return [...states.keys()].find((ruleKey) => nameOf(ruleKey) === ruleName);
}

function activeAlert(
  rule: AlertingRule,
  { alertId, fingerprint, labels, phase, sourceLabels, value }: Instance,
  expansion: ExpansionContext,
): ActiveAlert | null {
  const state = alertState(phase);
  if (state === null) return null;
  return {
    fingerprint,
    alertId,
    state,
    labels,
    annotations: expandAnnotations(rule, { labels: sourceLabels, value }, expansion),
    activeAtMs: phase.activeAtMs,
    missedSinceMs: phase.kind === 'keep_firing' ? phase.missedSinceMs : null,
    value: formatSampleValue(value),
  };
}
