import type { NotificationConfiguration, Route } from '#notification';
import { counted } from '../terminal/counted.ts';

/** How much stands in a configuration. */
export interface RoutingContents {
  readonly routes: number;
  readonly receivers: number;
  readonly inhibit_rules: number;
  readonly time_intervals: number;
}

export function contentsOf({
  route,
  receivers,
  inhibitRules,
  timeIntervals,
}: Pick<
  NotificationConfiguration,
  'route' | 'receivers' | 'inhibitRules' | 'timeIntervals'
>): RoutingContents {
  return {
    routes: countRoutes(route),
    receivers: receivers.size,
    inhibit_rules: inhibitRules.length,
    time_intervals: timeIntervals.size,
  };
}

function countRoutes({ routes }: Route): number {
  return routes.reduce((sum, route) => sum + countRoutes(route), 1);
}

/** `3 routes, 1 receiver, …` */
export function contentsText(contents: RoutingContents): string {
  return [
    counted(contents.routes, 'route'),
    counted(contents.receivers, 'receiver'),
    counted(contents.inhibit_rules, 'inhibit rule'),
    counted(contents.time_intervals, 'time interval'),
  ].join(', ');
}
