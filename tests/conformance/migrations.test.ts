import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompiledQuery } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  MIGRATIONS,
  migrate,
  openStateDatabase,
  openTelemetryDatabase,
  type Database,
  type Migration,
  type MigrationHalf,
} from '#storage';
import { createSystemClock, silentLogger } from '#telemetry';
import { DATABASE_KINDS } from './state-databases.ts';
import { openPlace } from './state-places.ts';

/** Tables with their columns, for a comparison of schemas. */
async function schemaOf<Tables>(database: Database<Tables>): Promise<readonly string[]> {
  return database.transaction(async (tx) => {
    const tables = await tx.db.introspection.getTables();
    return tables
      .flatMap((table) => table.columns.map((column) => `${table.name}.${column.name} ${column.dataType}`))
      .sort();
  });
}

/** Goes down one by one and up again, and compares the schema on each floor with what it was on the way up. */
async function climb<Tables>(database: Database<Tables>, half: MigrationHalf): Promise<void> {
  const names = MIGRATIONS.filter((migration) => migration[half] !== undefined).map(({ name }) => name);
  expect(names.length).toBeGreaterThan(0);
  const floors = [null, ...names];
  const schemas = new Map<string | null, readonly string[]>();
  await migrate(database, { half, migrations: MIGRATIONS, to: null });
  for (const to of floors) {
    await migrate(database, { half, migrations: MIGRATIONS, to });
    schemas.set(to, await schemaOf(database));
  }
  expect(
    schemas.get(null)?.filter((column) => !/^(?:schema_migrations|server_lease)\./.test(column)),
  ).toEqual([]);
  for (const to of floors.toReversed()) {
    await migrate(database, { half, migrations: MIGRATIONS, to });
    expect(await schemaOf(database), `down to ${to}`).toEqual(schemas.get(to));
  }
  await migrate(database, { half, migrations: MIGRATIONS });
  expect(await schemaOf(database)).toEqual(schemas.get(names.at(-1) ?? null));
}

const future: Migration = {
  name: '999_future',
  state: {
    async up(db) {
      await db.schema.createTable('hoverboards').addColumn('id', 'integer').execute();
    },
    async down(db) {
      await db.schema.dropTable('hoverboards').execute();
    },
  },
};

describe.each(DATABASE_KINDS)('migrations of the state on $name', (kind) => {
  describe.skipIf(!kind.available)('as long as it is there', () => {
    beforeAll(() => kind.start());
    afterAll(() => kind.stop());

    it('go up, down and up again', async () => {
      const database = await openPlace(await kind.createEmptyPlace());
      await climb(database, 'state');
      await database.close();
    });

    it('refuse a database that a newer version wrote, and change nothing', async () => {
      const place = await kind.createEmptyPlace();
      const openWith = (migrations: readonly Migration[], role: 'server' | 'tool' = 'server') =>
        openStateDatabase({
          ...place,
          clock: createSystemClock(),
          logger: silentLogger,
          role,
          migrations,
        });
      const newer = await openWith([...MIGRATIONS, future]);
      const before = await schemaOf(newer);
      await newer.close();
      for (const role of ['server', 'tool'] as const) {
        const older = openWith(MIGRATIONS, role);
        await expect(older).rejects.toMatchObject({ code: 'database_too_new' });
        await expect(older).rejects.toThrow('999_future');
      }
      const again = await openWith([...MIGRATIONS, future]);
      expect(await schemaOf(again)).toEqual(before);
      await again.close();
    });

    it('say of what was told before under which group key that was, as far as messages of it are left', async () => {
      const database = await openPlace(await kind.createEmptyPlace());
      await migrate(database, { half: 'state', migrations: MIGRATIONS, to: '077_kept_back_alerts' });
      const message = (id: string, groupId: string): string =>
        `insert into notifications (id, group_id, group_key, receiver, integration, reason, state, alerts, truncated,
          group_labels, route_labels, firing, resolved, attempts, created_at_ms, next_attempt_at_ms)
          values ('${id}', '${groupId}', '{}:{n="${id}"}', 'r', 'r/webhook/0', 'repeat', 'delivered', '[]', 0,
          '{"n":"${id}"}', '{"team":"web"}', '', '', 1, 1, 1)`;
      const entry = (groupId: string): string =>
        `insert into notification_log (group_id, integration, firing, resolved, notified_at_ms)
          values ('${groupId}', 'r/webhook/0', '', '', 1)`;
      const statements = [entry('g1'), entry('g2'), message('m1', 'g1'), message('m2', 'g1')];
      await database.transaction(async (tx) => {
        for (const statement of statements) await tx.db.executeQuery(CompiledQuery.raw(statement));
      });
      await migrate(database, { half: 'state', migrations: MIGRATIONS });
      const rows = database.reader.selectFrom('notification_log').orderBy('group_id');
      expect(await rows.select(['group_key', 'group_labels', 'route_labels']).execute()).toEqual([
        { group_key: '{}:{n="m2"}', group_labels: '{"n":"m2"}', route_labels: '{"team":"web"}' },
        { group_key: null, group_labels: null, route_labels: null },
      ]);
      await database.close();
    });

    it('take one transaction where nothing is missing', async () => {
      const database = await openPlace(await kind.createEmptyPlace());
      let transactions = 0;
      const counted: typeof database = {
        ...database,
        transaction(work, options) {
          transactions += 1;
          return database.transaction(work, options);
        },
      };
      await migrate(counted, { half: 'state', migrations: MIGRATIONS });
      expect(transactions).toBe(1);
      await database.close();
    });

    it('leave a broken step without a trace', async () => {
      const broken: Migration = {
        name: '998_broken',
        state: {
          async up(db) {
            await db.schema.createTable('half_done').addColumn('id', 'integer').execute();
            throw new Error('out of luck');
          },
          async down() {},
        },
      };
      const database = await openPlace(await kind.createEmptyPlace());
      const before = await schemaOf(database);
      await expect(migrate(database, { half: 'state', migrations: [...MIGRATIONS, broken] })).rejects.toThrow(
        'out of luck',
      );
      expect(await schemaOf(database)).toEqual(before);
      await database.close();
    });
  });
});

describe('migrations of the telemetry', () => {
  let directory = '';

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'omoi-telemetry-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const open = () =>
    openTelemetryDatabase({ directory, clock: createSystemClock(), logger: silentLogger, role: 'server' });

  it('go up, down and up again', async () => {
    const database = await open();
    await climb(database, 'telemetry');
    await database.close();
  });

  it('remove spans whose times nobody can read, and keep the others', async () => {
    const database = await open();
    await migrate(database, { half: 'telemetry', migrations: MIGRATIONS, to: '014_lists' });
    const rest = `'n', 'internal', 's', 1, 'unset', '{}', '[]', '[]'`;
    const columns =
      'trace_id, span_id, end_us, name, kind, service_name, start_us, status, attributes, links, events';
    await database.transaction(async (tx) => {
      for (const [id, end] of [
        ['readable', '2'],
        ['unreadable', '9007199254740992'],
      ]) {
        const insert = `insert into trace_spans (${columns}) values ('${id}', 'a', ${end}, ${rest})`;
        await tx.db.executeQuery(CompiledQuery.raw(insert));
      }
    });
    await migrate(database, { half: 'telemetry', migrations: MIGRATIONS });
    const left = await database.reader.selectFrom('trace_spans').selectAll().execute();
    expect(left.map((span) => span.trace_id)).toEqual(['readable']);
    await database.close();
  });
});
