import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { VirtualClock } from '#telemetry';
import { createAlertReader } from './alert-reader.ts';

let database: StateDatabase;

beforeEach(async () => {
  database = await openTestStateDatabase(new VirtualClock());
});
afterEach(() => database.close());

const alerts = () =>
  createAlertReader({ alerts: { list: () => expect.fail('one alert is asked for') } }, database);

it.each([
  ['>', 'higher'],
  ['>=', 'higher'],
  ['<', 'lower'],
  ['<=', 'lower'],
  ['==', null],
  ['!=', null],
  [null, null],
] as const)('what a rule compares by %s gets worse as it gets %s', async (comparison, worse) => {
  await database.transaction((tx) =>
    tx.db
      .insertInto('alerts')
      .values({
        id: 'a1',
        rule_id: 'fleet/TooFew',
        rule_key: 'fleet/TooFew',
        fingerprint: 'f1',
        state: 'firing',
        severity: 'error',
        labels: '{}',
        source_labels: '{}',
        annotations: '{}',
        value: '2',
        comparison,
        threshold: 5,
        metric_name: 'agents_active',
        resolved_at_ms: null,
        cause: null,
        acknowledged_by: null,
        acknowledged_at_ms: null,
        remediation_id: null,
        remediation_acted: 0,
        evaluation_error: null,
        traceparent: null,
        active_at_ms: 0,
        fired_at_ms: 0,
        updated_at_ms: 0,
      })
      .execute(),
  );
  expect(await alerts().get('a1')).toMatchObject({ alertId: 'a1', value: 2, worse, maintained: false });
  await database.transaction((tx) => tx.db.updateTable('alerts').set({ maintenance_id: 'mnt_1' }).execute());
  expect(await alerts().get('a1')).toMatchObject({ worse, maintained: true });
});
