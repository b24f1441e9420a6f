import type { NotifiedAlert } from '#notification';
import type { Labels, Sender } from '#telemetry';

/** One after the other, as they are read. */
export type Viewed<Item> = Iterable<Item> | AsyncIterable<Item>;

/** What Alertmanager's API shows of notification. Nothing of it is changed by being looked at. */
export interface AlertmanagerView {
  /** Wall ms since which it runs. */
  readonly startedAtMs: number;
  /** The configuration in force as it was written, without secrets. */
  configuration(): string;
  /** After how long a posted alert without an end counts as resolved, ms. */
  resolveTimeoutMs(): number;
  /** In the order of the configuration. */
  receivers(): readonly ViewedReceiver[];
  /**
   * The alerts that fire, each once, in any order; others may get a turn of the event loop between two of them.
   * @param accepts which are meant: the others cost no more than this
   */
  alerts(accepts: AlertFilter): Viewed<ViewedAlert>;
  /**
   * The aggregation groups that have alerts, in any order; others may get a turn of the event loop between two of them.
   * @param accepts which alerts of theirs are meant
   */
  groups(accepts: AlertFilter): Viewed<ViewedGroup>;
}

export interface ViewedReceiver {
  readonly name: string;
  readonly labels: Labels;
}

export type AlertFilter = (status: AlertStatus & { readonly labels: Labels }) => boolean;

/** An alert that fires, and what keeps people from hearing of it at this moment. */
export interface ViewedAlert extends AlertStatus {
  readonly alert: NotifiedAlert;
  /** Wall ms at which it was last told of. */
  readonly updatedAtMs: number;
  /** Wall ms at which it counts as resolved unless it is told of again; null: it is known how it stands. */
  readonly expiresAtMs: number | null;
}

/** Who is told of an alert, and what keeps them from hearing of it. */
export interface AlertStatus {
  /** The receivers of the routes that it takes, by name. */
  readonly receivers: readonly string[];
  /** Ids of silences in force. */
  readonly silencedBy: readonly string[];
  /** Fingerprints of alerts. */
  readonly inhibitedBy: readonly string[];
}

export interface ViewedGroup {
  readonly receiver: string;
  /** By which it is grouped. */
  readonly labels: Labels;
  readonly routeLabels: Labels;
  /** Names of time intervals that mute its route now. */
  readonly mutedBy: readonly string[];
  readonly alerts: Viewed<ViewedAlert>;
}

/** An alert that somebody has posted, checked and with all its times. */
export interface PostedAlert {
  /** Without empty ones. */
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAtMs: number;
  /** Resolved where it is past; else when it counts as resolved unless it is posted again. */
  readonly endsAtMs: number;
  /** Whether the end was not said: a later one that was said stands over it. */
  readonly timesOut: boolean;
  readonly generatorUrl: string;
}

/** Who takes posted alerts. */
export interface PostedAlerts {
  /**
   * Resolves when they are kept.
   * @returns why some were not taken; the others are kept all the same
   * @throws OmoiError where they are to be posted again
   */
  take(alerts: readonly PostedAlert[], from: PostedFrom): Promise<readonly string[]>;
}

export interface PostedFrom {
  readonly sender: Sender;
  readonly traceparent: string | null;
}
