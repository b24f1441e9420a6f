import { CompiledQuery } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { VirtualClock, type AnomalyState } from '#telemetry';
import { anomaliesQuery, AnomalyStore, type AnomalyQuery, type AnomalyRow } from './anomaly-store.ts';

const clock = new VirtualClock();
let database: StateDatabase;
let store: AnomalyStore;

beforeEach(async () => {
  database = await openTestStateDatabase(clock, 'none');
  store = new AnomalyStore(database);
});
afterEach(() => database.close());

interface Written {
  readonly id: string;
  readonly metric: string;
  readonly state: AnomalyState;
  readonly atMs: number;
}

async function write(anomalies: readonly Written[]): Promise<void> {
  const rows = anomalies.map(({ id, metric, state, atMs }) => ({
    id,
    metric_name: metric,
    labels: '{}',
    series_key: id,
    kind: 'spike' as const,
    detector: 'd',
    state,
    value: 1,
    score: 1,
    peak_score: 1,
    detected_at_ms: atMs,
    closed_at_ms: state === 'closed' ? atMs + 1 : null,
  }));
  await database.transaction((tx) => tx.db.insertInto('monitor_anomalies').values(rows).execute());
}

/** The ids of all pages of `limit` rows each. */
async function pages(query: Omit<AnomalyQuery, 'limit'>, limit: number): Promise<readonly string[][]> {
  const found: string[][] = [];
  let after: AnomalyRow | undefined;
  for (;;) {
    const rows = await store.list({ ...query, limit, ...(after && { after }) });
    after = rows.at(-1);
    if (rows.length > 0) found.push(rows.map(({ id }) => id));
    if (rows.length < limit) return found;
  }
}

describe('the pages of anomalies', () => {
  // Seven of one time, so that it lies on both sides of an edge wherever the pages end.
  const all: readonly Written[] = Array.from({ length: 12 }, (_, at) => ({
    id: `a-${String(at).padStart(2, '0')}`,
    metric: at % 2 === 0 ? 'm' : 'n',
    state: at % 3 === 0 ? 'open' : 'closed',
    atMs: at < 3 ? 1 : at < 10 ? 2 : 3,
  }));
  beforeEach(() => write(all));

  it.each<[string, Omit<AnomalyQuery, 'limit'>, (row: Written) => boolean]>([
    ['of all', {}, () => true],
    ['of one state', { state: 'closed' }, ({ state }) => state === 'closed'],
    ['of what is open', { state: 'open' }, ({ state }) => state === 'open'],
    ['of a metric', { metricName: 'm' }, ({ metric }) => metric === 'm'],
    ['of both', { state: 'open', metricName: 'n' }, (row) => row.state === 'open' && row.metric === 'n'],
    ['of before a time', { beforeMs: 3 }, ({ atMs }) => atMs < 3],
  ])('%s hold each that fits once, the newest first', async (_what, query, fits) => {
    const expected = all.filter(fits).map(({ id }) => id);
    for (const limit of [1, 2, 3, 5, 100]) {
      expect((await pages(query, limit)).flat()).toEqual(expected.toReversed());
    }
  });

  it('go on behind what was deleted meanwhile', async () => {
    const [first] = await store.list({ limit: 1 });
    await database.transaction((tx) =>
      tx.db.deleteFrom('monitor_anomalies').where('id', '=', 'a-11').execute(),
    );
    const rows = await store.list({ limit: 1, ...(first && { after: first }) });
    expect([first?.id, ...rows.map(({ id }) => id)]).toEqual(['a-11', 'a-10']);
  });

  it.each<[string, Omit<AnomalyQuery, 'limit'>, string]>([
    ['all', {}, 'monitor_anomalies_by_time'],
    ['the closed ones', { state: 'closed' }, 'monitor_anomalies_by_time'],
    ['the open ones', { state: 'open' }, 'monitor_anomalies_open_by_time'],
    ['those of a metric', { metricName: 'm' }, 'monitor_anomalies_by_metric'],
    ['the closed ones of a metric', { state: 'closed', metricName: 'm' }, 'monitor_anomalies_by_metric'],
    ['the open ones of a metric', { state: 'open', metricName: 'm' }, 'monitor_anomalies_open_by_metric'],
  ])('walk one index in its order, for %s', async (_what, query, index) => {
    for (const after of [null, { detected_at_ms: 2, id: 'a-05' }]) {
      const { sql, parameters } = anomaliesQuery(database.reader, { ...query, limit: 10 }, after).compile();
      const { rows } = await database.reader.executeQuery<{ detail: string }>(
        CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
      );
      const plan = rows.map(({ detail }) => detail);
      expect(plan).toEqual([expect.stringMatching(new RegExp(`USING INDEX ${index}( |$)`))]);
    }
  });
});
