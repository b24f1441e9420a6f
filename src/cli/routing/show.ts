import { formatDuration } from '#telemetry';
import { formatMatcher, type Route } from '#notification';
import type { TreeFlags } from '../commands/routing.ts';
import { printable } from '../query/printable.ts';
import { note, printJson, printLines } from '../terminal/print.ts';
import { routingOf } from './routing-file.ts';
import { treeLines, type TreeLine } from './tree.ts';

/** `omoi routing show` */
export async function showRouting(flags: TreeFlags): Promise<void> {
  const { route, receivers, warnings } = await routingOf(flags);
  if (flags.json === true) printJson({ route: routeView(route), receivers: [...receivers.keys()] });
  else {
    printLines(treeLines(lineOf(route, null)));
    for (const warning of warnings) note(`warning: ${warning}`);
  }
}

/** How a route is called in a tree: by what it matches. */
export function routeName({ matchers }: Pick<Route, 'matchers'>): string {
  if (matchers.length === 0) return 'every alert';
  return printable(matchers.map(formatMatcher).join(' '));
}

function lineOf(route: Route, above: Route | null): TreeLine {
  const said = [
    routeName(route),
    `→ ${printable(route.receiver)}`,
    ...(route.continues ? ['and continues'] : []),
    ...settingsOf(route, above),
  ];
  return { text: said.join('  '), below: route.routes.map((child) => lineOf(child, route)) };
}

/** What it does not inherit. */
function settingsOf(route: Route, above: Route | null): readonly string[] {
  const timers = timersOf(route);
  return [
    ...(above && groupText(above) === groupText(route) ? [] : [groupText(route)]),
    ...(above && timersOf(above) === timers ? [] : [timers]),
    ...listed('muted', route.muteTimeIntervals),
    ...listed('active', route.activeTimeIntervals),
    ...(route.omoi.holdForRemediationMs !== null &&
    route.omoi.holdForRemediationMs !== above?.omoi.holdForRemediationMs
      ? [`held ${formatDuration(route.omoi.holdForRemediationMs)} for a repair`]
      : []),
    ...(route.omoi.escalation !== null && route.omoi.escalation !== above?.omoi.escalation
      ? [`escalates by ${printable(route.omoi.escalation)}`]
      : []),
  ];
}

function groupText({ groupBy }: Route): string {
  if (groupBy === 'all') return 'each alert by itself';
  return groupBy.length === 0 ? 'in one group' : `by ${printable(groupBy.join(', '))}`;
}

function timersOf({ groupWaitMs, groupIntervalMs, repeatIntervalMs }: Route): string {
  return `after ${formatDuration(groupWaitMs)}, every ${formatDuration(groupIntervalMs)}, again in ${formatDuration(repeatIntervalMs)}`;
}

function listed(what: string, names: readonly string[]): readonly string[] {
  return names.length > 0 ? [`${what} in ${printable(names.join(', '))}`] : [];
}

/** A route in JSON; what it inherits is filled in. */
function routeView(route: Route): Readonly<Record<string, unknown>> {
  return {
    id: route.id,
    key: route.key,
    receiver: route.receiver,
    matchers: route.matchers.map(formatMatcher),
    continue: route.continues,
    group_by: route.groupBy === 'all' ? ['...'] : route.groupBy,
    group_wait: formatDuration(route.groupWaitMs),
    group_interval: formatDuration(route.groupIntervalMs),
    repeat_interval: formatDuration(route.repeatIntervalMs),
    mute_time_intervals: route.muteTimeIntervals,
    active_time_intervals: route.activeTimeIntervals,
    labels: route.labels,
    hold_for_remediation:
      route.omoi.holdForRemediationMs === null ? null : formatDuration(route.omoi.holdForRemediationMs),
    escalation: route.omoi.escalation,
    routes: route.routes.map(routeView),
  };
}
