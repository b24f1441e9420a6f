import type { EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import type { Clock, Logger, NewSystemEvent, Random, SelfMetrics } from '#telemetry';
import type { Escalation } from '../configuration/omoi-settings.ts';
import type { DecisionLog } from '../explain/decision-log.ts';
import type { AggregationGroup } from '../groups/aggregation-group.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import type { Outstanding } from '../outbox/delivery-queue.ts';
import type { LogUpdate, NotificationLog } from '../outbox/notification-log.ts';
import type { Outbox, PlannedNotification } from '../outbox/outbox.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import type { AlertReader } from '../ports.ts';
import type { Muted } from '../stages/mute-stage.ts';
import type { Climb } from './climb.ts';
import type { ClimbPlace } from './escalation-rows.ts';

/** What is in force at the moment. */
export interface EscalationContext {
  readonly escalationOf: (name: string) => Escalation | null;
  readonly integrationsOf: (receiver: string) => readonly RunningIntegration[];
  readonly integrationByKey: (key: string) => RunningIntegration | null;
  /** Whether a time is within a named interval. */
  readonly isWithin: (interval: string, wallMs: number) => boolean;
  readonly alertOf: (alertId: string) => TrackedAlert | null;
  /** The groups that an alert is in. */
  readonly groupsOf: (alertId: string) => Iterable<AggregationGroup>;
  /** What keeps an alert back from people now. */
  readonly mutedBy: (alert: TrackedAlert, group: AggregationGroup, nowMs: number) => Muted | null;
}

export interface EscalationParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly alerts: Pick<AlertReader, 'read'>;
  readonly log: NotificationLog;
  readonly outbox: Pick<Outbox, 'outstanding' | 'outstandingOf' | 'plan' | 'resume'>;
  readonly decisions: Pick<DecisionLog, 'record'>;
  readonly context: EscalationContext;
}

/** What is to be written. */
export interface EscalationWork {
  readonly planned: PlannedNotification[];
  /** Messages that wait although their alerts are over. */
  readonly withdrawn: Outstanding[];
  readonly logs: LogUpdate[];
  readonly moved: { readonly climb: Climb; readonly to: ClimbPlace }[];
  /** The groups of ladders whose messages were looked through. */
  readonly revised: string[];
  readonly removed: Climb[];
  readonly events: NewSystemEvent[];
}

export function noWork(): EscalationWork {
  return { planned: [], withdrawn: [], logs: [], moved: [], revised: [], removed: [], events: [] };
}

export function hasNothingToWrite({ planned, withdrawn, moved, removed }: EscalationWork): boolean {
  return [planned, withdrawn, moved, removed].every(({ length }) => length === 0);
}
