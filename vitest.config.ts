import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * For whatever the tests start from TypeScript, above all the thread of each SQLite database: without it each compiles its
 * sources anew, which is half of what a test of a database costs.
 */
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('node_modules/.cache/omoi-compile', import.meta.url),
);

/**
 * Large buffers are taken from the system one by one: zeroed by it where they are touched, and given back when they are freed.
 * glibc would raise that limit when it frees the first, and then clear each whole, of which a store makes a dozen and a test a hundred.
 */
process.env['MALLOC_MMAP_THRESHOLD_'] ??= '131072';

const conditions = ['omoi-source', 'node'];
const source = { resolve: { conditions }, ssr: { resolve: { conditions } } };
const execArgv = ['--conditions=omoi-source'];
/** Files at a time: vitest alone would leave one core of two idle. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

/**
 * What starts real processes, servers or threads is tried once more under CI=true: on a machine that others use too, one slow
 * second is no reason to refuse a change. The report names what was tried again; it is a fault to look for all the same.
 */
const retry = process.env['CI'] === 'true' ? 1 : 0;

/**
 * Tests of the fleet, the watchdog and silences, once more on PostgreSQL: a few always, with OMOI_LONG=1 all but those about what SQLite
 * alone does (how it plans a statement, that its transactions never overlap) or that ask no database.
 */
const onPostgres =
  process.env['OMOI_LONG'] === '1'
    ? {
        include: [
          'src/fleet/**/*.test.ts',
          'src/watchdog/**/*.test.ts',
          'src/notification/notification.{test,inhibition.test,reload.test,final-refusals.test}.ts',
          'src/notification/groups/{told-before-reload,incidents-after-reload}.test.ts',
          'src/notification/hold/changed-policies.test.ts',
          'src/notification/outbox/{partly-taken,stored-addresses}.test.ts',
          'src/notification/silences/**/*.test.ts',
          'src/alerting/alerts/alert-handling.test.ts',
          'src/alerting/posted/posted-alerts.test.ts',
        ],
        exclude: [
          'src/**/*.scale.test.ts',
          'src/**/claim-queries.test.ts',
          'src/**/start-times.test.ts',
          'src/**/waiting-claims.test.ts',
          'src/fleet/runtimes/**',
        ],
      }
    : {
        include: [
          'src/fleet/pools/restart.test.ts',
          'src/notification/silences/silences.test.ts',
          'src/watchdog/watchdog.test.ts',
          'src/watchdog/watchdog.{scale-overrides,storms}.test.ts',
        ],
      };

/** Unit tests stand beside their source; everything that starts real processes or servers is under tests/. */
export default defineConfig({
  ...source,
  test: {
    projects: [
      {
        ...source,
        test: {
          name: 'unit',
          include: ['src', 'agent/src', 'dashboard/src', 'bench'].map((part) => `${part}/**/*.test.ts`),
          execArgv,
          setupFiles: ['tests/property.setup.ts'],
          // They yield to tests that run whole servers at the same time.
          testTimeout: 400_000,
          hookTimeout: 120_000,
          retry,
          maxWorkers,
          // A worker of its own for each of 300 files costs more than a third of the whole run.
          isolate: false,
        },
      },
      {
        ...source,
        test: {
          name: 'postgres',
          ...onPostgres,
          execArgv,
          globalSetup: ['tests/postgres.global-setup.ts'],
          setupFiles: ['tests/property.setup.ts', 'tests/postgres.setup.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          retry,
          maxWorkers,
        },
      },
      {
        ...source,
        test: {
          name: 'conformance',
          include: ['tests/conformance/**/*.test.ts'],
          execArgv,
          globalSetup: ['tests/postgres.global-setup.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          retry,
          maxWorkers,
          isolate: false,
        },
      },
      {
        ...source,
        test: {
          name: 'simulation',
          include: ['tests/simulation/**/*.test.ts'],
          execArgv,
          testTimeout: 400_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
      {
        ...source,
        test: {
          name: 'acceptance',
          include: ['tests/acceptance/**/*.test.ts'],
          execArgv,
          testTimeout: 400_000,
          hookTimeout: 120_000,
          retry,
          // They wait more than they work; each server has its own directory and ports.
          maxWorkers: maxWorkers + 1,
          isolate: false,
        },
      },
      {
        ...source,
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          execArgv,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          retry,
          fileParallelism: false,
        },
      },
    ],
  },
});
