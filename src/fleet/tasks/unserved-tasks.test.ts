import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { claimOf, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';
import { ClaimedKinds } from './claimed-kinds.ts';
import { QueueLanes } from './queue-lanes.ts';
import { UnservedTasks } from './unserved-tasks.ts';

const IDLE_FOR_LONG = { heartbeatIntervalMs: 3_600_000, heartbeatTtlMs: 36_000_000 };
/** More than the walk over a few kinds takes. */
const WALK_MS = 500;

describe('tasks that nobody serves', () => {
  const test = useTestFleet();

  const register = (agentId: string, more: Parameters<typeof registration>[1] = {}) =>
    test.fleet.agents.register(registration(agentId, { ...IDLE_FOR_LONG, ...more }));
  const enqueue = (...types: string[]) =>
    test.fleet.tasks.enqueue(
      types.map((taskType) => task({ taskType })),
      null,
    );
  const unserved = () => test.fleet.feed.snapshot().unserved;
  const walked = async () => {
    await test.clock.advance(WALK_MS);
    return unserved();
  };

  it('are known by their type, phase and pool, with what agents claim and the nearest of it', async () => {
    await register('a', { capabilities: ['fetch', 'build'] });
    const enqueued = await enqueue('fetsh', 'fetsh', 'zzz', 'build');
    const rows = enqueued.map(({ task: row }) => row);
    const said = [
      '2 tasks of type "fetsh" wait: no living agent claims it (agents claim: "build", "fetch"); did you mean "fetch"?',
      '1 task of type "zzz" waits: no living agent claims it (agents claim: "build", "fetch")',
    ];
    expect(test.fleet.tasks.unservedWarningsOf(rows, 'names_types')).toEqual(said);
    expect(test.fleet.tasks.unservedWarningsOf(rows, 'names_none')).toEqual([
      '2 tasks of type "fetsh" wait: no living agent claims it',
      '1 task of type "zzz" waits: no living agent claims it',
    ]);
    expect(await walked()).toEqual([
      { phaseId: 'PHASE_IMPLEMENTATION', taskType: 'fetsh', unserved: 2 },
      { phaseId: 'PHASE_IMPLEMENTATION', taskType: 'zzz', unserved: 1 },
    ]);
    expect(test.fleet.tasks.unservedWarnings()).toEqual([]);
    await test.clock.advance(5000);
    expect(test.fleet.tasks.unservedWarnings()).toEqual(said);
  });

  it('are told from those that are claimed in another phase or pool', async () => {
    await register('a', { poolId: 'p' });
    await test.fleet.tasks.claim(claimOf('a', { phaseIds: ['PHASE_TESTING'] }));
    await test.fleet.tasks.enqueue([task({ phaseId: 'PHASE_TESTING' }), task(), task({ poolId: 'q' })], null);
    await test.clock.advance(5500);
    expect(test.fleet.tasks.unservedWarnings()).toEqual([
      '1 task of type "build" waits: no living agent claims it in PHASE_IMPLEMENTATION of no pool, some do elsewhere',
      '1 task of type "build" waits: no living agent claims it in PHASE_IMPLEMENTATION of pool q, some do elsewhere',
    ]);
  });

  it('are one sentence where those of several pools wait for the same reason', async () => {
    await test.fleet.tasks.enqueue([task(), task({ poolId: 'p' }), task({ poolId: 'q' })], null);
    await test.clock.advance(5500);
    expect(test.fleet.tasks.unservedWarnings()).toEqual([
      '3 tasks of type "build" wait: no living agent claims any task',
    ]);
  });

  it('end by themselves when somebody claims them, says that it can do them, or they are done', async () => {
    await enqueue('a', 'b', 'c');
    const names = async () => (await walked())?.map(({ taskType }) => taskType);
    expect(await names()).toEqual(['a', 'b', 'c']);
    await test.clock.advance(5000);
    expect(test.fleet.tasks.unservedWarnings()).toContain(
      '1 task of type "a" waits: no living agent claims any task',
    );
    await register('can-a', { capabilities: ['a'] });
    // At once, and not with the next walk.
    expect(unserved()?.map(({ taskType }) => taskType)).toEqual(['b', 'c']);
    await register('can-b');
    const [held] = await test.fleet.tasks.claim(claimOf('can-b', { taskTypes: ['b'] }));
    expect(unserved()?.map(({ taskType }) => taskType)).toEqual(['c']);
    if (held) await test.fleet.tasks.complete(heldBy('can-b', held.task_id), null);
    const [row] = await test.fleet.tasks.list({
      states: ['queued'],
      phaseId: null,
      agentId: null,
      after: null,
      limit: 10,
    });
    expect(row?.task_type).toBe('a');
    await test.fleet.agents.deregister({
      agentId: 'can-a',
      generation: 1,
      reason: 'goes',
      exit: null,
      traceparent: null,
    });
    expect(await names()).toEqual(['a', 'c']);
  });

  it('are not served by what an earlier generation of an agent still asks for', async () => {
    await register('a');
    await test.fleet.agents.register(
      registration('a', { ...IDLE_FOR_LONG, nonce: 'another one', newGeneration: true }),
    );
    await enqueue('build');
    await expect(test.fleet.tasks.claim(claimOf('a'))).rejects.toMatchObject({
      code: 'generation_superseded',
    });
    expect((await walked())?.map(({ taskType }) => taskType)).toEqual(['build']);
  });

  it('begin anew when the agents that claimed them are silent', async () => {
    await register('a', { heartbeatIntervalMs: 1000, heartbeatTtlMs: 3500 });
    await test.fleet.tasks.claim(claimOf('a'));
    await enqueue('build', 'build');
    expect(await walked()).toEqual([]);
    await test.clock.advance(5000);
    expect(test.fleet.agents.get('a')?.status).toBe('UNRESPONSIVE');
    expect(await walked()).toEqual([{ phaseId: 'PHASE_IMPLEMENTATION', taskType: 'build', unserved: 2 }]);
  });

  it('are not known for 30 s after a start among agents, whose claims come back; who holds a task claims such', async () => {
    await register('a');
    await enqueue('build', 'build', 'other');
    await test.fleet.tasks.claim(claimOf('a', { taskTypes: ['build'] }));
    await test.stop();
    await test.start();
    expect(await walked()).toBeNull();
    const [row] = await enqueue('other');
    expect(test.fleet.tasks.unservedWarningsOf(row ? [row.task] : [], 'names_types')).toEqual([]);
    await test.clock.advance(30_000);
    expect(await walked()).toEqual([{ phaseId: 'PHASE_IMPLEMENTATION', taskType: 'other', unserved: 2 }]);
  });

  it('are told by kind up to 100 kinds, and counted together beyond, however many kinds wait', async () => {
    const types = Array.from({ length: 401 }, (_, at) => `type ${at}`);
    await enqueue(...types);
    // 250 kinds a tick.
    await test.clock.advance(test.fleet.limits.tickMs);
    expect(unserved()).toEqual([]);
    await test.clock.advance(test.fleet.limits.tickMs);
    const counts = unserved() ?? [];
    expect(counts).toHaveLength(101);
    expect(counts.at(-1)).toEqual({ phaseId: '_other', taskType: '_other', unserved: 301 });
    await test.clock.advance(5500);
    const warnings = test.fleet.tasks.unservedWarnings();
    expect(warnings).toHaveLength(11);
    expect(warnings.at(-1)).toBe('391 tasks of other types wait: no living agent claims them');
  });
});

/** Counts how often a type is compared with those that are claimed. */
class ObservedKinds extends ClaimedKinds {
  compared = 0;

  override get types(): Iterable<string> {
    this.compared++;
    return super.types;
  }
}

describe('what is said of a type that nobody claims', () => {
  const clock = new VirtualClock();
  const of = (type: string) => ({ pool_id: null, phase_id: 'PHASE_IMPLEMENTATION', task_type: type });
  const filter = { poolId: null, phaseIds: null, ownPoolOnly: false };
  const claims = (agentId: string, ...taskTypes: string[]) =>
    [
      { agentId, generation: 1, lives: true },
      { ...filter, taskTypes },
    ] as const;
  let claimed: ObservedKinds;
  let unserved: UnservedTasks;
  beforeEach(() => {
    claimed = new ObservedKinds(clock);
    unserved = new UnservedTasks({ lanes: new QueueLanes(), claimed, clock });
    unserved.start({ amongAgents: false });
  });

  it('is found once for all its tasks, until other types are claimed', () => {
    claimed.claimed(...claims('a', 'build'));
    for (let time = 0; time < 1000; time++) unserved.reasonOf(of('fetsh'), 'names_types');
    expect(claimed.compared).toBe(1);
    claimed.claimed(...claims('b', 'fetch'));
    expect(unserved.reasonOf(of('fetsh'), 'names_types')).toContain('did you mean "fetch"?');
    claimed.forget('b');
    expect(unserved.reasonOf(of('fetsh'), 'names_types')).not.toContain('fetch');
  });

  it('is remembered of 1,000 types', () => {
    claimed.claimed(...claims('a', 'build'));
    const ask = (count: number) => {
      for (let at = 0; at < count; at++) unserved.reasonOf(of(`type ${at}`), 'names_types');
      return claimed.compared;
    };
    expect([ask(1000), ask(1000)]).toEqual([1000, 1000]);
    expect([ask(1001), ask(1)]).toEqual([1001, 1002]);
  });

  it('compares it with the first 200', () => {
    const known = Array.from({ length: 200 }, (_, at) => `a long name ${at}`);
    claimed.claimed(...claims('a', ...known.slice(0, 199), 'fetch'));
    expect(unserved.reasonOf(of('fetsh'), 'names_types')).toContain('did you mean "fetch"?');
    claimed.forget('a');
    claimed.claimed(...claims('a', ...known, 'fetch'));
    expect(unserved.reasonOf(of('fetsh'), 'names_types')).not.toContain('did you mean');
  });
});

describe('what an agent has said it can do', () => {
  const counted = { transactions: 0, statements: 0 };
  /** Counts the prepared statements, which are all that claims ask. */
  const countingIn = <Database extends object>(db: Database): Database =>
    new Proxy(db, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (key === 'executeQuery') counted.statements++;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const test = useTestFleet({
    around: (database) => ({
      ...database,
      transaction: (work, options) => {
        counted.transactions++;
        return database.transaction((tx) => work({ ...tx, db: countingIn(tx.db) }), options);
      },
    }),
  });
  const statementsOf = async (claiming: () => Promise<unknown>) => {
    counted.transactions = counted.statements = 0;
    await claiming();
    return { ...counted };
  };
  beforeEach(async () => {
    const can = { ...IDLE_FOR_LONG, capabilities: ['build', 'lint'] };
    await test.fleet.agents.register(registration('a', can));
    await test.fleet.agents.register(registration('any', IDLE_FOR_LONG));
  });
  const claim = async (agentId: string, more: Parameters<typeof claimOf>[1] = {}) =>
    (await test.fleet.tasks.claim(claimOf(agentId, { maxTasks: 10, ...more }))).map((row) => row.task_type);
  const enqueue = (...types: string[]) =>
    test.fleet.tasks.enqueue(
      types.map((taskType) => task({ taskType })),
      null,
    );

  it('is what its claims take that name no types, and nothing more; who has said nothing takes any', async () => {
    await enqueue('test', 'build', 'lint', 'other');
    expect(await claim('a')).toEqual(['build', 'lint']);
    expect(await claim('a', { taskTypes: ['other'] })).toEqual(['other']);
    expect(await claim('any')).toEqual(['test']);
  });

  it('costs a claim nothing: it asks the database as often as one that names its types', async () => {
    await enqueue('test');
    const nothing = await statementsOf(async () => expect(await claim('a')).toEqual([]));
    expect(nothing).toEqual({ transactions: 0, statements: 0 });
    await enqueue('build', 'build', 'build');
    const asked = (more: Parameters<typeof claimOf>[1]) =>
      statementsOf(async () => expect(await claim('a', { maxTasks: 1, ...more })).toEqual(['build']));
    // The first one may prepare more.
    await asked({});
    const named = await asked({ taskTypes: ['build', 'lint'] });
    expect(named.transactions).toBe(1);
    expect(named.statements).toBeGreaterThan(1);
    expect(await asked({})).toEqual(named);
  });

  it('decides which task a claim that waits is given', async () => {
    const waiting = claim('a', { waitMs: 10_000 });
    while (test.fleet.tasks.waitingClaims === 0) await Promise.resolve();
    await enqueue('test');
    expect(test.fleet.tasks.waitingClaims).toBe(1);
    await enqueue('lint');
    expect(await waiting).toEqual(['lint']);
  });
});
