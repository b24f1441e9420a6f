import { momentOf, type Clock, type Timer } from '#telemetry';
import type { PoolParts, RolledAgent } from './pool-parts.ts';
import { killLeftMs, type UnitRow } from './unit-rows.ts';

export interface UnitsElsewhereParts {
  readonly clock: Clock;
  readonly agents: PoolParts['agents'];
  /** Nothing is known of a unit any more: it counts as ended. Called once. */
  readonly onGone: (row: UnitRow) => void;
}

const LOOK_EVERY_MS = 500;

/**
 * Units that a server on another machine has started before this one took the state over. Their processes can be neither
 * seen nor signalled from here, so that what they say is the evidence: who beats works on, as its agent. Who is not heard
 * within a heartbeat TTL of the takeover has gone with its machine, since nobody there is in charge of it any more; who is
 * heard first and silent later is as silent as any other. Who is asked to leave is asked by the answers to its heartbeats, and
 * counts as ended when its grace is over.
 */
export class UnitsElsewhere {
  readonly #parts: UnitsElsewhereParts;
  readonly #units = new Map<string, UnitRow>();
  readonly #timer: Timer;

  constructor(parts: UnitsElsewhereParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(LOOK_EVERY_MS, () => this.#look());
  }

  add(row: UnitRow): void {
    this.#units.set(nameOf(row), row);
  }

  /** A unit was asked to end. @returns false where it is none of these */
  stop(row: UnitRow): boolean {
    if (!this.#units.has(nameOf(row))) return false;
    this.#units.set(nameOf(row), row);
    this.#look();
    return true;
  }

  close(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const { clock, agents, onGone } = this.#parts;
    for (const [name, row] of this.#units) {
      const isOver = killLeftMs(row, momentOf(clock)) === 0;
      if (!isOver && !hasGone(row, agents.get(row.agent_id))) continue;
      this.#units.delete(name);
      onGone(row);
    }
  }
}

function hasGone({ generation, kill_at_ms: killAtMs }: UnitRow, agent: RolledAgent | undefined): boolean {
  // One that is followed drains beside its follower; what it says is refused.
  if (agent?.generation !== generation) return killAtMs === null;
  const { status, beats } = agent;
  if (status === 'TERMINATED' || status === 'FAILED') return true;
  return beats === 0 && (status === 'UNRESPONSIVE' || status === 'STALLED');
}

function nameOf({ agent_id: agentId, generation }: UnitRow): string {
  return `${agentId}/${generation}`;
}
