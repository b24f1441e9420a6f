import type { Labels, Matcher } from '#telemetry';
import type { ReceiverKind } from '../receivers/receiver-kind.ts';
import type { TimeInterval } from '../routing/time-interval.ts';
import type { ConfiguredTemplates } from '../templates/message-templates.ts';
import type { GlobalSettings } from './global-settings.ts';
import type { OmoiSettings, ReceiverExtras, RouteExtras } from './omoi-settings.ts';

/** A configuration that has been read whole: nothing in it can fail any more but what lies outside (files, addresses). */
export interface NotificationConfiguration {
  readonly global: GlobalSettings;
  /** The root. */
  readonly route: Route;
  readonly receivers: ReadonlyMap<string, ConfiguredReceiver>;
  readonly inhibitRules: readonly InhibitRule[];
  /** `time_intervals` and `mute_time_intervals`, which share their names. */
  readonly timeIntervals: ReadonlyMap<string, readonly TimeInterval[]>;
  readonly templates: ConfiguredTemplates;
  readonly omoi: OmoiSettings;
  /** As it was written, without `x-omoi`, with `<secret>` in the place of secrets: what `status` of Alertmanager's API shows. */
  readonly shown: string;
  /** What is allowed and hardly meant, with its place; also what stands in it that Omoi does not do. */
  readonly warnings: readonly string[];
  /** Of these, those about integrations by which nothing can be sent: not built, or behind a proxy that is not spoken to. */
  readonly unsendable: readonly string[];
}

/** A node of the routing tree; what it inherits is filled in. */
export interface Route {
  /**
   * Its key, and its place among siblings with the same matchers: unique in the tree, and the same when other routes come or go, so that
   * what was told of its groups is not told again.
   */
  readonly id: string;
  /** `{}/{team="web"}`: the matchers of the nodes above it and of its own. */
  readonly key: string;
  readonly receiver: string;
  /** Sorted; none at the root. */
  readonly matchers: readonly Matcher[];
  readonly continues: boolean;
  /** `all`: by every label (`...`). Sorted. */
  readonly groupBy: readonly string[] | 'all';
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  /** Names of time intervals; not inherited. */
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  /** `labels` of the route, templates not yet expanded, inherited ones included. */
  readonly labels: Labels;
  readonly omoi: RouteExtras;
  readonly routes: readonly Route[];
}

export interface ConfiguredReceiver {
  readonly name: string;
  readonly labels: Labels;
  readonly integrations: readonly ConfiguredIntegration[];
  readonly omoi: ReceiverExtras;
}

/** An item of a receiver's `…_configs`. */
export interface ConfiguredIntegration {
  readonly kind: ReceiverKind;
  /** Its place among those of its kind in the receiver. */
  readonly index: number;
  /** Completed; what `kind.create` takes. */
  readonly settings: unknown;
}

export interface InhibitRule {
  /** '' where it has none. */
  readonly name: string;
  /** Alternatives, of each of which all matchers have to match (`source_matchers`, or `sources` of several). */
  readonly sources: readonly InhibitSource[];
  readonly targetMatchers: readonly Matcher[];
  /** Of a rule with one source; each source of several has its own. */
  readonly equal: readonly string[];
}

export interface InhibitSource {
  readonly matchers: readonly Matcher[];
  readonly equal: readonly string[];
}
