import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import { observed as agent, openStage, type Stage } from '../monitor.test-support.ts';
import { AGENTS_PER_SLICE } from './agent-gauges.ts';

const turn = (): Promise<void> => Promise.resolve();

describe('the collector of the fleet', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
  });
  afterEach(() => stage.close());

  it('appends a change at once, and changes told in one go as one unit', async () => {
    stage.fleet.queue = [{ phaseId: 'PHASE_TESTING', priority: 5, queued: 2 }];
    stage.fleet.tell({ kind: 'queue', traceparent: null });
    stage.fleet.tell({
      kind: 'task_completed',
      phaseId: 'PHASE_TESTING',
      taskType: 'fetch',
      agentId: 'w1',
      durationSeconds: 0.3,
      traceparent: null,
    });
    await turn();
    const units = new Set(stage.store.samples.map(({ unit }) => unit));
    expect(units.size).toBe(1);
    expect(stage.store.history('tasks_queued_total')).toEqual({ 'phase_id=PHASE_TESTING,priority=5': [2] });
    const ofAgent = 'phase_id=PHASE_TESTING,agent_id=w1';
    expect(stage.store.history('tasks_completed_total')).toEqual({ [ofAgent]: [1] });
    expect(stage.store.history('agent_task_seconds_total')).toEqual({ [ofAgent]: [0.3] });
  });

  it('says how many agents of a pool are missing, and ends with the pool', async () => {
    const of = (agentId: string, status: 'RUNNING' | 'FAILED' | 'SPAWNING') =>
      agent({ agentId, status, poolId: 'mail' });
    stage.fleet.pools = new Map([
      ['mail', 3],
      ['empty', 2],
    ]);
    stage.fleet.agents = [of('m1', 'RUNNING'), of('m2', 'FAILED'), of('m3', 'SPAWNING')];
    stage.fleet.tell({ kind: 'agents', traceparent: null });
    await stage.clock.advance(2000);
    const last = (name: string) =>
      Object.fromEntries(Object.entries(stage.store.history(name)).map(([key, all]) => [key, all.at(-1)]));
    expect(last('pool_agents_desired')).toEqual({ 'pool_id=mail': 3, 'pool_id=empty': 2 });
    expect(last('pool_agents_missing')).toEqual({ 'pool_id=mail': 2, 'pool_id=empty': 2 });
    stage.fleet.pools = new Map([['mail', 2]]);
    stage.fleet.agents = [of('m1', 'RUNNING'), of('m2', 'RUNNING'), of('m3', 'RUNNING')];
    stage.fleet.tell({ kind: 'agents', traceparent: null });
    await stage.clock.advance(2000);
    expect(last('pool_agents_missing')).toEqual({ 'pool_id=mail': 0, 'pool_id=empty': 0 });
  });

  it('says which of the agents that are to be there is not', async () => {
    const expecting = await openStage({ expectedAgents: ['gone', 'left', 'there', 'failed'] });
    try {
      expecting.fleet.agents = [
        agent({ agentId: 'left', status: 'TERMINATED' }),
        agent({ agentId: 'there', status: 'IDLE' }),
        agent({ agentId: 'failed', status: 'FAILED' }),
      ];
      await expecting.clock.advance(1000);
      const missing = expecting.store.history('agent_missing');
      expect(missing).toEqual({
        'agent_id=gone': [1],
        'agent_id=left': [1],
        'agent_id=there': [0],
        'agent_id=failed': [0],
      });
      expecting.fleet.agents = [agent({ agentId: 'gone', status: 'IDLE' })];
      await expecting.clock.advance(1000);
      expect(expecting.store.history('agent_missing')).toMatchObject({
        'agent_id=gone': [1, 0],
        'agent_id=there': [0, 1],
      });
    } finally {
      await expecting.close();
    }
  });

  it('counts durations into cumulative buckets', async () => {
    for (const durationSeconds of [0.3, 0.004, 1000]) {
      stage.fleet.tell({
        kind: 'task_completed',
        phaseId: 'P',
        taskType: 'fetch',
        agentId: 'w1',
        durationSeconds,
        traceparent: null,
      });
    }
    await turn();
    const samples = [
      ...stage.monitor.samples({ metricName: 'task_duration_seconds', labels: { phase_id: 'P' } }),
    ].filter((sample) => sample !== null);
    const of = (name: string, le?: string): number | undefined =>
      samples.find(({ metric_name, labels }) => metric_name === name && labels['le'] === le)?.value;
    expect(of('task_duration_seconds_bucket', '0.005')).toBe(1);
    expect(of('task_duration_seconds_bucket', '0.25')).toBe(1);
    expect(of('task_duration_seconds_bucket', '0.5')).toBe(2);
    expect(of('task_duration_seconds_bucket', '300')).toBe(2);
    expect(of('task_duration_seconds_bucket', '+Inf')).toBe(3);
    expect(of('task_duration_seconds_count')).toBe(3);
    expect(of('task_duration_seconds_sum')).toBeCloseTo(1000.304);
  });

  it('repeats an unchanged value every 15 s and no more often', async () => {
    stage.fleet.setQueued(3);
    await stage.clock.advance(31_000);
    expect(stage.store.history('tasks_queued_total')).toEqual({
      'phase_id=PHASE_IMPLEMENTATION,priority=0': [3, 3, 3],
    });
  });

  it('dates two changes within a millisecond one after the other', async () => {
    for (const queued of [1, 2, 3]) {
      stage.fleet.setQueued(queued);
      await turn();
    }
    const times = stage.store.samples.map(({ atMs }) => atMs);
    expect(times).toEqual([times[0], (times[0] ?? 0) + 1, (times[0] ?? 0) + 2]);
  });

  it('shows tasks that nobody serves each second, by phase and type, and what is known not yet leaves as it was', async () => {
    const { fleet, store } = stage;
    const build = { phaseId: 'A', taskType: 'build' };
    fleet.unserved = [
      { ...build, unserved: 2 },
      { ...build, unserved: 1 },
    ];
    await stage.clock.advance(1000);
    fleet.unserved = null;
    await stage.clock.advance(1000);
    fleet.unserved = [];
    await stage.clock.advance(1000);
    expect(store.history('tasks_unserved')).toEqual({ 'phase_id=A,task_type=build': [3, 0] });
  });

  it('keeps every 15 s what agents use, by agent and pool, and ends it with the agent or when nobody looks', async () => {
    const { fleet, store, clock } = stage;
    const uses = (cpuSeconds: number, memoryBytes: number) =>
      (fleet.agents = [agent({ usage: { cpuSeconds, memoryBytes } }), agent({ agentId: 'w2' })]);
    uses(1, 1000);
    await clock.advance(1000);
    for (let second = 1; second <= 15; second++) {
      uses(1 + second, 1000 + second);
      await clock.advance(1000);
    }
    fleet.agents = [agent({ usage: null })];
    await clock.advance(1000);
    uses(0.5, 500);
    await clock.advance(1000);
    fleet.agents = [agent({ status: 'TERMINATED' })];
    await clock.advance(1000);
    expect(store.history('agent_cpu_seconds_total')).toEqual({
      'agent_id=w1,pool_id=demo': [1, 16, 'stale', 0.5, 'stale'],
    });
    expect(store.history('agent_memory_bytes')).toEqual({
      'agent_id=w1,pool_id=demo': [1000, 1015, 'stale', 500, 'stale'],
    });
  });

  it('tells who goes on with a task that was taken from it, until it lets go', async () => {
    for (const clingsTo of [null, 'task_1', null]) {
      stage.fleet.agents = [agent({ status: clingsTo === null ? 'IDLE' : 'DEGRADED', clingsTo })];
      stage.fleet.tell({ kind: 'agents', traceparent: null });
      await stage.clock.advance(1000);
    }
    stage.fleet.agents = [];
    stage.fleet.tell({ kind: 'agent_removed', agentId: 'w1', traceparent: null });
    await stage.clock.advance(1000);
    expect(stage.store.history('agent_clings_to_lost_task')).toEqual({ 'agent_id=w1': [1, 0, 'stale'] });
  });

  it('shows ages on a tick, troubled statuses as they come and go, and ends a removed agent’s series', async () => {
    stage.fleet.agents = [agent({ heartbeatAgeMs: 400 })];
    stage.fleet.tell({ kind: 'agents', traceparent: null });
    await stage.clock.advance(1000);
    stage.fleet.agents = [agent({ heartbeatAgeMs: 4000, heartbeatsMissed: 3, status: 'UNRESPONSIVE' })];
    stage.fleet.tell({ kind: 'agents', traceparent: null });
    await stage.clock.advance(1000);
    stage.fleet.agents = [agent({ heartbeatAgeMs: 100, generation: 2 })];
    stage.fleet.tell({ kind: 'agents', traceparent: null });
    await stage.clock.advance(1000);
    stage.fleet.agents = [];
    stage.fleet.tell({ kind: 'agent_removed', agentId: 'w1', traceparent: null });
    await stage.clock.advance(1000);
    const { store } = stage;
    expect(store.history('agent_heartbeat_age_seconds')).toEqual({ 'agent_id=w1': [0.4, 4, 0.1, 'stale'] });
    expect(store.history('agent_heartbeats_missed')).toEqual({ 'agent_id=w1': [0, 3, 0, 'stale'] });
    expect(store.history('agent_status')).toEqual({ 'agent_id=w1,status=UNRESPONSIVE': [1, 0, 'stale'] });
    expect(store.history('agents_active')).toEqual({
      'agent_type=worker,phase_id=PHASE_IMPLEMENTATION': [1, 0, 1, 0],
    });
    expect(store.history('agents_by_status')['agent_type=worker,status=UNRESPONSIVE']).toEqual([0, 1, 0]);
  });

  it('counts missed beats down when beats come, and ends the count of one that owes none', async () => {
    const steps = [
      { heartbeatAgeMs: 1200, heartbeatsMissed: 1 },
      { heartbeatAgeMs: 3000, heartbeatsMissed: 2, status: 'DEGRADED' },
      { heartbeatAgeMs: 4000, heartbeatsMissed: 3, status: 'UNRESPONSIVE' },
      // The next generation has not beaten yet: that is no beat.
      { heartbeatAgeMs: null, heartbeatsMissed: 0, status: 'SPAWNING', generation: 2 },
      { heartbeatAgeMs: 10, heartbeatsMissed: 0, generation: 2 },
      { heartbeatAgeMs: 3000, heartbeatsMissed: 2, status: 'DEGRADED', generation: 2 },
      { heartbeatAgeMs: null, heartbeatsMissed: 0, status: 'FAILED', generation: 2 },
      { heartbeatAgeMs: null, heartbeatsMissed: 0, status: 'SPAWNING', generation: 3 },
      { heartbeatAgeMs: 10, heartbeatsMissed: 0, generation: 3 },
      { heartbeatAgeMs: 10, heartbeatsMissed: 0, status: 'QUARANTINED', generation: 3 },
    ] as const;
    for (const step of steps) {
      stage.fleet.agents = [agent(step)];
      stage.fleet.tell({ kind: 'agents', traceparent: null });
      await stage.clock.advance(1000);
    }
    expect(stage.store.history('agent_heartbeats_missed')).toEqual({
      'agent_id=w1': [1, 2, 3, 0, 2, 'stale', 0, 'stale'],
    });
  });

  it('shows how long the oldest claim of each kind runs, on a tick, and zero once none runs', async () => {
    const kind = { phaseId: 'PHASE_TESTING', taskType: 'fetch' };
    stage.fleet.running = [{ ...kind, ageSeconds: 7 }];
    await stage.clock.advance(1000);
    stage.fleet.running = [];
    await stage.clock.advance(1000);
    const series = 'phase_id=PHASE_TESTING,task_type=fetch';
    expect(stage.store.history('task_running_age_seconds')).toEqual({ [series]: [7, 0] });
  });

  it('counts one agent that changed without looking at the others', async () => {
    const others = ['w2', 'w3'].map((agentId) => agent({ agentId }));
    stage.fleet.agents = [agent({}), ...others];
    stage.fleet.tell({ kind: 'agents', traceparent: null });
    await stage.clock.advance(1000);
    let looks = 0;
    const watched = others.map((other) =>
      Object.defineProperty({ ...other }, 'status', {
        get: () => {
          looks++;
          return other.status;
        },
      }),
    );
    for (const status of ['RUNNING', 'DEGRADED', 'UNRESPONSIVE'] as const) {
      stage.fleet.agents = [agent({ status }), ...watched];
      stage.fleet.tell({ kind: 'agent', agentId: 'w1', traceparent: null });
      await turn();
    }
    const { store } = stage;
    expect(looks).toBe(0);
    expect(store.history('agents_by_status')['agent_type=worker,status=IDLE']).toEqual([3, 2]);
    expect(store.history('agents_by_status')['agent_type=worker,status=UNRESPONSIVE']).toEqual([0, 1]);
    expect(store.history('agents_active')).toEqual({
      'agent_type=worker,phase_id=PHASE_IMPLEMENTATION': [3, 2],
    });
    expect(store.history('agent_status')).toEqual({
      'agent_id=w1,status=DEGRADED': [1, 0],
      'agent_id=w1,status=UNRESPONSIVE': [1],
    });
  });

  it('ends a status that an agent left while the server was away', async () => {
    stage.fleet.agents = [agent({ status: 'UNRESPONSIVE' })];
    stage.fleet.tell({ kind: 'agents', traceparent: null });
    await stage.clock.advance(1000);
    stage.fleet.agents = [agent({ generation: 2 })];
    await stage.restart();
    await stage.clock.advance(1000);
    expect(stage.store.history('agent_status')['agent_id=w1,status=UNRESPONSIVE']?.at(-1)).toBe(0);
  });

  it('keeps Omoi’s own metrics every 15 s', async () => {
    stage.metrics.counter('omoi_test_total', 'A test.').add(2, { reason: 'x' });
    await stage.clock.advance(15_000);
    expect(stage.store.history('omoi_test_total')).toEqual({ 'reason=x': [2] });
  });

  it('answers the contract’s samples by label', async () => {
    stage.fleet.setQueued(7);
    await turn();
    expect(
      [...stage.monitor.samples({ metricName: null, labels: { phase_id: 'PHASE_IMPLEMENTATION' } })].filter(
        (sample) => sample !== null,
      ),
    ).toEqual([
      {
        metric_name: 'tasks_queued_total',
        value: 7,
        labels: { phase_id: 'PHASE_IMPLEMENTATION', priority: '0' },
        timestamp: '2026-01-01T00:00:00.000Z',
      },
    ]);
    // What does not fit is passed over one by one, so that a long walk can pause.
    const none = [...stage.monitor.samples({ metricName: null, labels: { phase_id: 'PHASE_DONE' } })];
    expect(new Set(none)).toEqual(new Set([null]));
  });

  it('counts what is beyond the limit of series instead of keeping it', async () => {
    const small = await openStage({ limits: { maxCollectedSeries: 1 } });
    small.fleet.queue = [1, 2, 3].map((priority) => ({ phaseId: 'P', priority, queued: 1 }));
    small.fleet.tell({ kind: 'queue', traceparent: null });
    await turn();
    expect(Object.keys(small.store.history('tasks_queued_total'))).toEqual(['phase_id=P,priority=1']);
    const refused = small.metrics.collect().find(({ name }) => name === 'omoi_monitor_series_refused_total');
    expect(refused?.points).toEqual([{ suffix: '', labels: { source: 'collector' }, value: 2 }]);
    await small.close();
  });

  it('looks through a large fleet in slices, and tells no count before it has seen all', async () => {
    const slices = 8;
    stage.fleet.agents = Array.from({ length: slices * AGENTS_PER_SLICE }, (_, at) =>
      agent({ agentId: `w${at}`, heartbeatAgeMs: at }),
    );
    await stage.restart();
    const idle = (): readonly unknown[] =>
      stage.store.history('agents_by_status')['agent_type=worker,status=IDLE'] ?? [];
    const units = (): Map<number, number> => {
      const sizes = new Map<number, number>();
      for (const { unit } of stage.store.samples) sizes.set(unit, (sizes.get(unit) ?? 0) + 1);
      return sizes;
    };
    expect(Object.keys(stage.store.history('agent_heartbeats_missed'))).toHaveLength(AGENTS_PER_SLICE);
    for (let turns = 1; turns < slices; turns++) {
      expect(idle()).toEqual([]);
      await nextTurn();
    }
    expect(idle()).toEqual([slices * AGENTS_PER_SLICE]);
    // Ages, then what was appended long ago: never more than a slice of each at a time.
    stage.clock.stepWallClock(20_000);
    await stage.clock.advance(1000);
    for (let turns = 0; turns < 40; turns++) await nextTurn();
    expect(Object.values(stage.store.history('agent_heartbeats_missed')).map(({ length }) => length)).toEqual(
      Array.from({ length: slices * AGENTS_PER_SLICE }, () => 2),
    );
    // Age, missed and five statuses of each agent from before the start, and the counts.
    expect(Math.max(...units().values())).toBeLessThan(8 * AGENTS_PER_SLICE);
  });

  it('forgets who is removed while it looks through the others', async () => {
    stage.fleet.agents = Array.from({ length: 2 * AGENTS_PER_SLICE }, (_, at) =>
      agent({ agentId: `w${at}` }),
    );
    await stage.restart();
    stage.fleet.agents = stage.fleet.agents.slice(1, -1);
    for (const agentId of ['w0', `w${2 * AGENTS_PER_SLICE - 1}`])
      stage.fleet.tell({ kind: 'agent_removed', agentId, traceparent: null });
    await nextTurn();
    await stage.clock.advance(1000);
    await nextTurn();
    const { store } = stage;
    expect(store.history('agents_by_status')['agent_type=worker,status=IDLE']?.at(-1)).toBe(
      2 * AGENTS_PER_SLICE - 2,
    );
    expect(store.history('agent_heartbeat_age_seconds')['agent_id=w0']).toEqual([0.2, 'stale']);
    expect(
      store.history('agent_heartbeat_age_seconds')[`agent_id=w${2 * AGENTS_PER_SLICE - 1}`],
    ).toBeUndefined();
  });
});
