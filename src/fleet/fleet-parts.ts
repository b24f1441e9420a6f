import type { StateDatabase } from '#storage';
import type { EventBus } from '#eventbus';
import type { Clock, Counter, Logger, Random, SelfMetrics } from '#telemetry';
import type { AgentRoster } from './agent-roster.ts';
import type { FleetBoard } from './fleet-board.ts';
import type { FleetLimits } from './limits.ts';
import type { StallWatch } from './stall-watch.ts';

/** What every part of the fleet stands on. */
export interface FleetParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly limits: FleetLimits;
  readonly stall: StallWatch;
  readonly roster: AgentRoster;
  readonly board: FleetBoard;
}

/** Counts those who wanted to wait when too many waited already; they are answered at once. */
export function waitsRefused(metrics: SelfMetrics): Counter {
  return metrics.counter(
    'omoi_fleet_waits_refused_total',
    'Claims and locks that could not wait: too many did.',
  );
}
