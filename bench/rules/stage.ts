import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAlerting } from '#alerting';
import { createEventBus } from '#eventbus';
import { createEngine } from '#promql';
import { migrate, MIGRATIONS, openStateDatabase } from '#storage';
import { createSystemClock, createSystemRandom, SelfMetrics, silentLogger, type Tracing } from '#telemetry';
import { createTsdb } from '#tsdb';
import { silentSpan } from '../../src/telemetry/tracing/tracing.test-support.ts';

const silentTracing: Tracing = {
  startSpan: () => silentSpan('00-00000000000000000000000000000001-0000000000000001-01'),
};

/** The alerting on a database in a temporary folder and a store in memory, without rules. */
export async function openRuleStage() {
  const clock = createSystemClock();
  const random = createSystemRandom();
  const metrics = new SelfMetrics();
  const directory = mkdtempSync(join(tmpdir(), 'omoi-bench-'));
  const database = await openStateDatabase({ directory, clock, logger: silentLogger, role: 'server' });
  await migrate(database, { half: 'state', migrations: MIGRATIONS });
  const bus = createEventBus({ database, clock, random, logger: silentLogger, metrics });
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: metrics });
  const alerting = createAlerting({
    database,
    bus,
    clock,
    random,
    metrics,
    logger: silentLogger,
    tracing: silentTracing,
    engine: createEngine({ clock }),
    source: tsdb,
    sink: tsdb,
    // No stability: every other unit ends the episode, so that the next one can fire.
    options: { resolveStabilityMs: 0, startupGraceMs: 0, evaluationShare: 1 },
  });
  return {
    alerting,
    bus,
    clock,
    tsdb,
    close: async (): Promise<void> => {
      await alerting.stop();
      await bus.stop();
      await tsdb.stop();
      await database.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
