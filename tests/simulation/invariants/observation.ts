import type { PolicyMode, PoolDefinition } from '#telemetry';
import { isBeginning, type Archive, type Chronicle, type LoggedEvent } from '../chronicle.ts';
import type { SimulatedProcess } from '../machine.ts';
import type { Ledger } from '../ledger.ts';

/** What a policy limits, as far as it can be seen from outside. */
export interface PolicyLimits {
  readonly name: string;
  readonly maxParallel: number;
  readonly maxStarts: number;
  readonly windowMs: number;
  readonly cooldownMs: number;
  readonly relapseWindowMs: number;
  /** How long a step of it has to take effect, ms. */
  readonly withinMs: number;
  readonly repairBurst: number;
  readonly repairEveryMs: number;
}

/** Everything an invariant may look at, after a step. */
export interface Observation {
  readonly nowMs: number;
  readonly mode: PolicyMode;
  readonly archive: Archive;
  readonly chronicle: Chronicle;
  readonly ledger: Ledger;
  readonly processes: readonly SimulatedProcess[];
  /** Whether a server runs. */
  readonly serverRuns: boolean;
  readonly pools: readonly PoolDefinition[];
  readonly policies: readonly PolicyLimits[];
}

/** What is wrong, or null. */
export type Invariant = (observation: Observation) => string | null;

/** The heartbeat TTL of workers. */
export const HEARTBEAT_TTL_MS = 3500;

/** The first thing that is wrong with any of the items. */
export function firstWrong<Item>(
  items: Iterable<Item>,
  judge: (item: Item) => string | null | false,
): string | null {
  for (const item of items) {
    const wrong = judge(item);
    if (typeof wrong === 'string') return wrong;
  }
  return null;
}

/** The moments at which the watchdog began to act, in the last step. */
export function beginnings({ chronicle }: Observation): readonly LoggedEvent[] {
  return chronicle.fresh.filter(isBeginning);
}
