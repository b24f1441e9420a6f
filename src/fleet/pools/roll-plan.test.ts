import type { AgentStatus } from '#telemetry';
import { describe, expect, it } from 'vitest';
import { planRoll, type RollInput } from './roll-plan.ts';
import { RUNNING_UNIT } from './unit-row.test-support.ts';
import type { UnitRow } from './unit-rows.ts';

/** `3 old IDLE`: the third replica has the old definition and is IDLE. */
interface Replica {
  readonly unit: UnitRow;
  readonly status: AgentStatus | null;
  readonly wellForMs: number;
  readonly illForMs: number;
}

const HEALTHY_FOR_MS = 1000;
const WITHIN_MS = 60_000;

const row = (replica: number, change: Partial<UnitRow>): UnitRow => ({
  ...RUNNING_UNIT,
  agent_id: `p-${replica}`,
  made_of: 'old',
  ...change,
});

const DRAINS = { desired_state: 'replaced', restart: '{"reason":"pool_rolled"}' } as const;
const DEAD = { state: 'ended', exit_code: 3 } as const;
const NEW = { made_of: 'new' } as const;

/** The words of a replica's description, and what each says. */
const WORDS: Readonly<Record<string, Partial<UnitRow>>> = {
  old: {},
  unknown: { made_of: null },
  new: NEW,
  proven: { ...NEW, verified_at_ms: 1 },
  drains: DRAINS,
  dead: DEAD,
  stopped: { desired_state: 'stopped' },
  retired: { desired_state: 'retired' },
  coming: { state: 'intended' },
};

function replicaOf(text: string): Replica {
  const [number = '', ...words] = text.split(' ');
  const status = words.find((word) => /^[A-Z]+$/.test(word)) as AgentStatus | undefined;
  const change = Object.assign({}, ...words.map((word) => WORDS[word] ?? {})) as Partial<UnitRow>;
  const isWell = status === 'IDLE' || status === 'RUNNING';
  return {
    unit: row(Number(number), change),
    status: status ?? null,
    wellForMs: isWell && !words.includes('young') ? HEALTHY_FOR_MS : 0,
    illForMs: words.includes('long') ? WITHIN_MS : 0,
  };
}

function plan(replicas: readonly string[], change: Partial<RollInput> = {}) {
  const seen = replicas.map(replicaOf);
  const result = planRoll({
    poolId: 'p',
    effective: 9,
    units: seen.map(({ unit }) => unit),
    madeOf: 'new',
    maxUnavailable: 1,
    verifyWithinMs: WITHIN_MS,
    spawnFailures: { count: 0, error: null },
    healthOf: (unit) => {
      const { status = null, wellForMs = 0, illForMs = 0 } = seen.find((one) => one.unit === unit) ?? {};
      return { status, wellForMs, illForMs, healthyForMs: HEALTHY_FOR_MS };
    },
    ...change,
  });
  const numbers = (units: readonly UnitRow[]): string => units.map((unit) => unit.agent_id.slice(2)).join();
  return { ...result, verified: numbers(result.verified), replace: numbers(result.replace) };
}

describe('a roll', () => {
  it.each<[string, readonly string[], number, string]>([
    ['begins with the last', ['1 old IDLE', '2 old RUNNING', '3 old IDLE'], 1, '3'],
    ['takes as many as may be away', ['1 old IDLE', '2 old IDLE', '3 old IDLE'], 2, '3,2'],
    ['takes no next while one drains', ['1 old IDLE', '2 old IDLE drains'], 1, ''],
    ['takes no next while the new one comes', ['1 old IDLE', '2 new SPAWNING'], 1, ''],
    ['takes no next while the new one is young', ['1 old IDLE', '2 new IDLE young'], 1, ''],
    ['takes the next when the new one has proven itself', ['1 old IDLE', '2 new IDLE'], 1, '1'],
    ['takes one that is down first', ['1 old UNRESPONSIVE', '2 old IDLE'], 1, '1'],
    ['takes one that has failed first', ['1 old dead FAILED', '2 old IDLE'], 1, '1'],
    ['takes one that never told of itself first', ['1 old SPAWNING', '2 old IDLE'], 1, '1'],
    [
      'takes a further one beside one that is down, where two may be away',
      ['1 old dead FAILED', '2 old IDLE'],
      2,
      '1,2',
    ],
    ['waits for one that has the new definition and is down', ['1 old IDLE', '2 proven UNRESPONSIVE'], 1, ''],
    ['takes one that is down all the same', ['1 old dead FAILED', '2 proven UNRESPONSIVE'], 1, '1'],
    ['waits for the restart of somebody else', ['1 old IDLE', '2 old IDLE drains'], 1, ''],
    ['leaves alone whom a person has stopped', ['1 old stopped TERMINATED', '2 old IDLE'], 1, '2'],
    ['leaves alone whom a signal has ended', ['1 old dead TERMINATED', '2 old IDLE'], 1, '2'],
    ['leaves alone who is in quarantine', ['1 old QUARANTINED', '2 old IDLE'], 1, '2'],
    ['leaves alone who is beyond the count', ['1 old IDLE', '12 old IDLE'], 1, '1'],
    ['leaves alone who retires', ['1 old IDLE', '2 old retired IDLE'], 1, '1'],
    ['waits for a start that was prepared before', ['1 old IDLE', '2 old coming'], 1, ''],
  ])('%s', (_what, replicas, maxUnavailable, replaced) => {
    const { replace, stopped, completed } = plan(replicas, { maxUnavailable });
    expect([replace, stopped, completed]).toEqual([replaced, null, false]);
  });

  it.each<[string, readonly string[], Partial<RollInput>, string]>([
    [
      'has ended',
      ['1 old IDLE', '2 new dead FAILED'],
      {},
      'generation 1 of p-2 ended with code 3 before it had been well for 1s',
    ],
    [
      'does not register',
      ['1 old IDLE', '2 new SPAWNING long'],
      {},
      'generation 1 of p-2 has not registered after 1m',
    ],
    [
      'falls silent',
      ['1 old IDLE', '2 new UNRESPONSIVE long'],
      {},
      'generation 1 of p-2 is UNRESPONSIVE after 1m',
    ],
    [
      'cannot be started',
      ['1 old IDLE', '2 new coming'],
      { spawnFailures: { count: 3, error: 'no such file' } },
      'generation 1 of p-2 could not be started: no such file',
    ],
    [
      'is down for long after it had proven itself',
      ['1 old IDLE', '2 proven UNRESPONSIVE long'],
      {},
      'p-2 has the new definition and is UNRESPONSIVE for 1m',
    ],
  ])('stops where the new generation %s', (_what, replicas, change, reason) => {
    expect(plan(replicas, change)).toMatchObject({ stopped: reason, replace: '', completed: false });
  });

  it.each<[string, readonly string[]]>([
    ['all have the new definition', ['1 proven IDLE', '2 new IDLE']],
    ['the others are left alone', ['1 new IDLE', '2 old stopped TERMINATED', '3 old QUARANTINED']],
    ['there is nobody', []],
    ['nothing is known of what they are made of', ['1 unknown IDLE']],
  ])('is completed where %s', (_what, replicas) => {
    expect(plan(replicas)).toMatchObject({ stopped: null, replace: '', completed: true });
  });

  it('notes who has proven itself', () => {
    expect(plan(['1 new IDLE', '2 new IDLE young', '3 proven IDLE', '4 old IDLE']).verified).toBe('1');
  });
});
