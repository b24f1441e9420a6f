import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StateDatabase } from '#storage';
import { AnomalyStore, type AnomalyRow } from '../../src/monitor/anomalies/anomaly-store.ts';
import { DATABASE_KINDS } from './state-databases.ts';
import { openPlace } from './state-places.ts';

describe.each(DATABASE_KINDS)('the pages of anomalies on $name', (kind) => {
  describe.skipIf(!kind.available)('keep their contract', () => {
    let database: StateDatabase;
    beforeAll(() => kind.start());
    afterAll(() => kind.stop());
    beforeEach(async () => {
      database = await openPlace(await kind.createPlace());
    });
    afterEach(() => database.close());

    it.each(['open', 'closed', undefined] as const)(
      'hold each of state %s once, whatever share a time',
      async (state) => {
        const rows = ['a', 'b', 'c', 'd', 'e', 'f'].map((id, at) => ({
          id,
          metric_name: 'm',
          labels: '{}',
          series_key: id,
          kind: 'spike' as const,
          detector: 'd',
          state: at % 2 === 0 ? ('open' as const) : ('closed' as const),
          value: 1,
          score: 1,
          peak_score: 1,
          detected_at_ms: Math.floor(at / 4),
        }));
        await database.transaction((tx) => tx.db.insertInto('monitor_anomalies').values(rows).execute());
        const store = new AnomalyStore(database);
        const found: string[] = [];
        let after: AnomalyRow | undefined;
        for (;;) {
          const page = await store.list({
            metricName: 'm',
            limit: 2,
            ...(state !== undefined && { state }),
            ...(after && { after }),
          });
          after = page.at(-1);
          found.push(...page.map(({ id }) => id));
          if (page.length < 2) break;
        }
        const fitting = rows.filter((row) => state === undefined || row.state === state);
        expect(found).toEqual(fitting.map(({ id }) => id).toReversed());
      },
    );
  });
});
