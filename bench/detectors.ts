import {
  METRIC_NAME_LABEL,
  type SampleBatch,
  SelfMetrics,
  createSeededRandom,
  createSystemClock,
  type AppendOrigin,
  noneRefused,
} from '#telemetry';
import { baselineOf, signedScore } from '../src/monitor/detectors/baseline.ts';
import { RollingWindow } from '../src/monitor/detectors/rolling-window.ts';
import { SeriesJudge } from '../src/monitor/detectors/series-judge.ts';
import { watchSelector } from '../src/monitor/detectors/watch.ts';
import { SeriesAppender } from '../src/monitor/collectors/series-appender.ts';

/**
 * How fast the monitor's hot paths are: taking a sample of a watched series, one second of judging it (four
 * judgements and one learned value), and appending what a collector keeps.
 */
const SERIES = 2000;
const ROUNDS = 300;

const clock = createSystemClock();
const random = createSeededRandom(1);
const origin: AppendOrigin = {
  source: 'collector',
  traceparent: null,
  receivedAtMs: 0,
  receivedMonotonicMs: 0,
};

function report(what: string, count: number, startedMs: number): void {
  const seconds = (clock.monotonicMs() - startedMs) / 1000;
  const perSecond = Math.round(count / seconds);
  console.log(
    process.argv.includes('--json')
      ? JSON.stringify({ row: what, per_second: perSecond })
      : `${what}: ${perSecond.toLocaleString('en')} a second`,
  );
}

function benchJudges(): void {
  const judges = Array.from({ length: SERIES }, () => new SeriesJudge(watchSelector([]), null, null));
  let startedMs = clock.monotonicMs();
  for (let round = 0; round < ROUNDS; round++) {
    for (const judge of judges) judge.note(Math.floor(random.next() * 6), origin);
  }
  report('samples of watched series taken', SERIES * ROUNDS, startedMs);
  startedMs = clock.monotonicMs();
  for (let round = 0; round < ROUNDS; round++) {
    for (const judge of judges) {
      judge.note(Math.floor(random.next() * 6), origin);
      judge.learn(false);
      for (let judgement = 0; judgement < 4; judgement++) judge.judge();
    }
  }
  report('series-seconds judged', SERIES * ROUNDS, startedMs);
}

function benchWindow(): void {
  const window = new RollingWindow(300);
  let sum = 0;
  const startedMs = clock.monotonicMs();
  for (let at = 0; at < 500_000; at++) {
    window.push(random.next());
    sum += signedScore(0.5, baselineOf(window, null));
  }
  report(`baselines learned and read (${sum.toFixed(1)})`, 500_000, startedMs);
}

function benchAppender(): void {
  let refs = 0;
  const appender = new SeriesAppender({
    sink: {
      series: () => refs++,
      commit: (batch: SampleBatch) => ({
        accepted: batch.length,
        refused: noneRefused(),
        durable: () => Promise.resolve(),
      }),
    },
    clock,
    metrics: new SelfMetrics(),
    source: 'collector',
    maxSeries: SERIES,
  });
  const kept = Array.from({ length: SERIES }, (_, at) =>
    appender.open(METRIC_NAME_LABEL, { at: String(at) }),
  );
  const startedMs = clock.monotonicMs();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const series of kept) appender.put(series, round);
    appender.flush();
  }
  report('samples kept and batched', SERIES * ROUNDS, startedMs);
}

benchJudges();
benchWindow();
benchAppender();
