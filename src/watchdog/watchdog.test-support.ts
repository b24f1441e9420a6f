import { sql } from 'kysely';
import { parseMatcher } from '#promql';
import { expect, vi } from 'vitest';
import { createEventBus, type EventBus } from '#eventbus';
import { openTestStateDatabase, takeUpState, type StateDatabase, type StateTransaction } from '#storage';
import {
  createSeededRandom,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type EventPayload,
  type Labels,
  type NewSystemEvent,
  type SystemEvent,
  type Tracing,
} from '#telemetry';
import { silentSpan } from '../telemetry/tracing/tracing.test-support.ts';
import { KillableProcess } from './killable-process.test-support.ts';
import type { AgentFacts, AlertReader, AlertFacts } from './ports.ts';
import { RecordingFleet } from './recording-fleet.test-support.ts';
import { RemediationArchive } from './remediations/remediation-archive.ts';
import { Watchdog, type WatchdogOptions } from './watchdog.ts';

/** Alerts as a part of their own: a map, and the events on the bus. */
export class TestAlerts implements AlertReader {
  readonly #database: StateDatabase;
  readonly #append: EventBus['append'];
  readonly #alerts = new Map<string, AlertFacts>();

  constructor(database: StateDatabase, append: EventBus['append']) {
    this.#database = database;
    this.#append = append;
  }

  /** How often an alert was read: once for each transition that was tried. */
  reads = 0;

  async get(alertId: string, tx?: StateTransaction): Promise<AlertFacts | null> {
    this.reads++;
    if (tx) await lockAlert(tx, alertId);
    return this.#alerts.get(alertId) ?? null;
  }

  async firingAmong(tx: StateTransaction, alertIds: readonly string[]): Promise<readonly AlertFacts[]> {
    for (const alertId of alertIds.toSorted()) await lockAlert(tx, alertId);
    const alerts = await Promise.all(alertIds.map((alertId) => this.get(alertId)));
    return alerts.filter((alert): alert is AlertFacts => alert?.state === 'firing');
  }

  firing(): Promise<readonly AlertFacts[]> {
    return Promise.resolve([...this.#alerts.values()].filter((alert) => alert.state === 'firing'));
  }

  /** Of those that begin from now on. */
  maintained = false;

  raise(alertId: string, labels: Labels, value = 1): Promise<void> {
    return this.#raise([this.#make(alertId, labels, value)]);
  }

  /** Fires, and nobody has been told of it yet. */
  begin(alertId: string, labels: Labels): void {
    this.#alerts.set(alertId, this.#make(alertId, labels, 1));
  }

  /** In one transaction, as many alerts begin to fire that one evaluation finds. */
  async raiseAll(labelsOf: Readonly<Record<string, Labels>>): Promise<void> {
    await this.#raise(Object.entries(labelsOf).map(([id, labels]) => this.#make(id, labels, 1)));
  }

  #make(alertId: string, labels: Labels, value: number): AlertFacts {
    const ruleId = `fleet/${labels['alertname'] ?? ''}`;
    return {
      alertId,
      ruleId,
      labels,
      severity: 'error',
      state: 'firing',
      cause: null,
      value,
      worse: 'higher',
      maintained: this.maintained,
      postedBy: null,
      traceparent: ALERT_TRACE,
    };
  }

  async #raise(alerts: readonly AlertFacts[]): Promise<void> {
    await this.#database.transaction((tx) => {
      // A transaction behind this one sees them, as it would see rows.
      for (const alert of alerts) this.#alerts.set(alert.alertId, alert);
      return this.#append(tx, ...alerts.map(triggeredEvent));
    });
  }

  /** What the alert's rule says now. */
  change(alertId: string, facts: Partial<Pick<AlertFacts, 'value' | 'worse'>>): void {
    const alert = this.#alerts.get(alertId);
    if (alert) this.#alerts.set(alertId, { ...alert, ...facts });
  }

  async resolve(
    alertId: string,
    cause: EventPayload<'monitor.alert.resolved'>['cause'] = 'recovered',
  ): Promise<void> {
    const alert = this.#alerts.get(alertId);
    if (!alert) throw new Error(`no alert ${alertId}`);
    await this.#database.transaction(async (tx) => {
      await lockAlert(tx, alertId);
      this.#alerts.set(alertId, { ...alert, state: 'resolved', cause });
      return this.#append(tx, {
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
      });
    });
  }
}

/** As the lock of its row does: what a transaction has read of an alert nobody changes before it is committed. */
async function lockAlert({ db, dialect }: StateTransaction, alertId: string): Promise<void> {
  if (dialect === 'postgres') await sql`select pg_advisory_xact_lock(hashtext(${alertId}))`.execute(db);
}

function triggeredEvent({ alertId, ruleId, labels, value, traceparent }: AlertFacts): NewSystemEvent {
  return {
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
  };
}

