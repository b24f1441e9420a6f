// Started by bench/tsdb.ts: the store behind its remote write route. Arguments: data directory, port.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import Fastify from 'fastify';
import { createRemoteWriteReceiver } from '#ingest';
import {
  SelfMetrics,
  createMatcher,
  createSystemClock,
  createSystemRandom,
  silentLogger,
  type Matcher,
} from '#telemetry';
import { createTsdb } from '#tsdb';
import { registerRemoteWriteRoutes } from '../../src/api/routes/remote-write.ts';

const [directory = '', port = '0'] = process.argv.slice(2);
const clock = createSystemClock();
const selfMetrics = new SelfMetrics();
const openedAt = performance.now();
const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics, directory });
const openMs = performance.now() - openedAt;
const receiver = createRemoteWriteReceiver({
  sink: tsdb,
  clock,
  random: createSystemRandom(),
  selfMetrics,
  isReserved: () => false,
});
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

// What a rule over ten series would be told, and how long after the request came in.
const ruleLatenciesMs: number[] = [];
const ruleMatchers: readonly Matcher[] = [
  createMatcher('__name__', '=', 'fleet_metric_7_value'),
  createMatcher('agent_id', '=~', 'agent-00000[0-9]'),
];
tsdb.onAppend(ruleMatchers, (notice) => {
  ruleLatenciesMs.push(clock.monotonicMs() - notice.origin.receivedMonotonicMs);
});

const app = Fastify({ forceCloseConnections: true });
app.decorateRequest('traceparent', null);
app.addHook('onRequest', async (request) => {
  request.principal = { kind: 'anonymous', id: 'anonymous', name: 'anonymous', role: 'none', scope: null };
});
registerRemoteWriteRoutes(app, { receiver, maxBodyBytes: 32 * 1024 * 1024 });
app.get('/ready', () => ({ ready: true }));
app.get('/stats', () => ({
  open_ms: openMs,
  recovery: tsdb.recovery,
  loop_delay_p99_ms: delay.percentile(99) / 1e6,
  loop_delay_max_ms: delay.max / 1e6,
  notice_p50_ms: percentile(ruleLatenciesMs, 0.5),
  notice_p99_ms: percentile(ruleLatenciesMs, 0.99),
  metrics: Object.fromEntries(selfMetrics.collect().map(({ name, points }) => [name, points[0]?.value])),
}));
app.post('/reset-stats', () => {
  delay.reset();
  ruleLatenciesMs.length = 0;
  return {};
});
/** Newest samples of one metric's series or of all; how long the store needs for it. */
app.get('/latest', () => {
  const endMs = clock.wallMs() + 600_000;
  const time = (matchers: readonly Matcher[]): number => {
    const times: number[] = [];
    for (let run = 0; run < 21; run++) {
      const startedAt = performance.now();
      void tsdb.selectLatest({ matchers, startMs: 0, endMs });
      times.push(performance.now() - startedAt);
    }
    return percentile(times, 0.5);
  };
  return {
    all_series_p50_ms: time([createMatcher('job', '=', 'omoi-fleet')]),
    ten_series_p50_ms: time(ruleMatchers),
  };
});
await app.listen({ host: '127.0.0.1', port: Number(port) });
process.once('SIGTERM', () => {
  void app
    .close()
    .then(() => tsdb.stop())
    .then(() => process.exit(0));
});

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
