import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Client } from 'pg';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSpanStore } from '#observability';
import { openStateDatabase, openTelemetryDatabase, type StateDatabase } from '#storage';
import { createMatcher, METRIC_NAME_LABEL, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { createTsdb } from '#tsdb';
import { DATABASE_KINDS } from './state-databases.ts';
import { type StatePlace } from './state-places.ts';

/**
 * What earlier versions left. 0.1.0-a: `serve --demo` for a minute, one worker killed, an alert that stays open; then
 * stopped. 0.1.0-b: five minutes, workers killed and stopped by turns, a task that ends its workers and is parked, a task
 * that an external agent holds, another external agent that is silent, a scale override; then a worker killed, and stopped
 * before it was repaired. Of that one the state alone is kept.
 */
const FIXTURES = new URL('../fixtures/upgrade/', import.meta.url);
/** Each a minute after it was stopped. */
const VERSIONS = [
  { version: '0.1.0-a', nowMs: Date.UTC(2026, 10, 28, 1, 24), hasTelemetry: true },
  { version: '0.1.0-b', nowMs: Date.UTC(2026, 10, 28, 19, 31), hasTelemetry: false },
];

const fixture = async (version: string, file: string): Promise<Buffer> =>
  gunzipSync(await readFile(new URL(`${version}/${file}.gz`, FIXTURES)));

/** What must still be there, read as it was read from the old database. */
const QUESTIONS = {
  openAlerts: "select id, rule_id from alerts where state = 'firing' order by id",
  remediations: 'select id, policy, state from remediations order by id',
  tasks: 'select state, count(*) as tasks from tasks group by state order by state',
  pools: 'select pool_id, definition, state from pools order by pool_id',
  claims: 'select override_id as claim_id, pool_id, add_count from pool_scale_overrides order by override_id',
  agents: 'select agent_id, status, generation from agents order by agent_id',
  events: 'select count(*) as events, max(id) as last_id from events',
  tokens: 'select count(*) as tokens from access_tokens where revoked_at_ms is null',
} as const;

type Row = Readonly<Record<string, unknown>>;

/** A pool as 0.1.0 kept it, where `desired` was a column. */
function asColumns({ definition, ...pool }: Row): Row {
  const keys = JSON.parse(String(definition)) as Row;
  return { ...pool, desired: keys['desired'] };
}

async function answersOf(database: StateDatabase): Promise<Readonly<Record<string, unknown>>> {
  const answers: Record<string, readonly Row[]> = {};
  for (const [name, question] of Object.entries(QUESTIONS)) {
    answers[name] = (await sql.raw<Row>(question).execute(database.reader)).rows;
  }
  return { ...answers, pools: (answers['pools'] ?? []).map(asColumns) };
}

async function restore(place: StatePlace, version: string): Promise<void> {
  if ('directory' in place) {
    await writeFile(join(place.directory, 'state.sqlite'), await fixture(version, 'state.sqlite'));
    return;
  }
  const client = new Client({ connectionString: place.url });
  await client.connect();
  await client.query((await fixture(version, 'state.postgres.sql')).toString());
  await client.end();
}

describe.each(VERSIONS)('what $version left', ({ version, nowMs, hasTelemetry }) => {
  const clock = new VirtualClock(nowMs);

  describe.each(DATABASE_KINDS)('on $name', (kind) => {
    describe.skipIf(!kind.available)('as long as it is there', () => {
      beforeAll(() => kind.start(), 60_000);
      afterAll(() => kind.stop());

      it('opens, and keeps its open alerts, remediations, tasks, pools, agents and tokens', async () => {
        const place = await kind.createEmptyPlace();
        await restore(place, version);
        const database = await openStateDatabase({ ...place, clock, logger: silentLogger, role: 'server' });
        const contents = await readFile(new URL(`${version}/contents.json`, FIXTURES), 'utf8');
        const expected = JSON.parse(contents) as Record<string, Readonly<Record<string, readonly unknown[]>>>;
        const before = expected[database.dialect] ?? {};
        expect(before['openAlerts']?.length).toBeGreaterThan(0);
        expect(before['remediations']?.length).toBeGreaterThan(0);
        try {
          expect(await answersOf(database)).toEqual(before);
        } finally {
          await database.close();
        }
      }, 60_000);
    });
  });

  describe.runIf(hasTelemetry)('in its telemetry', () => {
    let directory: string;
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'omoi-upgrade-'));
      await writeFile(join(directory, 'telemetry.sqlite'), await fixture(version, 'telemetry.sqlite'));
      await mkdir(join(directory, 'tsdb'));
      for (const name of await readdir(new URL(`${version}/tsdb`, FIXTURES))) {
        const file = name.replace(/\.gz$/, '');
        await writeFile(join(directory, 'tsdb', file), await fixture(version, `tsdb/${file}`));
      }
    });
    afterEach(() => rm(directory, { recursive: true }));

    it('still has its traces and its samples', async () => {
      const options = { directory, clock, logger: silentLogger };
      const database = await openTelemetryDatabase({ ...options, role: 'server' });
      const tsdb = await createTsdb({
        ...options,
        selfMetrics: new SelfMetrics(),
        telemetryDatabase: database,
      });
      try {
        const { found } = await createSpanStore(database, clock).search({ limit: 1000 });
        expect(found.length).toBeGreaterThan(0);
        const series = await tsdb.select({
          matchers: [createMatcher(METRIC_NAME_LABEL, '=', 'agents_active')],
          startMs: nowMs - 600_000,
          endMs: nowMs,
        });
        expect(series.length).toBeGreaterThan(0);
      } finally {
        await tsdb.stop();
        await database.close();
      }
    });
  });
});
