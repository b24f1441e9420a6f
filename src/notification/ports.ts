import type { StateTransaction } from '#storage';
import type { Guard, Labels, Subscription, SystemEvent } from '#telemetry';
import type { Route } from './configuration/notification-configuration.ts';
import type { AlertLinks } from './message.ts';
import type { NotifiedAlert, StoredAlert } from './notified-alert.ts';

/** The alerts as `alerting` keeps them. */
export interface AlertReader {
  /** Of those that there are, in any order. @param alertIds at most 500 */
  read(alertIds: readonly string[], tx?: StateTransaction): Promise<readonly StoredAlert[]>;
  /** The names of those that there are. @param alertIds at most 500 */
  names(alertIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** All that fire, a page after the other. */
  firing(): AsyncIterable<readonly StoredAlert[]>;
}

/** Where people act on an alert. @param about the message that the links stand in: to whom, and when it was decided (wall ms) */
export type LinksOf = (
  alert: NotifiedAlert,
  about: { readonly receiver: string; readonly atMs: number },
) => AlertLinks;

/**
 * Where people acknowledge all alerts of a message, or the first `named` of those with which it was decided: it was too long with the
 * others. @param about as of `LinksOf`
 */
export type MessageLinkOf = (
  notificationId: string,
  about: { readonly receiver: string; readonly atMs: number; readonly named?: number },
) => string;

export type AlertTriggered = Extract<SystemEvent, { readonly event_type: 'monitor.alert.triggered' }>;

/** What holds a repair back, and until when (wall ms; null: until an event). */
export interface HeldBy {
  readonly suppressed: Guard;
  readonly reason: string;
  readonly untilMs: number | null;
}

/** What the watchdog is about to do about an alert, as far as memory knows. */
export interface RemediationOutlook {
  outlookOf(event: AlertTriggered):
    | {
        readonly acts: true;
        readonly policy: string;
        /** `agent:w-1` */
        readonly target: string;
        readonly heldBy: HeldBy | null;
      }
    | {
        readonly acts: false;
        /** Half a sentence. */
        readonly reason: string;
      };
  /** Why a policy does not act by itself, in half a sentence; null where it does. */
  whyNotActing(policy: string): string | null;
  /** Tells that other policies are in force, or the same ones in other modes. */
  onPoliciesChanged(listener: () => void): Subscription;
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
