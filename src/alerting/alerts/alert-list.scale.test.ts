import type { KyselyPlugin } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { VirtualClock } from '#telemetry';
import { readsDuring } from '../../storage/reads-during.test-support.ts';
import { listAlerts } from './alert-query.ts';
import { countFiring } from './firing-counts.ts';

const RESOLVED = 4500;
const FIRING = 1500;

describe('a list of alerts beside thousands that are resolved', () => {
  let database: StateDatabase;

  beforeAll(async () => {
    database = await openTestStateDatabase(new VirtualClock());
    await database.transaction(async (tx) => {
      for (let at = 0; at < RESOLVED; at += 100) {
        const rows = Array.from({ length: 100 }, (_, number) => alertRow(at + number, 'resolved'));
        await tx.db.insertInto('alerts').values(rows).execute();
      }
      await tx.db.insertInto('alerts').values(alertRow(0.5, 'firing')).execute();
    });
  });
  afterAll(() => database.close());

  it.each([
    [{ state: 'firing', severity: 'error' } as const, 1],
    [{ state: 'firing', ruleId: 'g/r' } as const, 1],
    [{ state: 'resolved', severity: 'none' } as const, 0],
  ])('finds %j in the order of the newest', async (filter, count) => {
    const page = await listAlerts(database, { ...filter, matchers: [], limit: 10 });
    expect(page).toMatchObject({ nextCursor: null });
    expect(page.alerts).toHaveLength(count);
  });

  it('lets others read in between, however few alerts fit', async () => {
    const rare = { state: 'resolved', ruleId: 'g/r', severity: 'none', matchers: [], limit: 10 } as const;
    const reads = await readsDuring(database, listAlerts(database, rare));
    // No statement looks at more than a thousand or two.
    expect(reads).toBeGreaterThanOrEqual(RESOLVED / 1000);
  });
});

describe('a list of what fires for one agent while thousands fire', () => {
  let database: StateDatabase;
  beforeAll(async () => {
    database = await openTestStateDatabase(new VirtualClock());
    await database.transaction(async (tx) => {
      for (let at = 0; at < FIRING; at += 100) {
        const rows = Array.from({ length: 100 }, (_, number) => {
          const labels = JSON.stringify({ agent_id: `agent "${at + number}"`, team: 'infra' });
          return { ...alertRow(at + number, 'firing'), labels };
        });
        await tx.db.insertInto('alerts').values(rows).execute();
      }
    });
  });
  afterAll(() => database.close());

  it.each([
    ['an equality', ['agent_id="agent \\"7\\""'], ['alert000007'], 1],
    ['several', ['team="infra"', 'agent_id="agent \\"7\\""', 'other=""'], ['alert000007'], 1],
    ['what is not there', ['team="agent"'], [], 0],
    ['an expression', ['agent_id=~".*\\"7\\""'], ['alert000007'], FIRING],
  ])('reads by %s', async (_, matchers, ids, rowsRead) => {
    let rows = 0;
    const counting: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        rows += result.rows.filter((row) => 'labels' in row).length;
        return result;
      },
    };
    const counted = { ...database, reader: database.reader.withPlugin(counting) };
    const page = await listAlerts(counted, { state: 'firing', matchers, limit: 10 });
    expect([page.alerts.map(({ id }) => id), page.nextCursor, rows]).toEqual([ids, null, rowsRead]);
  });
});

describe('the count of what fires', () => {
  it.each([0, 999, 1000, 2500])('counts %d', async (firing) => {
    const database = await openTestStateDatabase(new VirtualClock());
    const rows = Array.from({ length: firing }, (_, at) => alertRow(at % 7, 'firing', `f${at}`));
    await database.transaction(async (tx) => {
      for (let at = 0; at < firing; at += 100) {
        await tx.db
          .insertInto('alerts')
          .values(rows.slice(at, at + 100))
          .execute();
      }
      await tx.db.insertInto('alerts').values(alertRow(1, 'resolved')).execute();
    });
    const expected = firing === 0 ? [] : [{ severity: 'error', firing, unacknowledged: firing }];
    expect(await countFiring(database)).toEqual(expected);
    await database.close();
  });
});

function alertRow(at: number, state: 'firing' | 'resolved', suffix = '') {
  return {
    id: `alert${String(at).padStart(6, '0')}${suffix}`.replace('.', 'x'),
    rule_id: 'g/r',
    rule_key: 'g/r',
    fingerprint: `${at}${suffix}`,
    labels: '{}',
    annotations: '{}',
    source_labels: '{}',
    severity: 'error',
    state,
    value: '1',
    threshold: null,
    comparison: null,
    metric_name: null,
    active_at_ms: 1,
    fired_at_ms: Math.floor(1000 + at),
    resolved_at_ms: state === 'resolved' ? 1 : null,
    cause: state === 'resolved' ? ('recovered' as const) : null,
    acknowledged_by: null,
    acknowledged_at_ms: null,
    remediation_id: null,
    remediation_acted: 0,
    evaluation_error: null,
    traceparent: null,
    updated_at_ms: 1,
  };
}
