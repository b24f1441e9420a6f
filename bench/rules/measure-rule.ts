import { SampleBatch, type SeriesRef } from '#telemetry';
import { percentile, round } from '../tsdb/numbers.ts';
import { openRuleStage } from './stage.ts';

const otherSeries = 100_000;
const watchedSeries = 10;
export const RULE_ROUNDS = 2000;
const episodes = 100;

const RULES = `
groups:
  - name: bench
    interval: 1h
    rules:
      - alert: High
        expr: watched > 30
        labels: {severity: warning}
        annotations: {summary: '{{ $labels.id }} has {{ $value }}'}
`;

function quantiles(name: string, samples: number[]): Readonly<Record<string, number>> {
  return {
    [`${name}_p50_ms`]: round(percentile(samples, 0.5), 3),
    [`${name}_p99_ms`]: round(percentile(samples, 0.99), 3),
  };
}

/**
 * What an evaluation on arrival costs: one alerting rule over 10 series that were just appended, with 100,000
 * series in the store; and how long it takes from the append to the committed alert.
 */
export async function measureRule(): Promise<Readonly<Record<string, number>>> {
  const { alerting, bus, clock, tsdb, close } = await openRuleStage();
  const batch = new SampleBatch();
  function commit(refs: readonly SeriesRef[], value: number): void {
    batch.clear();
    const timeMs = Math.floor(clock.wallMs());
    for (const ref of refs) batch.add(ref, timeMs, value);
    tsdb.commit(batch, {
      source: 'collector',
      traceparent: null,
      receivedAtMs: clock.wallMs(),
      receivedMonotonicMs: clock.monotonicMs(),
    });
  }

  const others: SeriesRef[] = [];
  for (let at = 0; at < otherSeries; at++) {
    others.push(tsdb.series({ __name__: `other_${at % 500}`, id: String(at), job: `job-${at % 20}` }));
  }
  commit(others, 1);
  const watched = Array.from({ length: watchedSeries }, (_, at) =>
    tsdb.series({ __name__: 'watched', id: String(at), job: 'bench' }),
  );
  await alerting.rules.load([{ name: 'bench.yml', text: RULES }]);
  await alerting.start();
  const rule = alerting.rules.states.get('bench/High');
  if (!rule) throw new Error('the rule is not there');
  const statistics = async () => {
    const [group] = await alerting.overview();
    const [only] = group?.rules ?? [];
    if (!only) throw new Error('the rule is not there');
    return only.statistics;
  };

  /** Appends when the rule's pace lets it be evaluated at once. @returns when it was appended */
  async function nextEvaluation(refs: readonly SeriesRef[], value: number, pauseMs = 6): Promise<number> {
    await new Promise((resolve) => {
      setTimeout(resolve, pauseMs);
    });
    const before = (await statistics()).evaluations;
    const startedMs = performance.now();
    commit(refs, value);
    while ((await statistics()).evaluations === before) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    return startedMs;
  }

  const quietMs: number[] = [];
  for (let round = 0; round < RULE_ROUNDS; round++) {
    await nextEvaluation(watched, round % 30);
    quietMs.push((await statistics()).lastDurationMs);
  }

  const firingMs: number[] = [];
  await nextEvaluation(watched, 31);
  await rule.settled();
  for (let round = 0; round < RULE_ROUNDS / 2; round++) {
    await nextEvaluation(watched, 31 + (round % 30));
    firingMs.push((await statistics()).lastDurationMs);
  }
  await nextEvaluation(watched, 0);
  await rule.settled();

  const committedMs: number[] = [];
  for (let episode = 0; episode < episodes; episode++) {
    const fired = new Promise<number>((resolve) => {
      const listening = bus.listen((event) => {
        if (event.event_type !== 'monitor.alert.triggered') return;
        listening.stop();
        resolve(performance.now());
      });
    });
    const startedMs = await nextEvaluation(watched.slice(0, 1), 31, 25);
    committedMs.push((await fired) - startedMs);
    await nextEvaluation(watched.slice(0, 1), 0, 25);
    await rule.settled();
  }

  await close();
  return {
    ...quantiles('nothing_fires', quietMs.slice(200)),
    ...quantiles('all_fire', firingMs.slice(100)),
    ...quantiles('append_to_committed_alert', committedMs),
  };
}
