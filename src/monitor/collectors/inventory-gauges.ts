import type { FleetFeed } from '#telemetry';
import type { AgentGauges } from './agent-gauges.ts';
import type { KeptSeries } from './series-appender.ts';
import { GaugeFamily, type FamilyParts } from './series-family.ts';

/** What should be there, and whether it is. */
export class InventoryGauges {
  readonly #desired: GaugeFamily;
  readonly #missing: GaugeFamily;
  readonly #missingAgents: GaugeFamily;
  readonly #expected: readonly string[];

  /** @param expected agents that somebody else starts and that are to be there */
  constructor(parts: FamilyParts, expected: readonly string[]) {
    this.#desired = new GaugeFamily(parts, 'pool_agents_desired');
    this.#missing = new GaugeFamily(parts, 'pool_agents_missing');
    this.#missingAgents = new GaugeFamily(parts, 'agent_missing');
    this.#expected = expected;
  }

  collect(feed: FleetFeed, agents: Pick<AgentGauges, 'aliveIn'>): void {
    const desired = new Map<KeptSeries, number>();
    const missing = new Map<KeptSeries, number>();
    for (const [poolId, count] of feed.snapshot().pools) {
      const alive = agents.aliveIn(poolId);
      if (alive === null) return;
      desired.set(this.#desired.at(poolId), count);
      missing.set(this.#missing.at(poolId), Math.max(0, count - alive));
    }
    this.#desired.setTotals(desired);
    this.#missing.setTotals(missing);
    this.#missingAgents.setTotals(
      new Map(
        this.#expected.map((agentId) => [this.#missingAgents.at(agentId), isThere(feed, agentId) ? 0 : 1]),
      ),
    );
    // Of pools that are gone.
    this.#desired.endIdleZeros();
    this.#missing.endIdleZeros();
  }
}

/** One that has failed or fallen silent is there: other rules tell of it. */
function isThere(feed: FleetFeed, agentId: string): boolean {
  const agent = feed.agent(agentId);
  return agent !== undefined && agent.status !== 'TERMINATED';
}
