import { formatDuration, type AgentStatus } from '#telemetry';
import { replicaOf } from './pool-definition.ts';
import { pendingRestart, type UnitRow } from './unit-rows.ts';

/** Why a generation is replaced whose pool has another definition now. */
export const ROLLED = 'pool_rolled';

/** … and why one is that did not come up, or stay up, with it. */
export const ROLL_STOPPED = 'pool_roll_stopped';

/** How the agent of a unit is, as far as it is known: memory's word, newer than its row. */
export interface UnitHealth {
  /** Null where its generation is not known yet. */
  readonly status: AgentStatus | null;
  /** How long it has been IDLE or RUNNING without a break, ms. */
  readonly wellForMs: number;
  /** How long it has to be. */
  readonly healthyForMs: number;
  /** How long it has been looked at without being well, ms. */
  readonly illForMs: number;
}

export interface RollInput {
  readonly poolId: string;
  /** How many replicas there shall be. */
  readonly effective: number;
  /** The newest unit of each replica. */
  readonly units: readonly UnitRow[];
  /** What a new generation is made of. */
  readonly madeOf: string;
  readonly maxUnavailable: number;
  /** How long a new generation has until it has verified. */
  readonly verifyWithinMs: number;
  /** Failed starts of the pool in a row, and the last one's reason. */
  readonly spawnFailures: { readonly count: number; readonly error: string | null };
  readonly healthOf: (unit: UnitRow) => UnitHealth;
}

export interface RollPlan {
  /** Generations of the new definition that have proven themselves. */
  readonly verified: readonly UnitRow[];
  /** Why the roll goes no further; null while it does. */
  readonly stopped: string | null;
  /** Where it stops, generations that it brought and that do not come up: they get the definition that worked. */
  readonly putBack: readonly UnitRow[];
  /** Generations of the old definition that are replaced now. */
  readonly replace: readonly UnitRow[];
  /** Whether nothing is left to be done. */
  readonly completed: boolean;
  /** Those on which the next look depends. */
  readonly watched: readonly UnitRow[];
}

/** So many starts may fail one after the other before the definition is to blame. */
const MAX_SPAWN_FAILURES = 3;

const WELL: ReadonlySet<AgentStatus> = new Set(['IDLE', 'RUNNING']);
/** It works, be it badly: replacing it takes something away. */
const UP: ReadonlySet<AgentStatus> = new Set(['IDLE', 'RUNNING', 'DEGRADED']);

/** Where a replica stands between the two definitions. */
type Progress =
  /** Somebody took it out of service: it is left so, and gets the new definition with its next start. */
  | { readonly kind: 'left_alone' }
  /** On its way: its old generation drains, or the new one has not proven itself. */
  | { readonly kind: 'in_flight'; readonly isNew: boolean }
  | { readonly kind: 'done'; readonly isUp: boolean }
  | { readonly kind: 'old'; readonly isUp: boolean };

/**
 * What a pool whose definition has changed does next. Replicas of the old one are replaced, those that are down first,
 * as many at a time as may be away; the next only when the new generation of one before has proven itself.
 */
