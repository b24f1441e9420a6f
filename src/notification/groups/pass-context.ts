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
  /** Of those who were on call in the place of its receiver, or may have been: they hear of the end of what they were told. */
  readonly pastIntegrations: readonly RunningIntegration[];
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

/** The members of a group that may be told of now. */
export interface Passed extends PassedAlerts {
  readonly alerts: readonly TrackedAlert[];
  /** Ids of those that fire and are kept back for the first time. */
  readonly keptBack: readonly string[];
  /** How many are held back for repairs. */
  readonly awaitingRepair: number;
  readonly lookAtMs: number;
  /** Of those that fire, the ones that flap, by fingerprint. */
  readonly flapping: ReadonlyMap<string, Flapping>;
}
