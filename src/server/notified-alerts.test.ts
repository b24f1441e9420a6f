import { CompiledQuery } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { RemediationArchive } from '#watchdog';
import { fingerprintOf, VirtualClock } from '#telemetry';
import { createNotifiedAlerts, firingPage } from './notified-alerts.ts';

let database: StateDatabase;

beforeEach(async () => {
  database = await openTestStateDatabase(new VirtualClock());
});
afterEach(() => database.close());

it('reads all that fires, page by page, also where many began at once', async () => {
  const rows = Array.from({ length: 1300 }, (_, at) => ({
    id: `a${String((at * 7) % 1300).padStart(4, '0')}`,
    rule_id: 'fleet/TooFew',
    rule_key: 'fleet/TooFew',
    fingerprint: String(at),
    state: at % 13 === 0 ? ('resolved' as const) : ('firing' as const),
    severity: 'error',
    labels: '{}',
    source_labels: '{}',
    annotations: '{}',
    value: '2',
    remediation_acted: 0,
    active_at_ms: 0,
    fired_at_ms: at < 1000 ? 5 : at,
    updated_at_ms: 0,
  }));
  await database.transaction(async (tx) => {
    for (let at = 0; at < rows.length; at += 100) {
      await tx.db
        .insertInto('alerts')
        .values(rows.slice(at, at + 100))
        .execute();
    }
  });
  const alerts = createNotifiedAlerts({
    database,
    remediations: new RemediationArchive(database),
    externalUrl: () => '',
  });
  const read: string[] = [];
  for await (const page of alerts.firing()) {
    read.push(...page.map(({ alertId }) => alertId));
  }
  const firing = rows.filter(({ state }) => state === 'firing').map(({ id }) => id);
  expect(read.toSorted()).toEqual(firing.toSorted());
  const there = ['a0007', 'a0014'];
  expect(await alerts.names([...there, 'gone'])).toEqual(new Map(there.map((id) => [id, 'TooFew'])));
});

const alertRow = (id: string, labels: Readonly<Record<string, string>>) => ({
  id,
  rule_id: 'g/A',
  rule_key: 'g/A',
  fingerprint: fingerprintOf(labels),
  state: 'firing' as const,
  severity: 'error',
  labels: JSON.stringify(labels),
  source_labels: '{}',
  annotations: '{}',
  value: '2',
  remediation_acted: 0,
  active_at_ms: 0,
  fired_at_ms: 0,
  updated_at_ms: 0,
});

it('tells alerts of rules with the external labels that they lack, and posted ones as they were posted', async () => {
  const posted = { posted_claims: '[]', posted_until_ms: 1 };
  await database.transaction(async (tx) => {
    const rows = [
      alertRow('plain', { alertname: 'A' }),
      alertRow('own', { alertname: 'A', cluster: 'us' }),
      { ...alertRow('posted', { alertname: 'A', instance: 'p' }), ...posted },
    ];
    for (const row of rows) await tx.db.insertInto('alerts').values(row).execute();
  });
  const alerts = createNotifiedAlerts({
    database,
    remediations: new RemediationArchive(database),
    externalUrl: () => '',
    externalLabels: { cluster: 'eu', zone: '', ['__proto__']: 'kept' },
  });
  const told = await alerts.read(['plain', 'own', 'posted']);
  const labelsOf = (id: string) => told.find(({ alertId }) => alertId === id)?.labels;
  const kept = { ['__proto__']: 'kept' };
  expect(labelsOf('plain')).toEqual({ alertname: 'A', cluster: 'eu', ...kept });
  expect(labelsOf('own')).toEqual({ alertname: 'A', cluster: 'us', ...kept });
  expect(labelsOf('posted')).toEqual({ alertname: 'A', instance: 'p' });
  for (const { labels, fingerprint } of told) expect(fingerprint).toBe(fingerprintOf(labels));
});

it('looks at no more alerts for a page than it holds', async () => {
  const { sql, parameters } = firingPage(database.reader, { fired_at_ms: 5, id: 'a1' }).compile();
  const { rows } = await database.reader.executeQuery<{ detail: string }>(
    CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
  );
  expect(rows.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/USING INDEX alerts_by_state \(state=\? AND \(fired_at_ms,id\)>/),
  ]);
});
