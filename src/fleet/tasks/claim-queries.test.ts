import { sql, type CompiledQuery } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase, type StateTransaction } from '#storage';
import { momentOf, VirtualClock } from '#telemetry';
import { bringBackDue, keptFor, laneHead, takeTask } from './claim-queries.ts';

/** What SQLite says that it will do, a line for each step. */
type Plan = readonly string[];

describe('what a claim asks the database', () => {
  let database: StateDatabase;
  beforeEach(async () => {
    database = await openTestStateDatabase(new VirtualClock());
  });
  afterEach(() => database.close());

  async function planOf(ask: (tx: StateTransaction) => Promise<unknown>): Promise<Plan> {
    const asked: CompiledQuery[] = [];
    await database.transaction(async (tx) => {
      const db = new Proxy(tx.db, {
        get(target, name) {
          if (name === 'executeQuery') {
            return async (query: CompiledQuery) => {
              asked.push(query);
              return { rows: [{}] };
            };
          }
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      await ask({ ...tx, db });
    });
    const [query] = asked;
    if (!query) throw new Error('nothing was asked');
    const steps = await sql<{
      detail: string;
    }>`${sql.raw(`explain query plan ${withLiterals(query)}`)}`.execute(database.reader);
    return steps.rows.map(({ detail }) => detail);
  }

  const lane = { poolId: null, phaseId: 'PHASE_TESTING', taskType: null };
  it.each<[string, (tx: StateTransaction) => Promise<unknown>, Plan]>([
    [
      'a phase, for every pool',
      (tx) => laneHead(tx, lane, 5),
      ['SEARCH tasks USING INDEX tasks_phase_lane (pool_id=? AND phase_id=?)'],
    ],
    [
      'a phase, for one pool',
      (tx) => laneHead(tx, { ...lane, poolId: 'p' }, 5),
      ['SEARCH tasks USING INDEX tasks_phase_lane (pool_id=? AND phase_id=?)'],
    ],
    [
      'a type, for every pool',
      (tx) => laneHead(tx, { ...lane, taskType: 't' }, 5),
      ['SEARCH tasks USING INDEX tasks_lane (pool_id=? AND phase_id=? AND task_type=?)'],
    ],
    [
      'a type, for one pool',
      (tx) => laneHead(tx, { poolId: 'p', phaseId: 'PHASE_TESTING', taskType: 't' }, 5),
      ['SEARCH tasks USING INDEX tasks_lane (pool_id=? AND phase_id=? AND task_type=?)'],
    ],
    [
      'what is kept for an agent',
      (tx) => keptFor(tx, 'a', 5),
      ['SEARCH tasks USING INDEX tasks_kept (kept_for_agent_id=?)'],
    ],
    [
      'what is due',
      (tx) => bringBackDue(tx, 5),
      [
        'SEARCH tasks USING COVERING INDEX sqlite_autoindex_tasks_1 (task_id=?)',
        'LIST SUBQUERY 1',
        'SEARCH tasks USING INDEX tasks_deferred (deferred_until_ms<?)',
      ],
    ],
    [
      'taking one task',
      (tx) =>
        takeTask(tx, 'task_1', {
          agentId: 'a',
          generation: 1,
          leaseMs: 1000,
          now: momentOf(new VirtualClock()),
        }),
      ['SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (task_id=?)'],
    ],
  ])('walks one index from its front and sorts nothing: %s', async (_what, ask, plan) => {
    expect(await planOf(ask)).toEqual(plan);
  });
});

/** The planner sees a bound value as it sees any: NULL stands for all of them. */
function withLiterals({ sql: text }: CompiledQuery): string {
  return text.replaceAll('?', 'null');
}
