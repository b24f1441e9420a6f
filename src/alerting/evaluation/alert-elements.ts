import type { RuleTemplateHost } from '#gotemplate';
import { emptyLabels, formatLabels, labelsKey, METRIC_NAME_LABEL, OmoiError, type Labels } from '#telemetry';
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

/**
 * Gives each element of a result the labels of its alert: the element's without its name, the rule's expanded over
 * them, and `alertname`.
 * @throws OmoiError `query_failed` where two elements get the same labels, or there are more than the limit
 */
export function* identifyElements(
  { rule, limit }: { readonly rule: AlertingRule; readonly limit: number },
  result: readonly VectorElement[],
  context: ExpansionContext,
): SlicedWork<ReadonlyMap<string, AlertElement>> {
  const most = limit === 0 ? MAX_INSTANCES_PER_RULE : Math.min(limit, MAX_INSTANCES_PER_RULE);
  if (result.length > most) {
    throw new OmoiError('query_failed', `exceeded limit of ${most} with ${result.length} alerts`);
  }
  const identified = new Map<string, AlertElement>();
  for (const element of result) {
    const labels = alertLabels(rule, element, context);
    const key = labelsKey(labels);
    if (identified.has(key)) {
      throw new OmoiError(
        'query_failed',
        `vector contains metrics with the same labelset after applying alert labels: ${formatLabels(labels)}`,
      );
    }
    identified.set(key, { key, labels, element });
    yield;
  }
  return identified;
}

function alertLabels(rule: AlertingRule, element: VectorElement, context: ExpansionContext): Labels {
  const labels = emptyLabels();
  for (const [name, value] of Object.entries(element.labels)) {
    if (name !== METRIC_NAME_LABEL && value !== '') labels[name] = value;
  }
  const data = { labels: element.labels, value: element.value, externalLabels: context.externalLabels };
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
  const data = { labels: element.labels, value: element.value, externalLabels: context.externalLabels };
  const annotations = emptyLabels();
  for (const [name, template] of rule.annotations) annotations[name] = template.expand(data, context.host);
  return annotations;
}
