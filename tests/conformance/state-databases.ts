import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { inject } from 'vitest';
import { databasesOf, type PostgresDatabases } from '../postgres-server.ts';
import '../postgres.global-setup.ts';
import { openPlace, type StatePlace } from './state-places.ts';

/** An implementation of the state database that the conformance suites run on, one after the other in the same process. */
export interface DatabaseKind {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** False where its program is missing; then its tests are skipped. */
  readonly available: boolean;
  start(): Promise<void>;
  createEmptyPlace(): Promise<StatePlace>;
  /** One that has had all migrations, which take longer than most of what a test does, and has no rows. */
  createPlace(): Promise<StatePlace>;
  stop(): Promise<void>;
}

/** Makes what places are copied from when the first of them is asked for. */
function onceMigrated<Place extends StatePlace>(createEmpty: () => Promise<Place>): () => Promise<Place> {
  let migrated: Promise<Place> | null = null;
  const migrate = async (): Promise<Place> => {
    const place = await createEmpty();
    await (await openPlace(place)).close();
    return place;
  };
  return () => (migrated ??= migrate());
}

function sqliteKind(): DatabaseKind {
  let root = '';
  const createEmptyPlace = async () => ({ directory: await mkdtemp(join(root, 'data-')) });
  let migrated = onceMigrated(createEmptyPlace);
  return {
    name: 'SQLite',
    available: true,
    async start() {
      root = await mkdtemp(join(tmpdir(), 'omoi-conformance-'));
      migrated = onceMigrated(createEmptyPlace);
    },
    createEmptyPlace,
    async createPlace() {
      const place = await createEmptyPlace();
      await cp((await migrated()).directory, place.directory, { recursive: true });
      return place;
    },
    stop: () => rm(root, { recursive: true, force: true }),
  };
}

export interface PostgresKind extends DatabaseKind {
  disconnectAll(url: string): Promise<void>;
}

/** On the server that the whole run has; each start makes databases of its own there. */
export function postgresKind(): PostgresKind {
  const serverUrl = inject('postgresUrl');
  let admin: Client | null = null;
  let databases: PostgresDatabases | null = null;
  const running = (): PostgresDatabases => {
    if (!databases) throw new Error('nobody is connected to PostgreSQL');
    return databases;
  };
  const createEmptyPlace = async () => ({ url: await running().createDatabase() });
  let migrated = onceMigrated(createEmptyPlace);
  return {
    name: 'PostgreSQL',
    available: serverUrl !== null,
    async start() {
      admin = new Client({ connectionString: serverUrl ?? '' });
      await admin.connect();
      databases = databasesOf(admin, serverUrl ?? '');
      migrated = onceMigrated(createEmptyPlace);
    },
    createEmptyPlace,
    createPlace: async () => ({ url: await running().createDatabase((await migrated()).url) }),
    disconnectAll: (url) => running().disconnectAll(url),
    stop: async () => admin?.end(),
  };
}

export const DATABASE_KINDS: readonly DatabaseKind[] = [sqliteKind(), postgresKind()];
