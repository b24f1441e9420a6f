import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { CountedDatabase } from './counted-database.test-support.ts';
import { TroubledDatabase } from './troubled-database.test-support.ts';
import { RemediationArchive } from './remediations/remediation-archive.ts';
import { useDemoStage } from './demo-stage.test-support.ts';
import {
  becomes,
  becomesInTime,
  flood,
  heldBy,
  RESTART,
  SCALE,
  silent,
  stateOf,
} from './watchdog.test-support.ts';

const HISTORY = 90_000;
const OBSERVE = RESTART.replace('mode: act', 'mode: observe');
/** Beside the one policy another one, which has nothing to do with it. */
const OTHER = RESTART.replace('restart_it', 'other').replace('Silent', 'Other');
const other = (agentId: string) => ({ ...silent(agentId), alertname: 'Other' });

const stage = useDemoStage();
let counted: CountedDatabase;

async function open(...policies: string[]): Promise<void> {
  counted = new CountedDatabase();
  await stage.openEmpty(policies, {}, (database) => counted.around(database));
  stage.fleet.pools.set('demo', 'PHASE_TESTING');
}

/** Remediations of `restart_it` that ended long ago, each with its action, all on one target. */
async function writeHistory(count: number): Promise<void> {
  await stage.database.transaction(async (tx) => {
    const numbers = sql`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${count})`;
    const endMs = sql`${tx.nowMs - 86_400_000} - n * 1000`;
    await sql`insert into remediations (id, policy, alert_id, rule_id, target_kind, target_id, pool_id, state, plan, step,
        outcome, attempts, lineage_order, planned_at_ms, step_started_at_ms, ended_at_ms, updated_at_ms)
      ${numbers} select 'rem_0' || n, 'restart_it', 'old' || n, 'r', 'agent', 'w-1', 'demo', 'completed', '{}', 0,
        'healed', 1, ${count} - n + 1, ${endMs}, ${endMs}, ${endMs}, ${endMs} from numbers`.execute(tx.db);
    await sql`insert into watchdog_actions (id, remediation_id, step, action, params, intended_at_ms, attempts,
        finished_at_ms, result)
      ${numbers} select 'rem_0' || n || '-1', 'rem_0' || n, 0, 'restart', '{}', ${endMs}, 1, ${endMs}, 'done'
      from numbers`.execute(tx.db);
  });
}

/** What it costs from an alert to the verification of its repair. */
async function costOf(alertId: string, labels: Readonly<Record<string, string>>): Promise<[number, number]> {
  counted.reset();
  await stage.alerts.raise(alertId, labels);
  await stage.clock.advance(0);
  const cost: [number, number] = [counted.statements, counted.rows];
  expect(await stateOf(stage, alertId)).toBe('verifying');
  return cost;
}

async function holdBack(count: number, labels: (agentId: string) => Readonly<Record<string, string>>) {
  for (let number = 0; number < count; number++) stage.fleet.addAgent(`held-${number}`);
  await Promise.all(
    Array.from({ length: count }, (_, number) => stage.alerts.raise(`h${number}`, labels(`held-${number}`))),
  );
  await stage.clock.advance(0);
}

async function heldCount(guard: string): Promise<number> {
  const rows = await stage.database.reader
    .selectFrom('watchdog_suppressions')
    .select('remediation_id')
    .where('guard', '=', guard as 'observe')
    .execute();
  return rows.length;
}

describe('one repair', () => {
  it('asks the same of the database, however long the history of its policy and target is', async () => {
    await open(RESTART.replace('max_parallel: 2', 'max_parallel: 3'));
    for (const agentId of ['w-1', 'w-2', 'w-3']) stage.fleet.addAgent(agentId);
    // The first alert of all finds the consumer still looking for its place in the log.
    await costOf('first', silent('w-3'));
    const [statements, rows] = await costOf('a1', silent('w-2'));
    await writeHistory(HISTORY);
    // One row more: the newest end on the target, after which the policy cools down.
    expect(await costOf('a2', silent('w-1'))).toEqual([statements, rows + 1]);
  });

  it('asks the same, however many others are held back', async () => {
    await open(OBSERVE, OTHER);
    for (const agentId of ['w-1', 'w-2', 'w-3']) stage.fleet.addAgent(agentId);
    await costOf('first', other('w-1'));
    await stage.alerts.resolve('first');
    await becomes(stage, 'first', 'completed(healed)');
    const free = await costOf('a2', other('w-2'));
    await stage.alerts.resolve('a2');
    await becomes(stage, 'a2', 'completed(healed)');
    await holdBack(1000, silent);
    expect(await heldCount('observe')).toBe(1000);
    expect(await costOf('a3', other('w-3'))).toEqual(free);
  });
});

describe('a look for what was written though it was said to have failed', () => {
  it('reads what is missing in memory whole, and of all others their ids', async () => {
    counted = new CountedDatabase();
    const troubled = new TroubledDatabase();
    await stage.openEmpty([OBSERVE, OTHER], {}, (database, clock) =>
      troubled.around(counted.around(database), clock),
    );
    await holdBack(1000, silent);
    stage.fleet.addAgent('w-1');
    counted.reset();
    troubled.troubles = ['fails_after_commit'];
    await stage.alerts.raise('a1', other('w-1'));
    await becomesInTime(stage, 'a1', 'verifying');
    expect(troubled.troubles).toEqual([]);
    expect(counted.remediationsRead).toBeGreaterThan(0);
    expect(counted.remediationsRead).toBeLessThan(10);
  });

  it('takes up as many as there may be when the process starts', async () => {
    await open(OBSERVE);
    await holdBack(450, silent);
    counted.reset();
    await stage.restartProcess();
    await stage.clock.advance(0);
    expect(counted.remediationsRead).toBe(450);
    expect(await heldCount('observe')).toBe(450);
    for (let number = 0; number < 450; number++) expect(await stateOf(stage, `h${number}`)).toBe('planned');
  });
});

