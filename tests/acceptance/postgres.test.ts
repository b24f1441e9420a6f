import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLong } from '../long-tests.ts';
import { postgresForTests, startPostgres, type PostgresServer } from '../postgres-server.ts';
import { startGameday } from './support/gameday-process.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { workersOf } from './support/workers.ts';

const programs = postgresForTests();

describe.skipIf(programs === null)('omoi serve --demo on PostgreSQL', () => {
  const data = dataDirectory();
  const other = dataDirectory();
  let postgres: PostgresServer;
  let databaseUrl: string;
  let server: OmoiServer;

  beforeAll(async () => {
    postgres = await startPostgres(programs ?? '');
    databaseUrl = await postgres.createDatabase();
    server = await OmoiServer.start(data.path, { demo: true, env: { OMOI_DATABASE_URL: databaseUrl } });
  });

  afterAll(async () => {
    await server.stop('SIGINT');
    const left = workersOf(server);
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    await postgres.stop();
    data.remove();
    other.remove();
    expect(left).toEqual([]);
  });

  it('says where its state is, and not the password', () => {
    expect(server.stdout).toContain('state in PostgreSQL');
    expect(server.stdout).not.toContain('postgres://');
  });

  it('heals a worker that hangs', async () => {
    const { report, status, timeline } = await startGameday('worker_hang', data.path).report();
    expect([status, report.ok], timeline).toEqual([0, true]);
  });

  it.runIf(isLong)('heals a flooded queue', async () => {
    const { report, status, timeline } = await startGameday('high_queue_depth', data.path).report();
    expect([status, report.ok], timeline).toEqual([0, true]);
  });

  it.each([
    ['the same database', () => other.path],
    ['the same data directory', () => data.path],
  ])('refuses a second server on %s', async (_, directory) => {
    const second = await omoi(['serve'], {
      OMOI_DATA_DIRECTORY: directory(),
      OMOI_DATABASE_URL: databaseUrl,
      OMOI_HTTP_PORT: '0',
      OMOI_OTLP_PORT: '0',
    });
    expect(second.status).toBe(1);
    expect(second.stderr).toMatch(/\(database_busy\)$/m);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });
});
