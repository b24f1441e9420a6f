import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OmoiError, type AgentStatus, type EventPayload } from '#telemetry';
import { DEFAULT_ACTION_LIMITS } from './actions/action-limits.ts';
import type { FleetCall } from './recording-fleet.test-support.ts';
import { propertyLimitMs, heavyPropertyRuns } from '../../tests/property-runs.ts';
import type { RemediationDetail } from './remediations/remediation-archive.ts';
import { TroubledDatabase, TROUBLES } from './troubled-database.test-support.ts';
import { openStage, reloadPolicies, type Stage } from './watchdog.test-support.ts';

/** Three agents of the pool that is scaled, and two beside it. */
const AGENTS = ['w-1', 'w-2', 'w-3', 'x-1', 'x-2'] as const;
/** The same for every policy at every time: what is counted at the end holds over reloads. */
const MAX_PARALLEL = 2;
const MAX_STARTS = 8;
const WINDOW_MS = 40_000;
const GUARDS = `guards: { cooldown: 5s, max_parallel: ${MAX_PARALLEL}, max_starts: ${MAX_STARTS}, window: ${WINDOW_MS / 1000}s }`;
const restartPolicy = (name: string, mode: string, steps: number) => `
name: ${name}
match: ['alertname="Silent"']
mode: ${mode}
target: { kind: agent }
steps: [${Array.from({ length: steps }, () => '{ action: restart, verify: { within: 20s } }').join(', ')}]
${GUARDS}
`;
const scalePolicy = (mode: string) => `
name: scale_it
match: ['alertname="Flood"']
mode: ${mode}
target: { kind: pool, phase_label: phase_id }
steps: [{ action: scale, add: 2, ttl: 20s, release_after: 10s, verify: { within: 20s } }]
${GUARDS}
`;
/** What may be in force, one after the other. */
const POLICY_SETS = [
  [restartPolicy('first', 'act', 2), restartPolicy('second', 'act', 1), scalePolicy('act')],
  [restartPolicy('first', 'approve', 1), scalePolicy('act')],
  [restartPolicy('first', 'act', 3), restartPolicy('second', 'observe', 1), scalePolicy('approve')],
] as const;

/** How the fleet answers its next call. */
const MOODS = ['refuses', 'breaks', 'is_away', 'hangs', 'does_and_breaks', 'does_and_hangs'] as const;
type Mood = (typeof MOODS)[number];

