import {
  createOtlpReceiver,
  createRemoteWriteReceiver,
  type OtlpReceiver,
  type RemoteWriteReceiver,
} from '#ingest';
import type { Fleet } from '#fleet';
import type { LogStore, SpanStore } from '#observability';
import { STANDARD_METRICS } from '#telemetry';
import type { Ground } from './parts.ts';

export interface Ingest {
  readonly otlp: OtlpReceiver;
  readonly remoteWrite: RemoteWriteReceiver;
}

const OWN_METRICS = new Set<string>([...Object.keys(STANDARD_METRICS), 'ALERTS', 'ALERTS_FOR_STATE']);
const HISTOGRAM_SUFFIX = /_(?:bucket|count|sum)$/;

/** What Omoi writes itself can make it act, so that nobody else may write it. */
function isReserved(metricName: string): boolean {
  if (metricName.startsWith('omoi_') || OWN_METRICS.has(metricName)) return true;
  return OWN_METRICS.has(metricName.replace(HISTOGRAM_SUFFIX, ''));
}

export interface IngestParts {
  readonly fleet: Pick<Fleet, 'agents'>;
  readonly spans: SpanStore;
  readonly logs: LogStore;
}

/** What takes telemetry in from others. */
export function createIngest(
  { clock, random, tsdb, metrics }: Ground,
  { fleet, ...stores }: IngestParts,
): Ingest {
  return {
    otlp: createOtlpReceiver({
      clock,
      samples: tsdb,
      ...stores,
      selfMetrics: metrics,
      isReserved,
      agentPool: (agentId) => fleet.agents.get(agentId)?.poolId ?? null,
    }),
    remoteWrite: createRemoteWriteReceiver({ clock, random, sink: tsdb, selfMetrics: metrics, isReserved }),
  };
}
