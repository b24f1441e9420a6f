import { setTimeout as delay } from 'node:timers/promises';
import { Load, STEP_MS } from './load.ts';
import { percentile, round } from './numbers.ts';
import { Probes } from './probes.ts';
import { Client, writeAll } from './requests.ts';
import { memoryOf, type Target } from './target.ts';
import { withTarget, type Measured, type StartTarget } from './writing.ts';

const HOUR_MS = 3_600_000;
const WARM_UPS = 2;
const HUGE_SERIES = 100_000;
const HUGE_ROUNDS = 100;
/** All within the two hours that may be written. */
const HUGE_STEP_MS = 70_000;
const QUIET_MS = 10_000;

interface TimedQuery {
  readonly name: string;
  readonly runs: number;
  path(nowMs: number): string;
}

const INSTANT_QUERIES: readonly TimedQuery[] = [
  'sum by (phase_id) (fleet_metric_0_value)',
  'topk(5, fleet_metric_0_value)',
  'fleet_metric_0_value{agent_id="agent-000042"}',
].map((query) => ({
  name: query,
  runs: 20,
  // Not the same time twice, so that nobody answers from a cache.
  path: (nowMs) => `query?nocache=1&query=${encodeURIComponent(query)}&time=${nowMs / 1000}`,
}));

const RANGE_QUERIES: readonly TimedQuery[] = [
  'rate(fleet_metric_0_value[5m])',
  'sum by (phase_id) (rate(fleet_metric_0_value[5m]))',
].map((query) => ({
  name: query,
  runs: 5,
  path: (nowMs) =>
    `query_range?nocache=1&query=${encodeURIComponent(query)}&start=${(nowMs - HOUR_MS) / 1000}&end=${nowMs / 1000}&step=15`,
}));

interface Comparison {
  readonly series: number;
  readonly rounds: number;
  readonly queries: readonly TimedQuery[];
  readonly what: string;
}

const AT_ONE_TIME: Comparison = {
  series: 100_000,
  rounds: 4,
  queries: INSTANT_QUERIES,
  what: '100,000 series',
};
const OVER_TIME: Comparison = {
  series: 10_000,
  rounds: 261,
  queries: RANGE_QUERIES,
  what: '10,000 series, 1 h at 15 s',
};

export interface QueryTimes {
  readonly query: string;
  readonly target: string;
  readonly measured: Measured;
}

/** Queries over HTTP, to the last byte of the answer, on all servers in turn: what one run adds to the noise, all get. */
export async function measureQueries(
  starts: readonly StartTarget[],
  report: (times: QueryTimes) => void,
): Promise<void> {
  for (const comparison of [AT_ONE_TIME, OVER_TIME]) await compare(starts, comparison, report);
}

async function compare(
  starts: readonly StartTarget[],
  { series, rounds, queries, what }: Comparison,
  report: (times: QueryTimes) => void,
): Promise<void> {
  const targets: Target[] = [];
  try {
    const nowMs = Date.now();
    for (const start of starts) {
      const target = await start();
      targets.push(target);
      // A generator of its own that begins alike, so that all hold the same samples.
      const load = new Load({ series, batchSeries: 2000, metrics: 1 });
      // Over one connection: on several, a round of so few requests could overtake the one before.
      await writeAll(target, load.rounds(rounds, nowMs - (rounds - 1) * STEP_MS), 1);
    }
    for (const query of queries) {
      const times = await timesOf(query, targets, nowMs);
      for (const [target, measured] of times) {
        report({ query: `${query.name}, ${what}`, target: target.name, measured });
      }
    }
  } finally {
    for (const target of targets) {
      await target.stop();
      await target.remove();
    }
  }
}

async function timesOf(
  query: TimedQuery,
  targets: readonly Target[],
  nowMs: number,
): Promise<ReadonlyMap<Target, Measured>> {
  const clients = new Map(targets.map((target) => [target, new Client(target)] as const));
  const timesMs = new Map(targets.map((target) => [target, [] as number[]] as const));
  const bytes = new Map<Target, number>();
  for (let run = -WARM_UPS; run < query.runs; run++) {
    for (const [target, client] of clients) {
      const startedAt = performance.now();
      const answer = await client.read(query.path(nowMs + run));
      if (run >= 0) timesMs.get(target)?.push(performance.now() - startedAt);
      bytes.set(target, answer.length);
    }
  }
  for (const client of clients.values()) client.close();
  return new Map(
    Array.from(timesMs, ([target, times]) => [
      target,
      {
        p50_ms: round(percentile(times, 0.5)),
        p90_ms: round(percentile(times, 0.9)),
        runs: times.length,
        answer_bytes: bytes.get(target) ?? 0,
      },
    ]),
  );
}

/** A query that reads 10 million samples; on Omoi also what a rule and an agent notice of it. */
export function measureHuge(start: StartTarget): Promise<Measured> {
  return withTarget(start, async (target) => {
    const load = new Load({ series: HUGE_SERIES, batchSeries: 2000, metrics: 1 });
    const nowMs = Date.now();
    await writeAll(target, load.rounds(HUGE_ROUNDS, nowMs - (HUGE_ROUNDS - 1) * HUGE_STEP_MS, HUGE_STEP_MS));
    const query = encodeURIComponent('sum by (phase_id) (rate(fleet_metric_0_value[2h]))');
    const client = new Client(target);
    const ask = async (): Promise<number> => {
      const startedAt = performance.now();
      const answer = await client.read(`query?nocache=1&query=${query}&time=${nowMs / 1000}`);
      if (!answer.includes('PHASE_TESTING')) throw new Error(`${target.name} answered ${answer.toString()}`);
      return performance.now() - startedAt;
    };
    const peak = new PeakMemory(target.pid);
    try {
      const beside =
        target.name === 'omoi' ? await besideProbes(target, ask) : { seconds: (await ask()) / 1000 };
      return { ...beside, seconds: round(beside.seconds), peak_resident_mb: peak.stop() };
    } finally {
      peak.stop();
      client.close();
    }
  });
}

/** What probes read while nothing else happens, and beside the query. */
async function besideProbes(
  target: Target,
  ask: () => Promise<number>,
): Promise<Measured & { readonly seconds: number }> {
  const probes = await Probes.start(target);
  try {
    const quiet = await probes.during(delay(QUIET_MS));
    const asking = ask();
    const beside = await probes.during(asking);
    return { seconds: (await asking) / 1000, ...prefixed('quiet_', quiet), ...beside };
  } finally {
    probes.close();
  }
}

function prefixed(prefix: string, measured: object): Measured {
  return Object.fromEntries(
    Object.entries(measured).map(([name, value]) => [prefix + name, value as number]),
  );
}

class PeakMemory {
  readonly #timer: NodeJS.Timeout;
  #peak = 0;

  constructor(pid: number) {
    const look = (): void => {
      this.#peak = Math.max(this.#peak, memoryOf(pid).residentBytes);
    };
    look();
    this.#timer = setInterval(look, 50);
  }

  stop(): number {
    clearInterval(this.#timer);
    return Math.round(this.#peak / 1e6);
  }
}
