import type { MatcherMode } from './matchers/index.ts';

/** What stands under `x-omoi` at the top of a configuration. Each is off where it is not written. */
export interface OmoiSettings {
  /** By which grammar matchers are read: here, of silences and in the API. Alertmanager has a flag for it. */
  readonly matcherMode: MatcherMode;
  /** Who gets what is routed to an integration that is not built; null: dashboard and log. */
  readonly fallbackReceiver: string | null;
  readonly escalations: ReadonlyMap<string, Escalation>;
  readonly onCall: ReadonlyMap<string, OnCallSchedule>;
  /** Who can be on call, and by which receiver each is told. */
  readonly people: ReadonlyMap<string, Person>;
  readonly deadMansSwitch: DeadMansSwitch | null;
  /** Programs that `command_configs` may start, as absolute paths. */
  readonly allowedCommands: readonly string[];
  /** Hosts and networks (CIDR) that may be called although they are link-local or metadata addresses. */
  readonly allowedAddresses: readonly string[];
}

/** `x-omoi` of a route; inherited. */
export interface RouteExtras {
  /** How long a page waits for the watchdog's verdict; null: it does not. */
  readonly holdForRemediationMs: number | null;
  /** Whether critical alerts wait for it, too. */
  readonly holdCritical: boolean;
  /** Whether critical alerts do not wait for `group_interval`. */
  readonly criticalBypassesInterval: boolean;
  /** The name of an escalation; null: none. */
  readonly escalation: string | null;
  /** When alerts that come back again and again are told of as one; null: never. */
  readonly flapping: FlappingSettings | null;
}

export interface FlappingSettings {
  /** A label set flaps that has had so many episodes … */
  readonly episodes: number;
  /** … in such a time, until it has not come back for as long. */
  readonly withinMs: number;
}

/** `x-omoi` of a receiver. */
export interface ReceiverExtras {
  /** The schedule whose person is told in this receiver's place; null: none. */
  readonly onCall: string | null;
  /** So many messages in such a time; what is beyond goes into one digest at its end. Null: no limit. */
  readonly rateLimit: { readonly messages: number; readonly perMs: number } | null;
}

export interface Escalation {
  readonly steps: readonly EscalationStep[];
  /** How often all steps are gone through again while nobody acknowledges. */
  readonly repeats: number;
  /** The name of a time interval outside which it waits; null: always. */
  readonly during: string | null;
}

export interface EscalationStep {
  /** Since the alert's first message, while it is unacknowledged. */
  readonly afterMs: number;
  /** Null where the step only raises the severity. */
  readonly receiver: string | null;
  readonly severity: string | null;
}

export interface Person {
  readonly name: string;
  readonly receiver: string;
}

export interface OnCallSchedule {
  readonly name: string;
  /** IANA. */
  readonly timeZone: string;
  /** A later one stands over an earlier one while it has somebody. */
  readonly layers: readonly OnCallLayer[];
}

export interface OnCallLayer {
  readonly people: readonly string[];
  readonly rotation: 'daily' | 'weekly' | { readonly everyMs: number };
  /** Wall time of hand-over in the schedule's zone, minutes after midnight. */
  readonly handOverMinute: number;
  /** 0 Sunday … 6 Saturday, of a weekly rotation. */
  readonly handOverWeekday: number;
  /** The day on which the first of `people` begins: `2026-11-30`. */
  readonly startsOn: string;
  /** The name of a time interval in which the layer counts; null: always. */
  readonly during: string | null;
}

export interface DeadMansSwitch {
  readonly url: string;
  readonly everyMs: number;
}
