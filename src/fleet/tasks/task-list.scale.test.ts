import { sql, type CompiledQuery } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readsDuring } from '../../storage/reads-during.test-support.ts';
import type { TaskRow } from './task-row.ts';
import { listFinishedTasks } from './finished-tasks.ts';
import { registration, task, createTestFleet } from '../fleet.test-support.ts';

const DONE = 4500;

describe('a list of tasks beside thousands that are done', () => {
  const running = createTestFleet();

  beforeAll(async () => {
    await running.open();
    await running.fleet.agents.register(registration('worker'));
    for (let at = 0; at < DONE; at += 500) {
      await running.fleet.tasks.enqueue(
        Array.from({ length: 500 }, () => task()),
        null,
      );
    }
    await running.database.transaction((tx) =>
      tx.db.updateTable('tasks').set({ state: 'completed', agent_id: 'worker', finished_at_ms: 1 }).execute(),
    );
    await running.fleet.tasks.enqueue([task()], null);
  });
  afterAll(() => running.close());

  const all = { states: null, phaseId: null, agentId: null, after: null, limit: 10 };

  it('lets others read in between, however few tasks fit', async () => {
    const list = running.fleet.tasks.list({ ...all, agentId: 'nobody' });
    // No statement looks at more than a thousand or two.
    expect(await readsDuring(running.database, list)).toBeGreaterThanOrEqual(DONE / 1000);
    expect(await list).toEqual([]);
  });

  it('finds what is not done, and goes on where a page ended', async () => {
    expect(await running.fleet.tasks.list({ ...all, states: ['queued', 'claimed'] })).toHaveLength(1);
    const pages: string[] = [];
    let after: TaskRow | null = null;
    for (;;) {
      const page: TaskRow[] = await running.fleet.tasks.list({
        ...all,
        agentId: 'worker',
        after,
        limit: 1000,
      });
      pages.push(...page.map(({ task_id: id }) => id));
      after = page.at(-1) ?? null;
      if (page.length < 1000) break;
    }
    expect(new Set(pages).size).toBe(DONE);
    expect(pages).toHaveLength(DONE);
  });

  it('lists what has ended along its ends, and lets others read in between where few fit', async () => {
    const ended = { state: null, phaseId: null, agentId: null, within: null, after: null, limit: 10 };
    expect(await running.fleet.tasks.listFinished(ended)).toHaveLength(10);
    const list = running.fleet.tasks.listFinished({ ...ended, state: 'failed' });
    expect(await readsDuring(running.database, list)).toBeGreaterThanOrEqual(DONE / 1000);
    expect(await list).toEqual([]);
  });

  // The words are SQLite's.
  it('walks the index of ends to a page behind thousands that ended at once, and sorts nothing', async () => {
    if (running.database.dialect !== 'sqlite') return;
    const asked: CompiledQuery[] = [];
    const reader = running.database.reader.withPlugin({
      transformQuery({ node, queryId }) {
        asked.push(running.database.reader.getExecutor().compileQuery(node, queryId));
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    });
    const after = { finished_at_ms: 1, task_id: 'task_m' };
    const ended = { state: null, phaseId: null, agentId: null, within: null, after, limit: 10 };
    await listFinishedTasks({ ...running.database, reader }, ended);
    expect(asked.length).toBeGreaterThan(1);
    for (const { sql: text, parameters } of asked) {
      let at = 0;
      const literal = (): string => {
        const value = parameters[at++];
        return typeof value === 'string' ? `'${value}'` : String(value);
      };
      const explain = `explain query plan ${text.replaceAll('?', literal)}`;
      const { rows } = await sql<{ detail: string }>`${sql.raw(explain)}`.execute(running.database.reader);
      const plan = rows.map(({ detail }) => detail);
      expect(plan).toContainEqual(
        expect.stringMatching(/INDEX tasks_finished .*\(finished_at_ms,task_id\)</),
      );
      // What was found, at most the rows of a slice, is put in order again around it.
      const sorts = plan.filter((step) => step.includes('TEMP B-TREE'));
      expect(sorts.length).toBeLessThanOrEqual(text.includes('as "tasks"') ? 1 : 0);
    }
  });

  it.each([
    ['what is parked', { states: ['parked' as const] }],
    ['what one agent holds', { states: ['claimed' as const], agentId: 'worker' }],
  ])('finds %s without a walk over what waits', async (_what, filters) => {
    await running.database.transaction((tx) =>
      tx.db.updateTable('tasks').set({ state: 'queued', finished_at_ms: null }).execute(),
    );
    const ended: string[] = [];
    const list = running.fleet.tasks
      .list({ ...all, ...filters })
      .then((found) => ended.push(`list of ${found.length}`));
    const others = async (): Promise<void> => {
      // The list asks twice: where its stretch ends, and what is in it.
      for (let read = 0; read < 4; read++) {
        await running.database.reader.selectFrom('agents').select('agent_id').execute();
      }
      ended.push('four other reads');
    };
    await Promise.all([list, others()]);
    expect(ended).toEqual(['list of 0', 'four other reads']);
  });
});