describe('a thousand remediations that are held back', () => {
  it('cost the database nothing while nothing changes, and their rows are not written again', async () => {
    await open(OBSERVE);
    await holdBack(1000, silent);
    const rows = () =>
      stage.database.reader
        .selectFrom('watchdog_suppressions')
        .selectAll()
        .orderBy('remediation_id')
        .execute();
    const written = await rows();
    expect(written).toHaveLength(1000);
    counted.reset();
    await stage.clock.advance(300_000);
    expect(counted.statements).toBe(0);
    expect(await rows()).toEqual(written);
  });

  it('are not all woken by one that ends: one gets the place, and one more learns that there is none', async () => {
    await open(RESTART.replace('max_parallel: 2', 'max_parallel: 1, max_starts: 1000'));
    await holdBack(400, silent);
    expect(await heldCount('max_parallel')).toBe(399);
    const [running] = await stage.archive.list({ states: ['verifying'], limit: 2 });
    stage.alerts.reads = 0;
    await stage.alerts.resolve(running?.remediation.alert_id ?? '');
    await stage.clock.advance(0);
    expect((await stage.archive.list({ states: ['verifying'], limit: 5 })).length).toBe(1);
    // The end; three transitions of the next; the one behind it.
    expect(stage.alerts.reads).toBeLessThanOrEqual(5);
  });

  it('are all decided again when a pause ends, and do not keep an alert of another policy waiting', async () => {
    await open(RESTART.replace('max_parallel: 2', 'max_parallel: 1000, max_starts: 1000'), OTHER);
    await stage.watchdog.pause('ann', 'maintenance');
    await holdBack(1000, silent);
    expect(await heldCount('paused')).toBe(1000);
    stage.fleet.addAgent('w-1');
    counted.reset();
    await Promise.all([stage.watchdog.resume('ann'), stage.alerts.raise('a1', other('w-1'))]);
    await becomes(stage, 'a1', 'verifying');
    await stage.clock.advance(0);
    await becomes(stage, 'h999', 'verifying');
    const starts = (await stage.database.reader
      .selectFrom('events')
      .select('entity_id')
      .where('event_type', '=', 'watchdog.remediation.started')
      .orderBy('id')
      .execute()) as readonly { readonly entity_id: string }[];
    const [own] = await stage.archive.list({ alertId: 'a1', limit: 1 });
    const place = starts.findIndex((start) => start.entity_id === own?.remediation.id);
    expect(starts).toHaveLength(1001);
    // Each starts, is ordered and is answered.
    expect(counted.transactions).toBeLessThan((3 * 1001) / 5);
    expect(place).toBeLessThan(100);
  });
});

describe('every statement of the watchdog', () => {
  it('finds its rows by an index', async () => {
    const approve = OTHER.replace('mode: act', 'mode: approve');
    await open(RESTART, SCALE, approve);
    for (const agentId of ['w-1', 'w-2', 'w-3']) stage.fleet.addAgent(agentId, { poolId: null });
    await stage.alerts.raise('a1', silent('w-1'));
    await stage.alerts.raise('a2', flood);
    await stage.alerts.raise('a3', other('w-3'));
    await stage.alerts.raise('a4', silent('nobody'));
    await becomes(stage, 'a1', 'verifying');
    await becomes(stage, 'a2', 'verifying');
    await becomes(stage, 'a3', 'awaiting_approval');
    await stage.clock.advance(31_000);
    await stage.alerts.resolve('a1');
    await stage.alerts.resolve('a2');
    await stage.clock.advance(0);
    stage.fleet.addAgent('w-1', { poolId: null, generation: 9 });
    await stage.alerts.raise('a5', silent('w-1'));
    await heldBy(stage, 'a5', 'cooldown');
    await stage.clock.advance(60_000);
    await stage.watchdog.pause('ann', 'maintenance');
    await stage.watchdog.resume('ann');
    await stage.restartProcess();
    await stage.watchdog.reconsider();
    const archive = new RemediationArchive(counted.around(stage.database));
    for (const filter of [
      { policy: 'restart_it' },
      { alertId: 'a1' },
      { targetId: 'w-1' },
      { states: ['verifying' as const] },
      {},
    ]) {
      await archive.list({ ...filter, beforeId: 'rem_zzz', limit: 10 });
    }
    const own = [...counted.texts].filter((text) =>
      /"(remediations|watchdog_(actions|suppressions))"/.test(text),
    );
    expect(own.length).toBeGreaterThan(20);
    const scans: string[] = [];
    for (const text of own) {
      const filled = text.replaceAll(/\?/g, "'1'");
      const plan = await sql<{ detail: string }>`explain query plan ${sql.raw(filled)}`.execute(
        stage.database.reader,
      );
      // What is inserted is walked, and the bounded stretch of a list; no table is.
      const details = plan.rows.map(({ detail }) => detail).filter((detail) => detail !== 'SCAN stretch');
      const bad = details.filter((detail) => /^SCAN (?!\d+-ROW VALUES)/.test(detail));
      if (bad.length > 0) scans.push(`${text}: ${bad.join(', ')}`);
      expect(details.join(), text).not.toMatch(/USE TEMP B-TREE FOR ORDER BY.*SCAN/);
    }
    expect(scans).toEqual([]);
  });
});
