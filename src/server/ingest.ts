import {
  createOtlpReceiver,
  createRemoteWriteReceiver,
  type OtlpReceiver,
  type RemoteWriteReceiver,
} from '#ingest';
import type { Fleet } from '#fleet';
import type { LogStore, SpanStore } from '#observability';
import { isReserved } from './own-metrics.ts';
import type { Ground } from './parts.ts';

export interface Ingest {
  readonly otlp: OtlpReceiver;
  readonly remoteWrite: RemoteWriteReceiver;
}

export interface IngestParts {
  readonly fleet: Pick<Fleet, 'agents'>;
  readonly spans: SpanStore;
  readonly logs: LogStore;
}

/** What takes telemetry in from others. */
export function createIngest(
  { sampleClock: clock, random, tsdb, metrics }: Ground,
  { fleet, ...stores }: IngestParts,
): Ingest {
  const redating = () => clock.redating();
  return {
    otlp: createOtlpReceiver({
      clock,
      random,
      samples: tsdb,
      ...stores,
      selfMetrics: metrics,
      redating,
      isReserved,
      agentPool: (agentId) => fleet.agents.get(agentId)?.poolId ?? null,
    }),
    remoteWrite: createRemoteWriteReceiver({
      clock,
      random,
      sink: tsdb,
      selfMetrics: metrics,
      redating,
      isReserved,
    }),
  };
}
