import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Insertable } from 'kysely';
import { parseMatcher } from '#promql';
import { openTestStateDatabase, type StateDatabase, type StateTables } from '#storage';
import { momentOf, VirtualClock, type Moment } from '#telemetry';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { CountedDatabase } from '../counted-database.test-support.ts';
import { createPolicySchema, type Policy } from '../policies/policy.ts';
import { readStarts, StartTimes, type Start } from './start-times.ts';

const DAY_MS = 86_400_000;

function policyOf(name: string, guards: Partial<Policy['guards']>): Policy {
  const policy = createPolicySchema(parseMatcher).parse({
    name,
    match: ['alertname="A"'],
    target: { kind: 'agent' },
    steps: [{ action: 'restart' }],
  });
  return { ...policy, guards: { ...policy.guards, ...guards } };
}

describe('the starts of a policy', () => {
  const budget = { max_starts: 3, max_parallel: 2, window: 100 };

  it('tell whether its budget is used up, as a list of all of them would, whatever is taken back', () => {
    const step = fc.oneof(
      fc.record({ start: fc.nat(40), early: fc.nat(20) }),
      fc.record({ takeBack: fc.nat(budget.max_parallel - 1) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const starts = new StartTimes();
        let all: readonly Start[] = [];
        /** Not known to be written: of these places a policy has `max_parallel`. */
        let open: readonly Start[] = [];
        let nowMs = 0;
        for (const [at, one] of steps.entries()) {
          if ('start' in one) {
            nowMs += one.start;
            const start = { actionId: `a${at}`, atMs: nowMs - Math.min(one.early, one.start) };
            all = [...all, start];
            open = [...open, start].slice(-budget.max_parallel);
            starts.add(start, budget);
          } else {
            const taken = open[one.takeBack];
            if (!taken) continue;
            [all, open] = [all, open].map((list) => list.filter((start) => start !== taken)) as [
              Start[],
              Start[],
            ];
            starts.remove(taken);
          }
          const times = all.map(({ atMs }) => atMs).sort((a, b) => b - a);
          const inWindow = (ms: number | null | undefined): number | null =>
            ms === null || ms === undefined || ms + budget.window <= nowMs ? null : ms;
          expect(inWindow(starts.nthNewestMs(budget.max_starts))).toBe(
            inWindow(times[budget.max_starts - 1]),
          );
        }
      }),
      { numRuns: propertyRuns(300) },
    );
  });

  it('are no more in memory than the budget can ask for', () => {
    const starts = new StartTimes();
    for (let atMs = 0; atMs < 50; atMs++) starts.add({ actionId: `a${atMs}`, atMs }, budget);
    expect([5, 6].map((nth) => starts.nthNewestMs(nth))).toEqual([45, null]);
  });
});

describe('read after a restart', () => {
  const clock = new VirtualClock();
  const counted = new CountedDatabase();
  let database: StateDatabase;

  beforeEach(async () => {
    counted.reset();
    database = counted.around(await openTestStateDatabase(clock));
  });

  afterEach(() => database.close());

  async function started(policy: string, ages: readonly number[]): Promise<void> {
    const now = momentOf(clock);
    const rows = ages.map((agoMs, at) => ({
      id: `${policy}-${at}`,
      atMs: Math.trunc(now.wallMs - agoMs),
      agoMs,
    }));
    await database.transaction(async ({ db }) => {
      for (let from = 0; from < rows.length; from += 500) {
        const some = rows.slice(from, from + 500);
        await db
          .insertInto('remediations')
          .values(some.map((row) => endedRemediation(policy, row)))
          .execute();
        await db
          .insertInto('watchdog_actions')
          .values(some.map((row) => doneAction(row, now)))
          .execute();
      }
    });
    counted.reset();
  }

  it('they are those that a budget asks for, and the walk ends with them, whatever lies in the windows', async () => {
    const busy = policyOf('busy', { max_starts: 3, max_parallel: 1, window: 30 * DAY_MS });
    const short = policyOf('short', { max_starts: 5, max_parallel: 1, window: 60_000 });
    await clock.advance(90 * DAY_MS);
    await started(
      'busy',
      Array.from({ length: 5000 }, (_, at) => 1000 * (at + 1)),
    );
    await started('short', [59_000, 70_000]);
    await started('gone', [1, 2, 3]);
    const read = await readStarts(database, [busy], momentOf(clock));
    const { bootMs } = momentOf(clock);
    expect([...new Set(read.get('busy')?.map(({ atMs }) => bootMs - atMs))]).toEqual([
      4000, 3000, 2000, 1000,
    ]);
    expect(counted.rows).toBe(2000);
    counted.reset();
    const both = await readStarts(database, [busy, short], momentOf(clock));
    expect([...new Set(both.get('short')?.map(({ atMs }) => bootMs - atMs))]).toEqual([59_000]);
    // Of the short window nothing more is sought behind it.
    expect(counted.rows).toBe(2000);
    expect([...both.keys()]).toEqual(['busy', 'short']);
  });
});

interface StartedRow {
  readonly id: string;
  readonly atMs: number;
  readonly agoMs: number;
}

function endedRemediation(policy: string, { id, atMs }: StartedRow): Insertable<StateTables['remediations']> {
  return {
    id,
    policy,
    alert_id: id,
    rule_id: 'r',
    target_kind: 'agent',
    target_id: id,
    state: 'completed',
    plan: '',
    step: 0,
    planned_at_ms: atMs,
    step_started_at_ms: atMs,
    ended_at_ms: atMs,
    attempts: 1,
    lineage_order: 1,
    certain: 0,
    updated_at_ms: atMs,
  };
}

function doneAction(
  { id, atMs, agoMs }: StartedRow,
  now: Moment,
): Insertable<StateTables['watchdog_actions']> {
  return {
    id: `${id}-1`,
    remediation_id: id,
    step: 0,
    action: 'restart',
    params: '{}',
    certain: 0,
    expected_generation: 1,
    intended_at_ms: atMs,
    boot_ms: Math.trunc(now.bootMs - agoMs),
    boot_id: now.bootId,
    attempts: 1,
    next_attempt_at_ms: null,
    finished_at_ms: atMs,
    result: 'done',
    detail: null,
  };
}
