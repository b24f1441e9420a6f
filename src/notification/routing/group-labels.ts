import { quoteText } from '#gotemplate';
import { emptyLabels, type Labels } from '#telemetry';
import type { Route } from '../configuration/notification-configuration.ts';
import { compareBytes } from '../configuration/matchers/index.ts';

/** The labels by which a route groups an alert: those that the alert has of them. */
export function groupLabelsOf({ groupBy }: Pick<Route, 'groupBy'>, labels: Labels): Labels {
  if (groupBy === 'all') return labels;
  const group = emptyLabels();
  for (const name of groupBy) {
    const value = labels[name];
    if (typeof value === 'string') group[name] = value;
  }
  return group;
}

/** What Alertmanager calls a group: `{}/{team="web"}:{alertname="Down", zone="eu"}`. */
export function groupKeyOf({ key }: Pick<Route, 'key'>, groupLabels: Labels): string {
  const texts = Object.keys(groupLabels)
    .sort(compareBytes)
    .map((name) => `${name}=${quoteText(groupLabels[name] ?? '')}`);
  return `${key}:{${texts.join(', ')}}`;
}