export function planRoll(input: RollInput): RollPlan {
  const seen = input.units.flatMap((unit) => {
    const replica = replicaOf(input.poolId, unit.agent_id);
    if (replica === null || replica > input.effective) return [];
    const health = input.healthOf(unit);
    return [{ unit, replica, health, progress: progressOf(unit, health, input.madeOf) }];
  });
  type Seen = (typeof seen)[number];
  const isNew = ({ progress }: Seen): boolean => progress.kind === 'in_flight' && progress.isNew;
  const hasProven = ({ health }: Seen): boolean => health.wellForMs >= health.healthyForMs;
  const verified = seen.filter((one) => isNew(one) && hasProven(one));
  const proving = seen.filter((one) => isNew(one) && !hasProven(one));
  const draining = seen.filter(({ progress }) => progress.kind === 'in_flight' && !progress.isNew);
  const old = seen.filter(({ progress }) => progress.kind === 'old');
  const fallen = seen.filter(({ progress }) => progress.kind === 'done' && !progress.isUp);
  const notProven = ({ unit, health }: Seen): string | null => whyNotProven(unit, health, input);
  const hasFallen = ({ unit, health }: Seen): string | null => whyFallen(unit, health, input);
  const stopped = firstReason(proving, notProven) ?? firstReason(fallen, hasFallen);
  const plan = { verified: verified.map(unitOf), stopped, watched: [...proving, ...fallen].map(unitOf) };
  if (stopped !== null) {
    // Its repair may have been given up before it was clear that the definition is to blame. What has just ended is repaired still.
    const hung = proving.filter((one) => one.unit.state === 'running' && notProven(one) !== null);
    const putBack = [...hung, ...fallen.filter((one) => hasFallen(one) !== null)].map(unitOf);
    return { ...plan, putBack, replace: [], completed: false };
  }

  const inOrder = old.toSorted((a, b) => Number(isUp(a)) - Number(isUp(b)) || b.replica - a.replica);
  const replace: Seen[] = [];
  const inFlight = proving.length + draining.length;
  const down = old.filter((one) => !isUp(one)).length + fallen.length;
  for (const candidate of inOrder) {
    if (inFlight + replace.length >= input.maxUnavailable) break;
    // One that is down is replaced at no cost; one that is up only while those that are down leave room for it.
    const downNow = down - replace.filter((one) => !isUp(one)).length;
    if (isUp(candidate) && inFlight + replace.length + downNow >= input.maxUnavailable) break;
    replace.push(candidate);
  }
  const completed = old.length + inFlight === 0;
  return { ...plan, putBack: [], replace: replace.map(unitOf), completed };
}

function unitOf({ unit }: { readonly unit: UnitRow }): UnitRow {
  return unit;
}

function isUp({ progress }: { readonly progress: Progress }): boolean {
  return (progress.kind === 'old' || progress.kind === 'done') && progress.isUp;
}

function progressOf(unit: UnitRow, { status }: UnitHealth, madeOf: string): Progress {
  if (unit.state !== 'ended' && pendingRestart(unit) !== null) return { kind: 'in_flight', isNew: false };
  const isWithdrawn = status === 'QUARANTINED' || (unit.state === 'ended' && status === 'TERMINATED');
  if (unit.desired_state !== 'run' || isWithdrawn) return { kind: 'left_alone' };
  // What it is made of is settled when it starts.
  if (unit.state === 'intended') return { kind: 'in_flight', isNew: true };
  if (unit.made_of !== null && unit.made_of !== madeOf) {
    return { kind: 'old', isUp: isWorking(unit, status) };
  }
  if (unit.made_of === null || unit.verified_at_ms !== null) {
    return { kind: 'done', isUp: isWorking(unit, status) };
  }
  return { kind: 'in_flight', isNew: true };
}

function isWorking({ state }: UnitRow, status: AgentStatus | null): boolean {
  return state === 'running' && status !== null && UP.has(status);
}

/** Whether an agent of that status counts as well. */
export function isWell(status: AgentStatus): boolean {
  return WELL.has(status);
}

function firstReason<Item>(items: readonly Item[], reasonOf: (item: Item) => string | null): string | null {
  for (const item of items) {
    const reason = reasonOf(item);
    if (reason !== null) return reason;
  }
  return null;
}

function whyNotProven(
  unit: UnitRow,
  { status, illForMs, healthyForMs }: UnitHealth,
  { spawnFailures, verifyWithinMs }: RollInput,
): string | null {
  const who = `generation ${unit.generation} of ${unit.agent_id}`;
  if (unit.state === 'ended') {
    const how = unit.exit_signal ?? (unit.exit_code === null ? 'an unknown code' : `code ${unit.exit_code}`);
    return `${who} ended with ${how} before it had been well for ${formatDuration(healthyForMs)}`;
  }
  if (unit.state === 'intended' && spawnFailures.count >= MAX_SPAWN_FAILURES) {
    return `${who} could not be started: ${spawnFailures.error ?? 'unknown'}`;
  }
  if (illForMs < verifyWithinMs) return null;
  const how = status === null || status === 'SPAWNING' ? 'has not registered' : `is ${status}`;
  return `${who} ${how} after ${formatDuration(verifyWithinMs)}`;
}

/** It had proven itself, and is down: its repair is waited for, but not for ever. */
function whyFallen(
  { agent_id: agentId }: UnitRow,
  { status, illForMs }: UnitHealth,
  { verifyWithinMs }: RollInput,
): string | null {
  if (illForMs < verifyWithinMs) return null;
  return `${agentId} has the new definition and is ${status ?? 'away'} for ${formatDuration(verifyWithinMs)}`;
}