interface SeenSpan {
  readonly name: string;
  readonly parent: string | null;
  readonly traceparent: string;
  isEnded: boolean;
}

/** The trace that every alert is in. */
export const ALERT_TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

/** Spans that are only counted off. */
export function countingTracing(): Tracing & { readonly spans: readonly SeenSpan[] } {
  const spans: SeenSpan[] = [];
  return {
    spans,
    startSpan(name, { parent }) {
      const traceparent = `00-${'a'.repeat(32)}-${String(spans.length + 1).padStart(16, '0')}-01`;
      const span = { name, parent, traceparent, isEnded: false };
      spans.push(span);
      const end = (): void => {
        span.isEnded = true;
      };
      return { ...silentSpan(traceparent), end };
    },
  };
}

export interface Stage {
  readonly clock: VirtualClock;
  readonly database: StateDatabase;
  readonly fleet: RecordingFleet;
  readonly alerts: TestAlerts;
  readonly archive: RemediationArchive;
  readonly tracing: ReturnType<typeof countingTracing>;
  metrics: SelfMetrics;
  watchdog: Watchdog;
  readonly isDead: () => boolean;
  readonly kill: () => void;
  readonly killAfterCommits: (count: number) => void;
  readonly events: () => Promise<readonly SystemEvent[]>;
  /** The agent's status, in the fleet's own words, with the event that tells of it. */
  changeStatus(agentId: string, facts: Partial<AgentFacts>): Promise<void>;
  /** A task turns out to explain why a generation of the agent ended, with the event that tells of it. */
  blame(agentId: string, generation: number): Promise<void>;
  /** From now on all alerts rest on the word of somebody who may not speak for any target; null: of nobody such. */
  distrust(reason: string | null): void;
  /** The process dies: nothing of it happens any more. A new one starts on the same database. */
  restartProcess(policies?: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const sourcesOf = (policies: readonly string[]) =>
  policies.map((text, index) => ({ name: `policy-${index}.yaml`, text }));

/** What a reload does with policies. */
export async function reloadPolicies(watchdog: Watchdog, policies: readonly string[]): Promise<void> {
  const prepared = await watchdog.preparePolicies(sourcesOf(policies));
  prepared.takeOver();
  await watchdog.reconsider();
}

/** A watchdog over two agents, `w-1` and `w-2`, and a pool `demo`. */
export async function openDemoStage(policies: readonly string[]): Promise<Stage> {
  const stage = await openStage(policies);
  stage.fleet.addAgent('w-1');
  stage.fleet.addAgent('w-2');
  stage.fleet.pools.set('demo', 'PHASE_TESTING');
  return stage;
}

/**
 * A watchdog on a real database, with a fleet and alerts that do as they are told.
 * @param around what lies between the watchdog and its database: to count, to delay, to fail
 */
export async function openStage(
  policies: readonly string[],
  options: Partial<WatchdogOptions> = {},
  around: (database: StateDatabase, clock: VirtualClock) => StateDatabase = (database) => database,
): Promise<Stage> {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock, 'none');
  const random = createSeededRandom(1);
  const base = { random, logger: silentLogger };
  const fleet = new RecordingFleet(clock);
  // Whoever appends an event wakes the consumers of the process that runs.
  const append: EventBus['append'] = (tx, ...events) => running.bus.append(tx, ...events);
  const alerts = new TestAlerts(database, append);
  const tracing = countingTracing();
  let refusal: string | null = null;
  const begin = async (texts: readonly string[]) => {
    const victim = new KillableProcess();
    const metrics = new SelfMetrics();
    const parts = {
      ...base,
      clock: await takeUpState(database, clock),
      metrics,
      database: around(victim.database(database), clock),
    };
    const bus = createEventBus(parts);
    const watchdog = new Watchdog({
      ...parts,
      bus,
      tracing,
      fleet: victim.fleet(fleet),
      alerts,
      authority: { refusalOf: () => refusal },
      modeOverride: null,
      parseMatcher,
      ...options,
    });
    await watchdog.policies.load(sourcesOf(texts), clock);
    await watchdog.start();
    return { victim, metrics, bus, watchdog };
  };
  let running = await begin(policies);
  const stage: Stage = {
    clock,
    database,
    fleet,
    alerts,
    tracing,
    archive: new RemediationArchive(database),
    metrics: running.metrics,
    watchdog: running.watchdog,
    isDead: () => running.victim.isDead,
    kill: () => running.victim.kill(),
    killAfterCommits: (count) => running.victim.killAfterCommits(count),
    events: () => running.bus.list({ limit: 1000 }),
    async changeStatus(agentId, facts) {
      const from = fleet.agent(agentId)?.status ?? 'NONE';
      const generation = facts.generation ?? fleet.agent(agentId)?.generation ?? 1;
      fleet.addAgent(agentId, { ...fleet.agent(agentId), ...facts });
      const to = fleet.agent(agentId)?.status ?? 'NONE';
      const ref = { agent_id: agentId, agent_type: 'worker', pool_id: 'demo', generation };
      await database.transaction((tx) =>
        append(tx, {
          event_type: 'fleet.agent.status_changed',
          entity_type: 'agent',
          entity_id: agentId,
          payload: { ...ref, from, to, reason: 'test' },
          traceparent: null,
        }),
      );
    },
    async blame(agentId, generation) {
      const task = { task_id: 'poison', task_type: 'fetch', phase_id: 'PHASE_TESTING' };
      await database.transaction((tx) =>
        append(tx, {
          event_type: 'fleet.task.blamed',
          entity_type: 'task',
          entity_id: 'poison',
          payload: { ...task, agent_id: agentId, generation },
          traceparent: null,
        }),
      );
    },
    distrust(reason) {
      refusal = reason;
    },
    async restartProcess(texts = policies) {
      running.victim.kill();
      // What hangs in a dead process hangs for ever: nobody waits for it.
      void running.watchdog.stop();
      void running.bus.stop();
      await running.victim.settled();
      running = await begin(texts);
      stage.metrics = running.metrics;
      stage.watchdog = running.watchdog;
    },
    async close() {
      const { victim, watchdog, bus } = running;
      const stopping = watchdog.stop();
      await endsInTime(stopping, { clock, isWaitedFor: () => !victim.isDead });
      void bus.stop();
      await database.close();
    },
  };
  return stage;
}

/** Longer than all that a watchdog waits for when it is stopped. */
const MAX_STOP_MS = 600_000;

/** The clock goes on until the watchdog has stopped: what is slow waits for it. @throws where it does not stop at all */
async function endsInTime(
  stopping: Promise<void>,
  { clock, isWaitedFor }: { readonly clock: VirtualClock; readonly isWaitedFor: () => boolean },
): Promise<void> {
  const stop = { isOver: false };
  const end = (): void => void (stop.isOver = true);
  stopping.then(end, end);
  const endMs = clock.monotonicMs() + MAX_STOP_MS;
  while (!stop.isOver && isWaitedFor()) {
    if (clock.monotonicMs() >= endMs) throw new Error(`the watchdog has not stopped after ${MAX_STOP_MS} ms`);
    await clock.advance(1000);
  }
  if (stop.isOver) await stopping;
}

/** `verifying`, `completed(healed)`; `none` where nothing was planned. */
export async function stateOf(stage: Stage, alertId: string): Promise<string> {
  const [detail] = await stage.archive.list({ alertId, limit: 1 });
  const { state = 'none', outcome = null } = detail?.remediation ?? {};
  return outcome === null ? state : `${state}(${outcome})`;
}

/** Of `vi.waitFor`. */
export const WAIT = { timeout: 60_000, interval: 5 };

export async function becomes(stage: Stage, alertId: string, state: string): Promise<void> {
  await vi.waitFor(async () => expect(await stateOf(stage, alertId)).toBe(state), WAIT);
}

/** Lets time pass, a second at a time, until that state is reached. */
export async function becomesInTime(stage: Stage, alertId: string, state: string): Promise<void> {
  for (let second = 0; second < 600 && (await stateOf(stage, alertId)) !== state; second++) {
    await stage.clock.advance(1000);
  }
  expect(await stateOf(stage, alertId)).toBe(state);
}

export async function heldBy(stage: Stage, alertId: string, guard: string): Promise<void> {
  await vi.waitFor(async () => {
    const [detail] = await stage.archive.list({ alertId, limit: 1 });
    expect(detail?.suppressions.map((suppression) => suppression.guard)).toContain(guard);
  }, WAIT);
}

/** The guards that have held back any remediation. */
export async function guardsThatHeld({ database }: Pick<Stage, 'database'>): Promise<readonly string[]> {
  const rows = await database.reader.selectFrom('watchdog_suppressions').select('guard').execute();
  return rows.map(({ guard }) => guard);
}

/** About other ills than silence: it goes on where the recording fleet has an agent IDLE at once and its alert fires on. */
export const RESTART = `
name: restart_it
match: ['alertname="Silent"']
mode: act
target: { kind: agent }
steps:
  - { action: restart, verify: { within: 30s, healthy_for: 0s } }
  - { action: restart, verify: { within: 30s, healthy_for: 0s } }
guards: { cooldown: 1m, max_parallel: 2, spare_healthy: false }
`;
/** The same about silence: who has not been given up is spared. */
export const RESTART_SILENT = RESTART.replace(', spare_healthy: false', '');
export const SCALE = `
name: scale_it
match: ['alertname="Flood"']
mode: act
target: { kind: pool, phase_label: phase_id }
steps: [{ action: scale, add: 4, ttl: 30s, release_after: 20s, verify: { within: 1m } }]
`;
export const silent = (agentId: string) => ({ alertname: 'Silent', agent_id: agentId });
export const flood = { alertname: 'Flood', phase_id: 'PHASE_TESTING' };
