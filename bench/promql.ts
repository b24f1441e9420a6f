import {
  createSystemClock,
  type Labels,
  type LatestSamples,
  type Queryable,
  type SelectedSeries,
} from '#telemetry';
import { createEngine } from '#promql';
import { measureRule, RULE_ROUNDS } from './rules/measure-rule.ts';
import { percentile } from './tsdb/numbers.ts';
import { measureQueries } from './tsdb/reading.ts';
import { INSTALLED, startOmoi, startPrometheus, startVictoriaMetrics } from './tsdb/target.ts';

/**
 * The evaluator by itself, on samples that are already decoded in memory; then whole servers over HTTP, Prometheus
 * and VictoriaMetrics beside Omoi where they are installed; then one rule. `--json` prints a line
 * for each when it is measured, and all of them at the end.
 */
interface Measured {
  readonly name: string;
  readonly target: string;
  readonly medianMs: number;
  readonly runs: number;
}

const isJson = process.argv.includes('--json');
const STEP_MS = 15_000;
const HOUR_MS = 3_600_000;
/** What is to be reached over HTTP, by how the query begins. */
const SERVED_TARGETS = [
  ['sum by (phase_id) (fleet', '≤ 20 ms and ≤ Prometheus'],
  ['rate(', '≤ 1.5 × Prometheus'],
  ['sum by (phase_id) (rate(', '≤ 1.5 × Prometheus'],
] as const;
const PHASES = ['PHASE_BACKLOG', 'PHASE_DESIGN', 'PHASE_IMPLEMENTATION', 'PHASE_TESTING', 'PHASE_DONE'];

/** Series with samples every 15 s; a counter that is reset now and then. */
function counters(count: number, durationMs: number): readonly SelectedSeries[] {
  const samples = durationMs / STEP_MS + 1;
  return Array.from({ length: count }, (_, series) => {
    const timestampsMs = new Float64Array(samples);
    const values = new Float64Array(samples);
    let value = series;
    for (let at = 0; at < samples; at++) {
      value = (at + series) % 977 === 0 ? 0 : value + ((series * 7 + at) % 13);
      timestampsMs[at] = at * STEP_MS;
      values[at] = value;
    }
    return { labels: labelsOf(series), timestampsMs, values };
  });
}

function labelsOf(series: number): Labels {
  return {
    __name__: 'm_total',
    phase_id: PHASES[series % PHASES.length] ?? '',
    agent_id: `agent-${series}`,
    instance: `host-${series % 50}:4600`,
  };
}

function latestOf(series: readonly Labels[], timeMs: number): LatestSamples {
  return {
    labels: series,
    timestampsMs: new Float64Array(series.length).fill(timeMs),
    values: new Float64Array(series.length).map((_, at) => at % 100),
  };
}

async function measure(name: string, target: string, runs: number, run: () => unknown): Promise<Measured> {
  for (let warmUp = 0; warmUp < Math.max(2, runs / 5); warmUp++) await run();
  const times: number[] = [];
  for (let at = 0; at < runs; at++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return { name, target, medianMs: percentile(times, 0.5), runs };
}

const results: Measured[] = [];

function report(measured: Measured): void {
  results.push(measured);
  const { name, medianMs, target } = measured;
  console.log(isJson ? JSON.stringify(measured) : `${medianMs.toFixed(3)} ms  ${name}  (${target})`);
}

async function measureServed(): Promise<void> {
  const starts = [startOmoi];
  if (INSTALLED.prometheus) starts.push(startPrometheus);
  if (INSTALLED.victoriaMetrics) starts.push(startVictoriaMetrics);
  await measureQueries(starts, ({ query, target, measured }) => {
    const aim = SERVED_TARGETS.find(([part]) => query.startsWith(part))?.[1] ?? '';
    report({
      name: `${target} over HTTP: ${query}`,
      target: target === 'omoi' ? aim : 'beside it',
      medianMs: Number(measured['p50_ms']),
      runs: Number(measured['runs']),
    });
  });
}

async function main(): Promise<void> {
  const engine = createEngine({ clock: createSystemClock() });
  const wide = counters(10_000, HOUR_MS + 300_000);
  const range: Queryable = { select: () => wide };
  const bounds = { startMs: 300_000, endMs: 300_000 + HOUR_MS, stepMs: STEP_MS };
  for (const query of [
    'rate(m_total[5m])',
    'sum by (phase_id) (rate(m_total[5m]))',
    'avg_over_time(m_total[5m])',
  ]) {
    const prepared = engine.prepare(query);
    report(
      await measure(`${query}, 10,000 series, 1 h at 15 s`, '≤ 1.5 × Prometheus', 5, () =>
        prepared.range(range, bounds),
      ),
    );
  }

  const labels = Array.from({ length: 100_000 }, (_, series) => labelsOf(series));
  const latest = latestOf(labels, 1000);
  const instant: Queryable = { select: () => [], selectLatest: () => latest };
  for (const query of [
    'sum by (phase_id) (m_total)',
    'm_total > 98',
    'sum by (phase_id, instance) (m_total)',
  ]) {
    const prepared = engine.prepare(query);
    report(
      await measure(`${query}, 100,000 series, instant`, '≤ 20 ms', 25, () =>
        prepared.instant(instant, 1000),
      ),
    );
  }

  const few = latestOf(labels.slice(0, 10), 1000);
  const small: Queryable = { select: () => [], selectLatest: () => few };
  for (const query of ['m_total > 5', 'sum by (phase_id) (m_total) > 10 and on () vector(1)']) {
    const prepared = engine.prepare(query);
    report(
      await measure(`${query}, 10 series, one rule`, '≤ 0.2 ms', 2000, () => prepared.instant(small, 1000)),
    );
  }

  report(
    await measure('prepare sum by (a) (rate(b{c="d"}[5m])) > 1', '', 2000, () =>
      engine.prepare('sum by (a) (rate(b{c="d"}[5m])) > 1'),
    ),
  );

  await measureServed();
  const rule = await measureRule();
  report({
    name: 'one rule over 10 series that just arrived, 100,000 series in the store',
    target: '≤ 0.2 ms',
    medianMs: rule['nothing_fires_p50_ms'] ?? NaN,
    runs: RULE_ROUNDS,
  });

  if (isJson) console.log(JSON.stringify({ bench: 'promql', results }));
}

await main();
