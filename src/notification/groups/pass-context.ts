import type { DecisionLog } from '../explain/decision-log.ts';
import type { NotificationLog } from '../outbox/notification-log.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import type { PassedAlerts } from '../stages/dedup-stage.ts';
import type { MuteStage } from '../stages/mute-stage.ts';
import type { Flapping } from './flap-history.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/** What a group is decided by. */
export interface PassContext {
  readonly stages: readonly MuteStage[];
  readonly integrations: readonly RunningIntegration[];
  /** As of `RoutingInForce`: who is no longer asked hears of the end of what they were told. */
  readonly integrationByKey: (key: string) => RunningIntegration | null;
  /** The groups that a reload has taken away and that have told of an alert. */
  readonly retiredGroupsOf: (alertId: string) => ReadonlySet<string>;
  /** Whether it is this one of the groups of an alert that tells what others than these have begun to tell: one of them does. */
  readonly tellsOfPast: (alertId: string) => boolean;
  /** Whether one of the groups of an alert asks an integration. */
  readonly isAskedOf: (alertId: string, key: string) => boolean;
  readonly log: NotificationLog;
  readonly outbox: Pick<Outbox, 'outstanding' | 'outstandingOf'>;
  readonly decisions: DecisionLog;
  readonly nowMs: number;
  /** Whether a repair of what an alert tells of was begun while people were not told. */
  readonly wasHeld: (alertId: string) => boolean;
  /** Whether an alert comes back again and again; null where it does not, or its route does not ask for that. */
  readonly flappingOf: (alert: TrackedAlert) => Flapping | null;
  readonly createId: () => string;
}

/** The end of an alert that an integration was told to fire by a group that is no more: it hears of it under the key of that. */
export interface RetiredEnd {
  readonly groupId: string;
  /** By which the log knows what it was told. */
  readonly key: string;
  /** Who is told: the integration of that key, or who reaches its address by now. */
  readonly running: RunningIntegration;
  readonly alert: TrackedAlert;
}

/** What is known already of members that are over, beside what the group has told those that it asks. By integration: fingerprints. */
export interface EarlierKnowledge {
  /** Of which somebody has heard whom the group does not ask, or by a group that is no more. */
  readonly told: ReadonlySet<string>;
  /** Of whose end it has heard by a group that is no more. */
  readonly heard: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whose end a message of such a group tells that waits for it, or is on its way. */
  readonly awaited: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of one that the group does not ask: those that it knows by the group to fire, and is to hear the end of. */
  readonly firing: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of groups that are no more: the ends that are to be told in their place. */
  readonly retired: readonly RetiredEnd[];
  /** What is known to fire where nobody can be told any more. */
  readonly lost: readonly (readonly [key: string, alert: TrackedAlert])[];
}

/** The members of a group that may be told of now. */
export interface Passed extends PassedAlerts {
  readonly alerts: readonly TrackedAlert[];
  /** Ids of those that fire and are kept back for the first time. */
  readonly keptBack: readonly string[];
  /** How many are held back for repairs. */
  readonly awaitingRepair: number;
  readonly lookAtMs: number;
  readonly earlier: EarlierKnowledge;
  /** Of those that fire, the ones that flap, by fingerprint. */
  readonly flapping: ReadonlyMap<string, Flapping>;
}
