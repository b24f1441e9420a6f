// The whole loop with the real parts and the real database (full sync): from the append of a sample to the committed
// `watchdog.remediation.started`. To reach with default settings: median 15 ms, p99 50 ms.
// npm run bench -- loop [--json]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Runtime } from '#fleet';
import { createSpanStore, createTracing } from '#observability';
import { Lifecycle, loadConfig, startParts } from '#server';
import { openStateDatabase, openTelemetryDatabase } from '#storage';
import {
  createSystemClock,
  createSystemRandom,
  definePool,
  SampleBatch,
  SelfMetrics,
  SteadyClock,
  silentLogger,
  type SystemEvent,
} from '#telemetry';
import { createTsdb } from '#tsdb';
import { percentile, round } from './tsdb/numbers.ts';

const EPISODES = 300;
const LIMIT_MS = 5000;

const RULES = `
groups:
  - name: bench
    rules:
      - alert: Trouble
        expr: trouble > 0
        labels: { severity: error }
`;
const POLICY = `
name: scale_on_trouble
match: ['alertname="Trouble"']
mode: act
target: { kind: pool, label: pool }
steps: [{ action: scale, add: 1, ttl: 1h, verify: { within: 1h } }]
guards: { cooldown: 0s, max_parallel: 1000, max_starts: 100000, window: 1s }
`;

/** Nothing is started: the pools have no room. */
const idleRuntime: Runtime = {
  name: 'process',
  start: () => Promise.resolve({ kind: 'failed', error: 'nothing is started in this bench' }),
  capabilities: { seesExitOfWatched: false, onThisMachine: false },
  discover: () => Promise.resolve(null),
  watch() {},
  observe: () => Promise.resolve({ kind: 'ended', exit: null }),
  activity: () => Promise.resolve(new Map()),
  stop: () => Promise.resolve(false),
  logs: () => Promise.resolve({ stdout: '', stderr: '' }),
  onEnd() {},
  close() {},
};

const directory = mkdtempSync(join(tmpdir(), 'omoi-bench-loop-'));
for (const folder of ['rules', 'policies']) mkdirSync(join(directory, folder));
writeFileSync(join(directory, 'rules/bench.yaml'), RULES);
writeFileSync(join(directory, 'policies/bench.yaml'), POLICY);
const config = loadConfig({
  file: null,
  environment: {
    OMOI_ALERTING_RULE_FILES: `[${join(directory, 'rules')}]`,
    OMOI_WATCHDOG_POLICY_FILES: `[${join(directory, 'policies')}]`,
    OMOI_ALERTING_DISABLE: "['*']",
    OMOI_WATCHDOG_DISABLE: "['*']",
  },
});

const clock = createSystemClock();
const random = createSystemRandom();
const metrics = new SelfMetrics();
const logger = silentLogger;
const lifecycle = new Lifecycle(clock);
const state = await openStateDatabase({ directory, clock, logger, role: 'server' });
const telemetry = await openTelemetryDatabase({ directory, clock, logger, role: 'server' });
const store = createSpanStore(telemetry, clock);
const tracing = createTracing({ store, clock, random, logger, metrics, serviceName: 'bench' });
const sampleClock = new SteadyClock(clock);
const tsdb = await createTsdb({
  clock: sampleClock,
  logger,
  selfMetrics: metrics,
  directory,
  telemetryDatabase: telemetry,
});
const parts = await startParts({
  config,
  lifecycle,
  connection: { url: '', otlpUrl: null, inheritedEnv: {} },
  ground: {
    clock,
    sampleClock,
    random,
    state,
    tsdb,
    tracing,
    metrics,
    runtimes: [idleRuntime],
    createSecret: () => 'bench',
    agentTokens: { mint: () => Promise.resolve(''), end: () => Promise.resolve() },
    grantOf: () => null,
    logger: () => logger,
  },
});

const asked = { reason: 'bench', by: 'bench', traceparent: null };
const waiting = new Map<string, (event: SystemEvent) => void>();
parts.bus.listen((event) => {
  if (event.event_type === 'watchdog.remediation.started') waiting.get(event.payload.target)?.(event);
});

async function episode(number: number): Promise<number> {
  const pool = `pool-${number}`;
  await parts.pools.create(
    definePool({ id: pool, command: ['true'], desired: 0, max: 0, onOrphan: 'leave' }),
    asked,
  );
  const ref = tsdb.series({ __name__: 'trouble', pool });
  const batch = new SampleBatch();
  batch.add(ref, clock.wallMs(), 1);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no remediation of ${pool} within ${LIMIT_MS} ms`)),
      LIMIT_MS,
    );
    const startedAt = performance.now();
    waiting.set(`pool:${pool}`, () => {
      clearTimeout(timer);
      waiting.delete(`pool:${pool}`);
      resolve(performance.now() - startedAt);
    });
    tsdb.commit(batch, {
      source: 'collector',
      traceparent: null,
      receivedAtMs: clock.wallMs(),
      receivedMonotonicMs: clock.monotonicMs(),
    });
  });
}

const latencies: number[] = [];
for (let number = 0; number < EPISODES; number++) latencies.push(await episode(number));
const at = (share: number): number => round(percentile(latencies, share));
const result = { episodes: EPISODES, p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), max_ms: at(1) };

await lifecycle.stop(logger);
await tracing.stop();
await tsdb.stop();
await telemetry.close();
await state.close();
rmSync(directory, { recursive: true, force: true });

if (process.argv.includes('--json')) console.log(JSON.stringify(result));
else {
  console.log(`append → committed watchdog.remediation.started, ${EPISODES} alerts, one after the other`);
  console.log(
    `p50 ${result.p50_ms} ms, p90 ${result.p90_ms} ms, p99 ${result.p99_ms} ms, max ${result.max_ms} ms`,
  );
}
