import type { StateDatabase, StateTransaction } from '#storage';
import type { Clock, Logger, Random, SelfMetrics } from '#telemetry';
import type { DecisionLog } from '../explain/decision-log.ts';
import type { LogUpdate, NotificationLog } from '../outbox/notification-log.ts';
import type { Outbox, PlannedNotification } from '../outbox/outbox.ts';
import type { AggregationGroup } from './aggregation-group.ts';
import type { KeptBackAlerts } from './kept-back-alerts.ts';
import type { Pass } from './pass.ts';
import type { KeptBesideAlerts } from './remembered-alerts.ts';
import type { TrackedAlert } from './tracked-alert.ts';

export interface DispatcherParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly log: NotificationLog;
  readonly outbox: Pick<Outbox, 'outstanding' | 'outstandingOf' | 'plan' | 'resume'>;
  readonly decisions: DecisionLog;
  readonly keptBack: KeptBackAlerts;
  /** What is kept of alerts beside their groups, and goes with them. */
  readonly beside: readonly KeptBesideAlerts[];
  /** Whether a repair of what an alert tells of was begun while people were not told. */
  readonly wasHeld: (alertId: string) => boolean;
  /** Whether what is known of groups that are not the dispatcher's is kept by somebody else. */
  readonly keepsGroup: (groupId: string) => boolean;
  /** People are told that alerts fire, in the transaction in which the message is written. */
  readonly onTold: (tx: StateTransaction, told: readonly ToldOfGroup[]) => Promise<void>;
}

/** The alerts of a group of which somebody is told that they fire. */
export interface ToldOfGroup {
  readonly group: AggregationGroup;
  readonly firing: readonly TrackedAlert[];
}

/** What is written together. */
export interface Written {
  readonly leaving: readonly Leaving[];
  /** Ids of alerts, and of groups. */
  readonly gone: readonly string[];
  readonly goneGroups: readonly string[];
  /** What is left to remember of groups that are no more. */
  readonly logs: readonly LogUpdate[];
  /** What is told in the place of such. */
  readonly ends: readonly PlannedNotification[];
}

/** What leaves a group, and the pass that it has had, if any. */
export interface Leaving {
  readonly group: AggregationGroup;
  readonly pass: Pass | null;
  readonly left: readonly TrackedAlert[];
}