const agent = fc.constantFrom(...AGENTS);
const STATUSES: readonly AgentStatus[] = ['UNRESPONSIVE', 'FAILED', 'IDLE', 'TERMINATED'];
const CAUSES: readonly EventPayload<'monitor.alert.resolved'>['cause'][] = [
  'recovered',
  'remediated',
  'data_vanished',
  'manual',
];
const of = <Kind extends string>(kind: Kind) => ({ kind: fc.constant(kind) });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ ...of('raise'), agent: fc.option(agent) }) },
  {
    weight: 4,
    arbitrary: fc.record({ ...of('resolve'), pick: fc.nat(), cause: fc.constantFrom(...CAUSES) }),
  },
  // Several at once: nobody waits for one before the next is there.
  {
    weight: 4,
    arbitrary: fc.record({
      ...of('burst'),
      agents: fc.array(fc.option(agent), { minLength: 2, maxLength: 8 }),
      resolved: fc.nat(4),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...of('trouble'),
      troubles: fc.array(fc.constantFrom(...TROUBLES), { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ ...of('wait'), ms: fc.integer({ min: 0, max: 30_000 }) }) },
  { weight: 3, arbitrary: fc.record({ ...of('mood'), mood: fc.constantFrom(...MOODS) }) },
  { weight: 1, arbitrary: fc.record(of('crash')) },
  { weight: 2, arbitrary: fc.record({ ...of('crash_soon'), commits: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ ...of('answer'), pick: fc.nat(), approved: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ ...of('status'), agent, status: fc.constantFrom(...STATUSES) }) },
  { weight: 1, arbitrary: fc.record({ ...of('other_restart'), agent }) },
  { weight: 1, arbitrary: fc.record({ ...of('pause'), paused: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ ...of('storm'), silent: fc.constantFrom(0, 3) }) },
  { weight: 1, arbitrary: fc.record({ ...of('reload'), set: fc.nat(POLICY_SETS.length - 1) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** An order as the fleet got it. */
interface Order {
  readonly actionId: string;
  readonly alertId: string;
  readonly expectedGeneration: number | null;
}

/** Everything around the watchdog, and what it has been seen to do. */
class World {
  readonly orders: Order[] = [];
  /** Remediations of which a step began for what was certainly ill. */
  readonly certain = new Set<string>();
  /** What was wrong with an order, of which the watchdog only hears that it failed. */
  readonly #wrongs: unknown[] = [];
  readonly #database: TroubledDatabase;
  readonly #stage: Stage;
  readonly #moods: Mood[] = [];
  #raised = 0;
  #policies: readonly string[] = POLICY_SETS[0];

  constructor(stage: Stage, database: TroubledDatabase) {
    this.#stage = stage;
    this.#database = database;
    const { fleet } = stage;
    for (const agentId of AGENTS)
      fleet.addAgent(agentId, { poolId: agentId.startsWith('w') ? 'demo' : null });
    fleet.pools.set('demo', 'PHASE_TESTING');
    fleet.before = async (call, targetId) => {
      await this.#witness(call, targetId).catch((wrong: unknown) => this.#wrongs.push(wrong));
      await this.#meet(call, this.#moods[0], ['refuses', 'breaks', 'is_away', 'hangs']);
    };
    fleet.after = (call) => this.#meet(call, this.#moods[0], ['does_and_breaks', 'does_and_hangs']);
  }

  async run(step: Step): Promise<void> {
    const { clock, fleet, alerts, watchdog } = this.#stage;
    switch (step.kind) {
      case 'raise':
        return this.#raise(step.agent);
      case 'burst': {
        const firing = await alerts.firing();
        await Promise.all([
          ...step.agents.map((agentId) => this.#raise(agentId)),
          ...firing.slice(0, step.resolved).map((alert) => alerts.resolve(alert.alertId)),
        ]);
        return;
      }
      case 'trouble':
        this.#database.troubles.push(...step.troubles);
        return;
      case 'resolve': {
        const firing = await alerts.firing();
        const alert = firing[step.pick % Math.max(1, firing.length)];
        if (alert) await alerts.resolve(alert.alertId, step.cause);
        return;
      }
      case 'wait':
        return this.#pass(step.ms);
      case 'mood':
        this.#moods.push(step.mood);
        return;
      case 'crash':
        return this.#restart();
      case 'crash_soon':
        this.#stage.killAfterCommits(step.commits);
        return;
      case 'answer':
        return this.#answer(step.pick, step.approved);
      case 'status':
        return this.#stage.changeStatus(step.agent, { status: step.status, silenceMs: 100 });
      case 'other_restart': {
        const generation = (fleet.agent(step.agent)?.generation ?? 0) + 1;
        return this.#stage.changeStatus(step.agent, { generation, status: 'SPAWNING' });
      }
      case 'pause':
        // Who is dead does not answer: nobody waits for it.
        void (step.paused ? watchdog.pause('ann', 'maintenance') : watchdog.resume('ann')).catch(refused);
        return clock.advance(0);
      case 'storm':
        fleet.silent = step.silent;
        return;
      case 'reload':
        this.#policies = POLICY_SETS[step.set] ?? POLICY_SETS[0];
        void reloadPolicies(watchdog, this.#policies).catch(refused);
        return clock.advance(0);
    }
  }

  /** The new process finds a database without trouble: one that can't be started tells nothing. */
  async #restart(): Promise<void> {
    this.#database.troubles = [];
    await this.#stage.restartProcess(this.#policies);
  }

  async #raise(agentId: string | null): Promise<void> {
    const alertId = `a${++this.#raised}`;
    await this.#stage.alerts.raise(
      alertId,
      agentId === null
        ? { alertname: 'Flood', phase_id: 'PHASE_TESTING' }
        : { alertname: 'Silent', agent_id: agentId },
    );
  }

  /** All goes well from now on, and everything has time to end. */
  async finish(): Promise<void> {
    this.#database.troubles = [];
    const { fleet, alerts } = this.#stage;
    this.#moods.length = 0;
    fleet.silent = 0;
    if (this.#stage.isDead()) await this.#restart();
    this.#stage.killAfterCommits(Number.POSITIVE_INFINITY);
    void this.#stage.watchdog.resume('ann');
    await this.#pass(60_000);
    for (const alert of await alerts.firing()) await alerts.resolve(alert.alertId);
    // Nobody is being started for ever: the fleet gives up who does not register.
    for (const [agentId, { status }] of fleet.agents)
      if (status === 'SPAWNING') await this.#stage.changeStatus(agentId, { status: 'UNRESPONSIVE' });
    await this.#pass(120_000);
    if (this.#wrongs.length > 0) throw this.#wrongs[0];
  }

  async #pass(ms: number): Promise<void> {
    const { clock } = this.#stage;
    const endMs = clock.monotonicMs() + ms;
    do {
      await clock.advance(Math.min(1000, endMs - clock.monotonicMs()));
      if (this.#stage.isDead()) await this.#restart();
      await this.#assertExclusive();
    } while (clock.monotonicMs() < endMs);
  }

  async #answer(pick: number, approved: boolean): Promise<void> {
    const { archive, watchdog, clock } = this.#stage;
    const waiting = await archive.list({ states: ['awaiting_approval'], limit: 100 });
    const id = waiting[pick % Math.max(1, waiting.length)]?.remediation.id;
    if (id === undefined) return;
    void (approved ? watchdog.approve(id, 'ann') : watchdog.reject(id, 'ann')).catch(refused);
    await clock.advance(0);
  }

  async #meet(call: FleetCall, mood: Mood | undefined, here: readonly Mood[]): Promise<void> {
    if (mood === undefined || !here.includes(mood)) return;
    this.#moods.shift();
    switch (mood) {
      case 'refuses':
        throw new OmoiError('transition_not_allowed', `${call}: not now`);
      case 'is_away':
        throw new OmoiError('lock_held', `${call}: somebody is at it`);
      case 'breaks':
      case 'does_and_breaks':
        throw new Error(`${call}: broken`);
      case 'hangs':
      case 'does_and_hangs':
        await new Promise(() => {});
    }
  }

  /** An order arrives: its intent has to stand in the database, open and counted. */
  async #witness(call: FleetCall, targetId: string): Promise<void> {
    if (call !== 'restart' && call !== 'raise') return;
    const open = await this.#stage.database.reader
      .selectFrom('watchdog_actions')
      .innerJoin('remediations', 'remediations.id', 'watchdog_actions.remediation_id')
      .select([
        'watchdog_actions.id as actionId',
        'alert_id as alertId',
        'expected_generation as expectedGeneration',
        'watchdog_actions.attempts as attempts',
        'remediations.id as remediationId',
        'evidence',
      ])
      .where('remediations.state', '=', 'executing')
      .where('target_id', '=', targetId)
      .where('finished_at_ms', 'is', null)
      .execute();
    expect(open, `${call} ${targetId} has one open intent`).toHaveLength(1);
    for (const { attempts, remediationId, evidence, ...order } of open) {
      if (isOfCertain(evidence)) this.certain.add(remediationId);
      expect(attempts).toBeGreaterThanOrEqual(1);
      expect(attempts).toBeLessThanOrEqual(DEFAULT_ACTION_LIMITS.maxAttempts);
      this.orders.push(order);
    }
  }

  /** At most one executing or verifying remediation a target, where a pool contains its agents, and so many a policy. */
  async #assertExclusive(): Promise<void> {
    const busy = await this.#stage.archive.list({ states: ['executing', 'verifying'], limit: 100 });
    const targets = busy.map(({ remediation }) => remediation);
    for (const { id, evidence } of targets) if (isOfCertain(evidence)) this.certain.add(id);
    const pools = targets.filter((target) => target.target_kind === 'pool');
    const agents = targets.filter((target) => target.target_kind === 'agent');
    expect(new Set(agents.map((target) => target.target_id)).size).toBe(agents.length);
    const isPoolBusy = agents.some((target) => target.pool_id === 'demo');
    expect(pools.length).toBeLessThanOrEqual(isPoolBusy ? 0 : 1);
    for (const { policy } of targets) {
      const running = targets.filter((target) => target.policy === policy && !isOfCertain(target.evidence));
      expect(running.length, `${policy} has no more places than it may`).toBeLessThanOrEqual(MAX_PARALLEL);
    }
  }
}

/** Whether a step began for what is certainly ill: a rate of its own bounds it. */
function isOfCertain(evidence: string | null): boolean {
  return / is (FAILED|STALLED),/.test(evidence ?? '');
}

/** What people are told when the database is away, or the remediation has moved on. */
function refused(thrown: unknown): void {
  if (!(thrown instanceof OmoiError)) throw thrown;
}

/** Where in the log each step started, and each alert resolved. */
async function readLog(stage: Stage) {
  const resolvedAt = new Map<string, number>();
  const startsOf = new Map<string, number[]>();
  const ends: string[] = [];
  for (let afterId = 0; ;) {
    const events = await stage.database.reader
      .selectFrom('events')
      .select(['id', 'event_type', 'payload'])
      .where('id', '>', afterId)
      .orderBy('id')
      .limit(1000)
      .execute();
    for (const { id, event_type: type, payload: text } of events) {
      // Events were validated when they were appended.
      const payload = JSON.parse(text) as {
        alert_id: string;
        remediation_id: string;
        to?: string;
        outcome?: string;
      };
      if (type === 'monitor.alert.resolved') resolvedAt.set(payload.alert_id, id);
      // One that was healed is told once more where the alert came back.
      const isEnd = type === 'watchdog.remediation.completed' && payload.outcome !== 'relapsed';
      if (isEnd) ends.push(payload.remediation_id);
      const isStart = type === 'watchdog.remediation.started' || payload.to === 'executing';
      if (isStart)
        startsOf.set(payload.remediation_id, [...(startsOf.get(payload.remediation_id) ?? []), id]);
      afterId = id;
    }
    if (events.length < 1000) return { resolvedAt, startsOf, ends };
  }
}

/** No policy starts more than it may within any window. */
function assertWithinBudget(all: readonly RemediationDetail[]): void {
  const startsOf = new Map<string, number[]>();
  for (const { remediation, actions } of all) {
    const starts = startsOf.get(remediation.policy) ?? [];
    startsOf.set(remediation.policy, [...starts, ...actions.map((action) => action.intended_at_ms)]);
  }
  for (const [policy, unordered] of startsOf) {
    const starts = unordered.toSorted((a, b) => a - b);
    for (const [at, startMs] of starts.entries()) {
      const last = starts[at + MAX_STARTS];
      if (last === undefined) break;
      expect(last - startMs, `${policy} keeps its budget`).toBeGreaterThanOrEqual(WINDOW_MS);
    }
  }
}

test('whatever happens, remediations keep their promises', { timeout: propertyLimitMs }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const database = new TroubledDatabase();
      const stage = await openStage(POLICY_SETS[0], {}, (inner, clock) => database.around(inner, clock));
      try {
        const world = new World(stage, database);
        for (const one of steps) await world.run(one);
        await world.finish();

        const { resolvedAt, startsOf, ends } = await readLog(stage);
        const all = await stage.archive.list({ limit: 500 });
        // A lineage goes on behind the steps that it has tried: the first start may be one of the second step.
        const startOf = new Map(
          all.flatMap(({ remediation: { id }, actions }) =>
            actions.map((action, place) => [action.id, startsOf.get(id)?.[place]] as const),
          ),
        );
        for (const { actionId, alertId } of world.orders) {
          const startedAt = startOf.get(actionId);
          expect(startedAt, `${actionId} has started`).toBeDefined();
          expect(
            resolvedAt.get(alertId) ?? Infinity,
            `${actionId} is for an alert that fires`,
          ).toBeGreaterThan(startedAt ?? 0);
        }
        const generations = new Map<string, number | null>();
        for (const { actionId, expectedGeneration } of world.orders) {
          expect(generations.get(actionId) ?? expectedGeneration).toBe(expectedGeneration);
          generations.set(actionId, expectedGeneration);
        }
        for (const { remediation } of all) {
          expect(['completed', 'escalated', 'cancelled'], remediation.id).toContain(remediation.state);
        }
        expect(ends.toSorted()).toEqual(all.map(({ remediation }) => remediation.id).toSorted());
        const unfinished = all.flatMap(({ actions }) => actions.filter((action) => action.result === null));
        expect(unfinished).toEqual([]);
        assertWithinBudget(all.filter(({ remediation: { id } }) => !world.certain.has(id)));
        expect(await stage.database.reader.selectFrom('watchdog_claims').selectAll().execute()).toEqual([]);
      } catch (failure) {
        // Where the stage does not close either, this is what came first.
        await stage.close().catch(() => undefined);
        throw failure;
      }
      await stage.close();
    }),
    { numRuns: heavyPropertyRuns(40) },
  );
});
