import type { StateDatabase } from '#storage';
import type { EventBus } from '#eventbus';
import type { Clock, Logger, Random, SelfMetrics } from '#telemetry';
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
