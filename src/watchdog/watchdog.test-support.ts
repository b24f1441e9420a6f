import { createEventBus, type EventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type EventPayload,
  type Labels,
  type SystemEvent,
  type Tracing,
} from '#telemetry';
import type { AgentFacts, AlertBook, AlertFacts, FleetActuator, RestartOrder, ScaleOrder } from './ports.ts';
import { RemediationArchive } from './remediations/remediation-archive.ts';
import { Watchdog } from './watchdog.ts';

/** A fleet that records what it is told and does it at once. */
export class RecordingFleet implements FleetActuator {
  readonly agents = new Map<string, AgentFacts>();
  readonly pools = new Map<string, string>();
  readonly claims = new Map<string, { order: ScaleOrder; extended: number }>();
  readonly restarts: RestartOrder[] = [];
  readonly released: string[] = [];
  sick = 0;
  /** Called inside restart, before it takes effect: to fail, or to hang as when the process is killed. */
  beforeRestart: () => Promise<void> = () => Promise.resolve();

  addAgent(agentId: string, facts: Partial<AgentFacts> = {}): void {
    this.agents.set(agentId, {
      agentId,
      poolId: 'demo',
      generation: 1,
      status: 'UNRESPONSIVE',
      lastHeartbeatAtMs: null,
      workSeenAtMs: null,
      heartbeatTtlMs: 3000,
      ...facts,
    });
  }

  async restart(order: RestartOrder): Promise<{ generation: number }> {
    await this.beforeRestart();
    this.restarts.push(order);
    const agent = this.agents.get(order.agentId);
    if (!agent) throw new Error(`no agent ${order.agentId}`);
    if (agent.generation === order.expectedGeneration) {
      this.agents.set(order.agentId, { ...agent, generation: agent.generation + 1, status: 'SPAWNING' });
    }
    return { generation: this.agents.get(order.agentId)?.generation ?? 0 };
  }

  claimScale(order: ScaleOrder): Promise<void> {
    this.claims.set(order.claimId, { order, extended: 0 });
    return Promise.resolve();
  }

  extendScale(claimId: string): Promise<void> {
    const claim = this.claims.get(claimId);
    if (claim) claim.extended += 1;
    return Promise.resolve();
  }

  releaseScale(claimId: string): Promise<void> {
    this.claims.delete(claimId);
    this.released.push(claimId);
    return Promise.resolve();
  }

  agent(agentId: string): AgentFacts | null {
    return this.agents.get(agentId) ?? null;
  }

  hasPool(poolId: string): boolean {
    return this.pools.has(poolId);
  }

  poolsOfPhase(phaseId: string): readonly string[] {
    return [...this.pools].flatMap(([pool, phase]) => (phase === phaseId ? [pool] : []));
  }

  health(): { agents: number; sick: number } {
    return { agents: Math.max(this.agents.size, this.sick), sick: this.sick };
  }
}

/** Alerts as a part of their own: a map, and the events on the bus. */
export class AlertDesk implements AlertBook {
  readonly #database: StateDatabase;
  readonly #bus: EventBus;
  readonly #alerts = new Map<string, AlertFacts>();

  constructor(database: StateDatabase, bus: EventBus) {
    this.#database = database;
    this.#bus = bus;
  }

  get(alertId: string): Promise<AlertFacts | null> {
    return Promise.resolve(this.#alerts.get(alertId) ?? null);
  }

  firing(): Promise<readonly AlertFacts[]> {
    return Promise.resolve([...this.#alerts.values()].filter((alert) => alert.state === 'firing'));
  }

  async raise(alertId: string, labels: Labels, value = 1): Promise<void> {
    const ruleId = `fleet/${labels['alertname'] ?? ''}`;
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    this.#alerts.set(alertId, {
      alertId,
      ruleId,
      labels,
      severity: 'error',
      state: 'firing',
      cause: null,
      value,
      traceparent,
    });
    await this.#database.transaction((tx) =>
      this.#bus.append(tx, {
        event_type: 'monitor.alert.triggered',
        entity_type: 'alert',
        entity_id: alertId,
        payload: {
          alert_id: alertId,
          rule_id: ruleId,
          severity: 'error',
          metric_name: null,
          current_value: value,
          threshold: null,
          labels,
        },
        traceparent,
      }),
    );
  }

  revalue(alertId: string, value: number): void {
    const alert = this.#alerts.get(alertId);
    if (alert) this.#alerts.set(alertId, { ...alert, value });
  }

  async resolve(
    alertId: string,
    cause: EventPayload<'monitor.alert.resolved'>['cause'] = 'recovered',
  ): Promise<void> {
    const alert = this.#alerts.get(alertId);
    if (!alert) throw new Error(`no alert ${alertId}`);
    this.#alerts.set(alertId, { ...alert, state: 'resolved', cause });
    await this.#database.transaction((tx) =>
      this.#bus.append(tx, {
        event_type: 'monitor.alert.resolved',
        entity_type: 'alert',
        entity_id: alertId,
        payload: {
          alert_id: alertId,
          rule_id: alert.ruleId,
          severity: 'error',
          labels: alert.labels,
          cause,
          duration_ms: 1,
        },
        traceparent: alert.traceparent,
      }),
    );
  }
}

/** Spans that are only counted off. */
export function countingTracing(): Tracing & { readonly names: string[] } {
  const names: string[] = [];
  return {
    names,
    startSpan(name) {
      names.push(name);
      const traceparent = `00-${'a'.repeat(32)}-${String(names.length).padStart(16, '0')}-01`;
      return { traceparent, setAttributes() {}, addLink() {}, addEvent() {}, fail() {}, end() {} };
    },
  };
}

export interface Kennel {
  readonly clock: VirtualClock;
  readonly fleet: RecordingFleet;
  readonly alerts: AlertDesk;
  readonly archive: RemediationArchive;
  readonly tracing: ReturnType<typeof countingTracing>;
  watchdog: Watchdog;
  readonly events: () => Promise<readonly SystemEvent[]>;
  /** The process dies: nothing of it happens any more. A new one starts on the same database. */
  restartProcess(): Promise<void>;
  close(): Promise<void>;
}

/** A watchdog on a real database, with a fleet and alerts that do as they are told. */
export async function openKennel(policies: readonly string[]): Promise<Kennel> {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock);
  const random = createSeededRandom(1);
  const base = { database, clock, random, logger: silentLogger };
  let bus = createEventBus({ ...base, metrics: new SelfMetrics() });
  const fleet = new RecordingFleet();
  const alerts = new AlertDesk(database, { ...bus, append: (tx, event) => bus.append(tx, event) });
  const tracing = countingTracing();
  const create = async (): Promise<Watchdog> => {
    const watchdog = new Watchdog({
      ...base,
      bus,
      metrics: new SelfMetrics(),
      tracing,
      fleet,
      alerts,
      modeOverride: null,
    });
    watchdog.policies.load(policies.map((text, index) => ({ name: `policy-${index}.yaml`, text })));
    await watchdog.start();
    return watchdog;
  };
  const kennel: Kennel = {
    clock,
    fleet,
    alerts,
    tracing,
    archive: new RemediationArchive(database),
    watchdog: await create(),
    events: () => bus.list({ limit: 1000 }),
    async restartProcess() {
      // What hangs in a port hangs for ever, as it would when the process is killed: nobody waits for it.
      void kennel.watchdog.stop();
      await bus.stop();
      bus = createEventBus({ ...base, metrics: new SelfMetrics() });
      kennel.watchdog = await create();
    },
    async close() {
      await kennel.watchdog.stop();
      await bus.stop();
      await database.close();
    },
  };
  return kennel;
}
