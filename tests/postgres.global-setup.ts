import type { TestProject } from 'vitest/node';
import { postgresForTests, startPostgres, type PostgresServer } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** An empty database; null where there is no PostgreSQL. */
    readonly postgresUrl: string | null;
  }
}

let server: PostgresServer | null = null;

/** Starts the PostgreSQL on which the tests of a project run. */
export async function setup(project: TestProject): Promise<void> {
  const programs = postgresForTests();
  server = programs === null ? null : await startPostgres(programs);
  project.provide('postgresUrl', (await server?.createDatabase()) ?? null);
}

export async function teardown(): Promise<void> {
  await server?.stop();
}
