import type { Labels } from '#telemetry';

/** How a group is evaluated, where it differs from the others; keyed `group`, in the server's configuration. */
interface GroupOptions {
  /** `interval`: only at the group's interval, and recovery resolves at once, as Prometheus does. */
  readonly evaluate?: 'on_arrival' | 'interval';
  readonly resolveStabilityMs?: number;
}

export interface AlertingOptions {
  /** The interval of groups that name none. */
  readonly defaultIntervalMs: number;
  /** How far groups that name no `query_offset` look into the past. */
  readonly defaultQueryOffsetMs: number;
  /** How long a condition has to stay false before its alert resolves. */
  readonly resolveStabilityMs: number;
  /** Alerts of a rule that has failed for so long resolve with the cause `evaluation_failed`. */
  readonly failedRuleResolveMs: number;
  /** The share of the event loop's time that evaluations on arrival may take. */
  readonly evaluationShare: number;
  /** How much evaluation time may be spent at once after a quiet while. */
  readonly evaluationBurstMs: number;
  /** For so long after the start, or after the wall clock has leapt forward, missing data resolves nothing: collectors and exporters have yet to report. */
  readonly startupGraceMs: number;
  /** A downtime up to this long does not end pending alerts; their `for` stands still while Omoi is down. */
  readonly outageToleranceMs: number;
  /** How many rules are loaded at most; each takes some 20 kB. */
  readonly maxRules: number;
  readonly externalLabels: Labels;
  /** The address people reach Omoi at; for templates and for the API. */
  readonly externalUrl: string;
  readonly groups: Readonly<Record<string, GroupOptions>>;
}

export const DEFAULT_ALERTING_OPTIONS: AlertingOptions = {
  defaultIntervalMs: 15_000,
  defaultQueryOffsetMs: 0,
  resolveStabilityMs: 1000,
  failedRuleResolveMs: 24 * 3_600_000,
  evaluationShare: 0.25,
  evaluationBurstMs: 100,
  startupGraceMs: 30_000,
  outageToleranceMs: 3_600_000,
  maxRules: 25_000,
  externalLabels: {},
  externalUrl: 'http://127.0.0.1:4600',
  groups: {},
};

export interface GroupPace {
  readonly onArrival: boolean;
  readonly resolveStabilityMs: number;
}

/** How the group of that name is evaluated. */
export function paceOf(group: string, options: AlertingOptions): GroupPace {
  const own = Object.hasOwn(options.groups, group) ? options.groups[group] : undefined;
  const onArrival = own?.evaluate !== 'interval';
  return {
    onArrival,
    resolveStabilityMs: own?.resolveStabilityMs ?? (onArrival ? options.resolveStabilityMs : 0),
  };
}
