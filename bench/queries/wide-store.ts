import {
  createSystemClock,
  emptyLabels,
  SampleBatch,
  SelfMetrics,
  silentLogger,
  type Labels,
} from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';

const PHASES = ['PHASE_BACKLOG', 'PHASE_DESIGN', 'PHASE_IMPLEMENTATION', 'PHASE_TESTING', 'PHASE_DONE'];
const BOUNDS = ['0.005', '0.01', '0.05', '0.1', '0.5', '1', '5', '10', '30', '+Inf'];
const COMMIT_SERIES = 2000;

export interface WideStore {
  readonly tsdb: Tsdb;
  /** The time of all samples. */
  readonly nowMs: number;
}

/**
 * A store in memory with `series` series each of `wide`, `other` (the same label sets), `wide_info` (of the same
 * agents) and `wide_bucket` (ten buckets a histogram), one sample each.
 */
export async function createWideStore(series: number): Promise<WideStore> {
  const clock = createSystemClock();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
  const nowMs = clock.wallMs();
  let batch = new SampleBatch();
  let inBatch = 0;
  const commit = (): void => {
    const origin = { source: 'collector', traceparent: null, receivedAtMs: nowMs } as const;
    tsdb.commit(batch, { ...origin, receivedMonotonicMs: clock.monotonicMs() });
    batch = new SampleBatch();
    inBatch = 0;
  };
  const put = (labels: Labels, value: number): void => {
    batch.add(tsdb.series(labels), nowMs, value);
    if (++inBatch === COMMIT_SERIES) commit();
  };
  for (let at = 0; at < series; at++) {
    put(labelsOf('wide', at), (at * 7919) % 100_003);
    put(labelsOf('other', at), at % 100);
    put(makeLabels({ __name__: 'wide_info', agent_id: `agent-${at}`, version: `1.${at % 20}.0` }), 1);
    const histogram = Math.floor(at / BOUNDS.length);
    const place = at % BOUNDS.length;
    put({ ...labelsOf('wide_bucket', histogram), le: BOUNDS[place] ?? '' }, (place + 1) * 10);
  }
  commit();
  return { tsdb, nowMs };
}

function labelsOf(name: string, at: number): Labels {
  return makeLabels({
    __name__: name,
    agent_id: `agent-${at}`,
    instance: `host-${at % 50}:4600`,
    phase_id: PHASES[at % PHASES.length] ?? '',
  });
}

function makeLabels(pairs: Record<string, string>): Labels {
  return Object.assign(emptyLabels(), pairs);
}
