import type { StateDatabase } from '#storage';
import type { EventBus } from '#eventbus';
import type { Clock, Counter, Logger, Random, SelfMetrics } from '#telemetry';
import type { AgentIndex } from './agents/agent-index.ts';
import type { FleetActivityFeed } from './fleet-activity-feed.ts';
import type { FleetLimits } from './limits.ts';
import type { StallWatch } from './leases/stall-watch.ts';

export interface FleetOptions {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  /** The host on which Omoi starts agents; absent where that is unknown. */
  readonly host?: string;
  readonly limits?: Partial<FleetLimits>;
  /**
   * Whether agents are heard and what they say can be written: while not, nobody's silence counts, no lease runs out and
   * nothing is judged. Always, where absent.
   */
  readonly listens?: () => boolean;
}

/** What every part of the fleet stands on. */
export interface FleetParts extends FleetOptions {
  readonly limits: FleetLimits;
  readonly stall: StallWatch;
  readonly agentIndex: AgentIndex;
  readonly activity: FleetActivityFeed;
}

/** Counts those who wanted to wait when too many waited already; they are answered at once. */
export function waitsRefused(metrics: SelfMetrics): Counter {
  return metrics.counter(
    'omoi_fleet_waits_refused_total',
    'Claims and locks that could not wait: too many did.',
  );
}
