import type { RuleTemplateHost } from '#gotemplate';
import {
  emptyLabels,
  formatLabels,
  labelsKey,
  labelValue,
  METRIC_NAME_LABEL,
  OmoiError,
  type Labels,
} from '#telemetry';
import type { AlertTemplate, AlertTemplateData } from '../rules/alert-template.ts';
import type { AlertingRule } from '../rules/rule.ts';
import type { VectorElement } from './rule-query.ts';
import type { SlicedWork } from './sliced-work.ts';

/** No rule may have more label sets than this in mind, whatever its group's `limit` says. */
const MAX_INSTANCES_PER_RULE = 10_000;

/** One element of a rule's result, with the identity of the alert that it stands for. */
export interface AlertElement {
  /** `labelsKey(labels)` */
  readonly key: string;
  readonly labels: Labels;
  readonly element: VectorElement;
}

/** What the expansion of a rule's templates needs beside the element. */
export interface ExpansionContext {
  readonly externalLabels: Labels;
  readonly host: RuleTemplateHost;
}

/** Elements of the last result that are passed over in search of one: those that have gone since. */
const MAX_PASSED_OVER = 16;

/**
 * Gives each element of a rule's result the labels of its alert: the element's without its name, the rule's expanded over
 * them, and `alertname`. What an element was given it is given again: most alerts of a result stood in the last one, in
 * the same order, and cost a comparison.
 */
export class AlertIdentities {
  #rule: AlertingRule | null = null;
  /** Of the last result, in its order. */
  #last: readonly AlertElement[] = [];

  /** @throws OmoiError `query_failed` where two elements get the same labels, or there are more than the limit */
  *identify(
    { rule, limit }: { readonly rule: AlertingRule; readonly limit: number },
    result: readonly VectorElement[],
    context: ExpansionContext,
  ): SlicedWork<ReadonlyMap<string, AlertElement>> {
    const most = limit === 0 ? MAX_INSTANCES_PER_RULE : Math.min(limit, MAX_INSTANCES_PER_RULE);
    if (result.length > most) {
      throw new OmoiError('query_failed', `exceeded limit of ${most} with ${result.length} alerts`);
    }
    const templates = [...rule.labels].filter(([, template]) => !template.isConstant);
    const last = rule === this.#rule ? this.#last : [];
    let next = 0;
    const identified = new Map<string, AlertElement>();
    for (const element of result) {
      const place = placeOf(element.labels, last, next);
      if (place !== -1) next = place + 1;
      const before = last[place];
      const isSame = before !== undefined && expandTheSame(templates, before, element, context);
      const { key, labels } = isSame ? before : identityOf(rule, element, context);
      if (identified.has(key)) {
        throw new OmoiError(
          'query_failed',
          `vector contains metrics with the same labelset after applying alert labels: ${formatLabels(labels)}`,
        );
      }
      identified.set(key, { key, labels, element });
      yield;
    }
    this.#rule = rule;
    this.#last = [...identified.values()];
    return identified;
  }
}

/** Where the element of these labels stood, from a place on; -1 where it is not found near it. */
function placeOf(labels: Labels, last: readonly AlertElement[], from: number): number {
  const end = Math.min(last.length, from + MAX_PASSED_OVER);
  for (let place = from; place < end; place++) {
    const before = last[place];
    if (before && sameLabels(before.element.labels, labels)) return place;
  }
  return -1;
}

/** Whether two label sets are written alike; without making anything. */
function sameLabels(one: Labels, other: Labels): boolean {
  if (one === other) return true;
  let more = 0;
  for (const name in one) {
    if (one[name] !== other[name]) return false;
    more++;
  }
  for (const _ in other) more--;
  return more === 0;
}

function expandTheSame(
  templates: readonly (readonly [name: string, AlertTemplate])[],
  { labels }: AlertElement,
  element: VectorElement,
  context: ExpansionContext,
): boolean {
  if (templates.length === 0) return true;
  const data = templateData(element, context);
  return templates.every(
    ([name, template]) => template.expand(data, context.host) === labelValue(labels, name),
  );
}

function identityOf(
  rule: AlertingRule,
  element: VectorElement,
  context: ExpansionContext,
): Pick<AlertElement, 'key' | 'labels'> {
  const labels = alertLabels(rule, element, context);
  return { key: labelsKey(labels), labels };
}

function templateData(
  { labels, value }: VectorElement,
  { externalLabels }: ExpansionContext,
): AlertTemplateData {
  return { labels, value, externalLabels };
}

function alertLabels(rule: AlertingRule, element: VectorElement, context: ExpansionContext): Labels {
  const labels = emptyLabels();
  for (const [name, value] of Object.entries(element.labels)) {
    if (name !== METRIC_NAME_LABEL && value !== '') labels[name] = value;
  }
  const data = templateData(element, context);
  for (const [name, template] of rule.labels) {
    const value = template.expand(data, context.host);
    if (value === '') delete labels[name];
    else labels[name] = value;
  }
  labels['alertname'] = rule.name;
  return labels;
}

/** The rule's annotations for one element. */
export function expandAnnotations(
  rule: AlertingRule,
  element: VectorElement,
  context: ExpansionContext,
): Labels {
  const data = templateData(element, context);
  const annotations = emptyLabels();
  for (const [name, template] of rule.annotations) annotations[name] = template.expand(data, context.host);
  return annotations;
}
