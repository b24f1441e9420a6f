import { OmoiError, type TargetKind, type VirtualClock } from '#telemetry';
import { SILENT_AGENT } from './agent-facts.test-support.ts';
import type { AgentFacts, DomainCell, FleetActuator, PoolFacts, RestartOrder, ScaleOrder } from './ports.ts';

export type FleetCall = 'restart' | 'raise' | 'extend' | 'release';

/** A fleet that records what it is told and does it at once. */
export class RecordingFleet implements FleetActuator {
  readonly #clock: VirtualClock;
  readonly agents = new Map<string, AgentFacts>();
  /** Monotonic. */
  readonly #addedAtMs = new Map<string, number>();
  readonly pools = new Map<string, string>();
  readonly overrides = new Map<string, { order: ScaleOrder; extended: number; expiresAtMs: number }>();
  readonly restarts: RestartOrder[] = [];
  readonly released: string[] = [];
  /** How many of all, and of each failure domain, are silent. */
  silent = 0;
  /** Of a failure domain, where it is not as many as of the others. */
  readonly silentIn = new Map<string, number>();
  /** Of every pool. */
  replicas: PoolFacts = { running: 4, spawning: 0, desired: 4, max: 12 };
  /** Called before a call takes effect: to fail, or to hang. */
  before: (call: FleetCall, targetId: string) => Promise<void> = () => Promise.resolve();
  /** Called when it has taken effect, before the answer. */
  after: (call: FleetCall, targetId: string) => Promise<void> = () => Promise.resolve();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  addAgent(agentId: string, facts: Partial<AgentFacts> = {}): void {
    this.#addedAtMs.set(agentId, this.#clock.monotonicMs());
    this.agents.set(agentId, { ...SILENT_AGENT, agentId, ...facts });
  }

  async restart(order: RestartOrder): Promise<{ generation: number }> {
    await this.before('restart', order.agentId);
    this.restarts.push(order);
    const agent = this.agents.get(order.agentId);
    if (!agent) throw new OmoiError('unknown_agent', `agent ${order.agentId} is unknown`);
    if (agent.generation === order.expectedGeneration) {
      this.agents.set(order.agentId, { ...agent, generation: agent.generation + 1, status: 'IDLE' });
    }
    const { generation } = this.agents.get(order.agentId) ?? agent;
    await this.after('restart', order.agentId);
    return { generation };
  }

  async raiseScale(order: ScaleOrder): Promise<void> {
    await this.before('raise', order.poolId);
    if (!this.pools.has(order.poolId)) {
      throw new OmoiError('unknown_pool', `pool ${order.poolId} is unknown`);
    }
    const { extended } = this.overrides.get(order.overrideId) ?? { extended: 0 };
    this.overrides.set(order.overrideId, {
      order,
      extended,
      expiresAtMs: this.#clock.monotonicMs() + order.ttlMs,
    });
    await this.after('raise', order.poolId);
  }

  async extendScale(overrideId: string, ttlMs: number): Promise<boolean> {
    await this.before('extend', overrideId);
    const override = this.overrides.get(overrideId);
    const nowMs = this.#clock.monotonicMs();
    if (!override || override.expiresAtMs <= nowMs) return false;
    this.overrides.set(overrideId, {
      ...override,
      extended: override.extended + 1,
      expiresAtMs: nowMs + ttlMs,
    });
    return true;
  }

  async releaseScale(overrideId: string): Promise<void> {
    await this.before('release', overrideId);
    this.overrides.delete(overrideId);
    this.released.push(overrideId);
  }

  agent(agentId: string): AgentFacts | null {
    const agent = this.agents.get(agentId);
    if (!agent) return null;
    const { workAfterBeatMs: workMs } = agent;
    const sinceMs = this.#clock.monotonicMs() - (this.#addedAtMs.get(agentId) ?? 0);
    return { ...agent, workAfterBeatMs: workMs === null ? null : workMs + sinceMs };
  }

  pool(poolId: string): PoolFacts | null {
    return this.pools.has(poolId) ? this.replicas : null;
  }

  lastOutput(agentId: string): Promise<string> {
    return Promise.resolve(`the last words of ${agentId}`);
  }

  hasPool(poolId: string): boolean {
    return this.pools.has(poolId);
  }

  peersOf({ kind, poolId }: { readonly kind: TargetKind; readonly poolId: string | null }): Iterable<string> {
    if (kind === 'pool') return this.pools.keys();
    return [...this.agents.values()].flatMap((agent) => (agent.poolId === poolId ? [agent.agentId] : []));
  }

  hasHost(host: string): boolean {
    return [...this.agents.values()].some((agent) => agent.host === host);
  }

  poolsOfPhase(phaseId: string): readonly string[] {
    return [...this.pools].flatMap(([pool, phase]) => (phase === phaseId ? [pool] : []));
  }

  health(domain = ''): { agents: number; silent: number } {
    const silent = this.silentIn.get(domain) ?? this.silent;
    return { agents: Math.max(this.agents.size, silent), silent };
  }

  *cells(): Iterable<DomainCell> {
    const all = new Map([...this.agents.values()].map(({ domains }) => [domains.join(' '), domains]));
    for (const [id, domains] of all.set('pool:demo', ['pool:demo']))
      yield { id, domains, ...this.health(domains[0]) };
  }

  silentCells(): Iterable<DomainCell> {
    return [...this.cells()].filter(({ silent }) => silent > 0);
  }
}
