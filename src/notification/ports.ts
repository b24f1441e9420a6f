import type { StateTransaction } from '#storage';
import type { Labels } from '#telemetry';
import type { Route } from './configuration/notification-configuration.ts';
import type { StoredAlert } from './notified-alert.ts';

/** The alerts as `alerting` keeps them. */
export interface AlertReader {
  /** Of those that there are, in any order. @param alertIds at most 500 */
  read(alertIds: readonly string[], tx?: StateTransaction): Promise<readonly StoredAlert[]>;
  /** All that fire, a page after the other. */
  firing(): AsyncIterable<readonly StoredAlert[]>;
}

/** Where an alert goes: a node of the tree, and the group in it that the alert's labels name. */
export interface RoutedTo {
  readonly route: Route;
  readonly groupKey: string;
  readonly groupLabels: Labels;
}

/** The routing tree. */
export interface Router {
  /** In the order of the tree; at least one. */
  routesOf(labels: Labels): readonly RoutedTo[];
}
