import type { Route, RoutingTestAnswer } from '../api/wire.ts';
import { formatDuration } from './age.ts';
import { count } from './count.ts';
import type { Tone } from './tone.ts';

/** Which alerts a route takes. */
export function routeMatch({ matchers, depth }: Pick<Route, 'matchers' | 'depth'>): string {
  if (matchers.length > 0) return matchers.join(', ');
  return depth === 0 ? 'every alert' : 'every alert that comes here';
}

/** When its receiver is told, and what together. */
export function describeTimers(route: Route): string {
  const {
    group_wait_ms: wait,
    group_interval_ms: interval,
    repeat_interval_ms: repeat,
    group_by: by,
  } = route;
  const together = by.includes('...')
    ? 'each alert by itself'
    : by.length === 0
      ? 'all together'
      : `by ${by.join(', ')}`;
  const first = wait === 0 ? 'at once' : `after ${formatDuration(wait)}`;
  return `${together}; told ${first}, changes every ${formatDuration(interval)}, again every ${formatDuration(repeat)}`;
}

/** What else it does, a sentence each; among them why it keeps silent now. */
export function routeNotes(route: Route): readonly string[] {
  const {
    silent,
    hold_for_remediation_ms: hold,
    escalation,
    mute_time_intervals: mute,
    active_time_intervals: active,
  } = route;
  return [
    ...(silent === null ? [] : [describeSilent(silent)]),
    ...(silent?.because !== 'mute' && mute.length > 0 ? [`muted within ${mute.join(', ')}`] : []),
    ...(silent?.because !== 'inactive' && active.length > 0
      ? [`speaks within ${active.join(', ')} only`]
      : []),
    ...(hold === null ? [] : [`waits up to ${formatDuration(hold)} for a repair`]),
    ...(escalation === null ? [] : [`escalates by ${escalation}`]),
  ];
}

function describeSilent({ because, names }: NonNullable<Route['silent']>): string {
  const listed = names.join(', ');
  return because === 'mute' ? `silent now, within ${listed}` : `silent now: it speaks within ${listed} only`;
}

/** What waits in it. */
export function describeHeld({ groups, alerts }: Pick<Route, 'groups' | 'alerts'>): string {
  return groups === 0 ? 'nothing now' : `${count(alerts, 'alert')} in ${count(groups, 'group')}`;
}

export type TestedRoute = RoutingTestAnswer['steps'][number];

/** What a route makes of an alert that somebody tries. */
export function describeTested({ decision }: TestedRoute): { readonly text: string; readonly tone: Tone } {
  switch (decision) {
    case 'receives':
      return { text: 'takes it', tone: 'good' };
    case 'passed_on':
      return { text: 'passes it on', tone: 'busy' };
    case 'not_matched':
      return { text: 'not for it', tone: 'gone' };
    case 'not_reached':
      return { text: 'not asked', tone: 'gone' };
  }
}
