import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStateDatabase, type StateDatabase } from '#storage';
import { createSystemClock, silentLogger, type Clock } from '#telemetry';
import { serverProcesses } from '../../src/server/own-process.ts';
import { postgresForTests, startPostgres, type PostgresServer } from '../postgres-server.ts';

/** What `openStateDatabase` needs to find the same database again, also from another process. */
export type StatePlace = { readonly directory: string } | { readonly url: string };

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

export function openPlace(place: StatePlace, clock: Clock = createSystemClock()): Promise<StateDatabase> {
  const processes = serverProcesses();
  return openStateDatabase({ ...place, clock, logger: silentLogger, role: 'server', processes });
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

export function postgresKind(): PostgresKind {
  const programs = postgresForTests();
  let server: PostgresServer | null = null;
  const running = (): PostgresServer => {
    if (!server) throw new Error('PostgreSQL was not started');
    return server;
  };
  const createEmptyPlace = async () => ({ url: await running().createDatabase() });
  let migrated = onceMigrated(createEmptyPlace);
  return {
    name: 'PostgreSQL',
    available: programs !== null,
    async start() {
      if (programs !== null) server = await startPostgres(programs);
      migrated = onceMigrated(createEmptyPlace);
    },
    createEmptyPlace,
    createPlace: async () => ({ url: await running().createDatabase((await migrated()).url) }),
    disconnectAll: (url) => running().disconnectAll(url),
    async stop() {
      await server?.stop();
    },
  };
}

export const DATABASE_KINDS: readonly DatabaseKind[] = [sqliteKind(), postgresKind()];
