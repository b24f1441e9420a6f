import type { EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import type { Clock, Labels, Logger, Random, SelfMetrics, Tracing } from '#telemetry';
import type { NotificationConfiguration } from './configuration/notification-configuration.ts';
import type { HeartbeatTarget, SignOfLife } from './dead-mans-switch/dead-mans-switch.ts';
import type { RoutingInForce } from './groups/routing-in-force.ts';
import type { Inhibitor } from './inhibition/inhibitor.ts';
import type { OnCall } from './on-call/on-call.ts';
import type { Refusing } from './outbox/refusing-receivers.ts';
import type { RunningIntegration } from './outbox/running-integration.ts';
import type { AlertReader, LinksOf, MessageLinkOf, RemediationOutlook } from './ports.ts';
import type { Delivery } from './receivers/integration.ts';
import type { TimeIntervals } from './routing/time-intervals.ts';
import type { Silences } from './silences/silences.ts';

export interface NotificationParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: SelfMetrics;
  readonly alerts: AlertReader;
  /** Says whether the watchdog repairs what an alert tells of. */
  readonly remediations: RemediationOutlook;
  /** Whether rules are evaluated, for the dead man's switch. */
  readonly evaluatesRules: SignOfLife;
  /** Is told of what is over, so that silences that end with their alerts do, and tells of silences that end. */
  readonly silences: Pick<Silences, 'alertResolved' | 'live' | 'onChanged'>;
  /** Where people reach Omoi, without a slash at the end. */
  readonly externalUrl: () => string;
  /** As of `MessageWriterParts`. */
  readonly reachable?: Promise<unknown>;
  readonly linksOf: LinksOf;
  readonly acknowledgeAllOf: MessageLinkOf;
}

/** What is made of a configuration before it is in force: nothing in it fails any more. */
export interface PreparedNotification {
  readonly configuration: NotificationConfiguration;
  readonly integrations: readonly RunningIntegration[];
  readonly routing: RoutingInForce;
  /** Without alerts yet: it is told of them when it is in force. */
  readonly inhibitor: Inhibitor;
  readonly intervals: TimeIntervals;
  readonly onCall: OnCall;
  /** Of the dead man's switch; null where there is none. */
  readonly heartbeat: HeartbeatTarget | null;
}

/** A receiver as people see it. */
export interface ReceiverOverview {
  readonly name: string;
  readonly labels: Labels;
  readonly integrations: readonly {
    /** `receiver/type/index` */
    readonly key: string;
    readonly type: string;
    readonly isBuilt: boolean;
    /** Null where it is not built. */
    readonly sendResolved: boolean | null;
    /** Messages that wait for it. */
    readonly pending: number;
    /** That it takes nothing of what it is sent; null where it does. */
    readonly refusing: Refusing | null;
  }[];
}

export interface ReceiverTest {
  /** `receiver/type/index`; in the place of one that is not built `receiver/type/index>fallback/type/index` */
  readonly key: string;
  readonly delivery: Delivery | { readonly outcome: 'not_sent'; readonly reason: string };
}
