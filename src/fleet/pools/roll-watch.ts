import type { Clock } from '#telemetry';
import type { RolledAgent } from './pool-parts.ts';
import { isWell, type UnitHealth } from './roll-plan.ts';
import type { UnitKey, UnitRow } from './unit-rows.ts';

/** What is known of a unit since it was first looked at; times are monotonic ms. */
interface Sight {
  readonly generation: number;
  wellSinceMs: number | null;
  illSinceMs: number;
}

/** What is known of a pool's units while it rolls. */
interface WatchedPool {
  /** By the agent. */
  readonly sights: Map<string, Sight>;
  /** Those on which the next plan depends, and how they were when the last one was made. */
  awaited: readonly UnitKey[];
  /** How long a unit may be ill until the plan is made again. */
  verifyWithinMs: number;
  seen: string;
}

/** How long a unit has been ill as its row has it, and how long it may be. */
interface IllTime {
  /** Null where the row says nothing. */
  readonly elapsedMs: number | null;
  readonly verifyWithinMs: number;
}

const MIN_HEALTHY_FOR_MS = 1000;
/** Where another process beats for it, its beats say less. */
const UNHEARD_HEALTHY_FOR_MS = 5000;
const INTERVALS_HEALTHY_FOR = 2;

/**
 * How long the agents of pools that roll have been well or ill without a break, by the monotonic clock. Since when one is ill
 * is in its row as well: a server that has just started goes on from there, but gives it a heartbeat TTL to be heard.
 */
export class RollWatch {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #agent: (agentId: string) => RolledAgent | undefined;
  readonly #pools = new Map<string, WatchedPool>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, agent: (agentId: string) => RolledAgent | undefined) {
    this.#clock = clock;
    this.#agent = agent;
  }

  /**
   * How a unit of a pool that rolls is now.
   * @param ill how long it has been ill, for one that this server has not looked at yet
   */
  look(poolId: string, { agentId, generation }: UnitKey, ill: IllTime | null = null): UnitHealth {
    const nowMs = this.#clock.monotonicMs();
    const found = this.#agent(agentId);
    const agent = found?.generation === generation ? found : null;
    const { sights } = this.#pool(poolId);
    const known = sights.get(agentId);
    const sight =
      known?.generation === generation
        ? known
        : { generation, wellSinceMs: null, illSinceMs: nowMs - illBefore(ill, agent) };
    sights.set(agentId, sight);
    if (agent && isWell(agent.status)) sight.wellSinceMs ??= nowMs;
    else {
      if (sight.wellSinceMs !== null) sight.illSinceMs = nowMs;
      sight.wellSinceMs = null;
    }
    return {
      status: agent?.status ?? null,
      wellForMs: sight.wellSinceMs === null ? 0 : nowMs - sight.wellSinceMs,
      healthyForMs: healthyForMsOf(agent),
      illForMs: sight.wellSinceMs === null ? nowMs - sight.illSinceMs : 0,
    };
  }

  /** The roll of a pool was planned: it goes on when one of these units has changed. */
  await(poolId: string, units: readonly UnitRow[], verifyWithinMs: number): void {
    const pool = this.#pool(poolId);
    pool.verifyWithinMs = verifyWithinMs;
    pool.awaited = units.map(({ agent_id: agentId, generation }) => ({ agentId, generation }));
    pool.seen = this.#sight(poolId, pool);
  }

  /** A pool does not roll any more. */
  forget(poolId: string): void {
    this.#pools.delete(poolId);
  }

  /** The pools whose rolls may go on, or have to stop, by what has been seen since. */
  changed(): readonly string[] {
    return [...this.#pools].flatMap(([poolId, pool]) =>
      this.#sight(poolId, pool) === pool.seen ? [] : [poolId],
    );
  }

  #pool(poolId: string): WatchedPool {
    const pool = this.#pools.get(poolId) ?? { sights: new Map(), awaited: [], verifyWithinMs: 0, seen: '' };
    this.#pools.set(poolId, pool);
    return pool;
  }

  /** What a plan depends on: not how long exactly, but whether long enough. */
  #sight(
    poolId: string,
    { awaited, verifyWithinMs }: Pick<WatchedPool, 'awaited' | 'verifyWithinMs'>,
  ): string {
    return awaited
      .map((unit) => {
        const { status, wellForMs, healthyForMs, illForMs } = this.look(poolId, unit);
        return `${status} ${wellForMs >= healthyForMs} ${illForMs >= verifyWithinMs}`;
      })
      .join('\n');
  }
}

/** What an earlier server has seen of its illness; nobody is judged before he had time to be heard by this one. */
function illBefore(ill: IllTime | null, agent: RolledAgent | null): number {
  if (!ill || ill.elapsedMs === null) return 0;
  const ttlMs = agent?.pace.ttlMs ?? UNHEARD_HEALTHY_FOR_MS;
  return Math.min(ill.elapsedMs, Math.max(0, ill.verifyWithinMs - ttlMs));
}

function healthyForMsOf(agent: RolledAgent | null): number {
  if (!agent || agent.evidenceTold) return UNHEARD_HEALTHY_FOR_MS;
  return Math.max(MIN_HEALTHY_FOR_MS, INTERVALS_HEALTHY_FOR * agent.pace.intervalMs);
}
