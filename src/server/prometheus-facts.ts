import { availableParallelism, hostname } from 'node:os';
import type { ServerFacts } from '#api';
import type { Engine } from '#promql';
import { formatDuration } from '#telemetry';
import { stringify } from 'yaml';
import type { ConfigInForce } from './config-in-force.ts';
import { prometheusFeatures } from './prometheus-features.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** What Omoi tells clients of Prometheus about itself. Nothing of it is a secret. */
export function prometheusFacts(
  inForce: ConfigInForce,
  engine: Engine,
  server: Pick<ServerFacts, 'version' | 'startedAtMs' | 'dataDirectory'>,
): ServerFacts {
  const { http, telemetry } = inForce.current;
  const retentionTime = formatDuration(telemetry.retention);
  const retentionSize = formatBytes(telemetry.retention_bytes);
  return {
    ...server,
    hostname: hostname(),
    cpuCount: availableParallelism(),
    storageRetention: `${retentionTime} or ${retentionSize}`,
    get configYaml() {
      const { alerting } = inForce.current;
      return stringify({
        global: { external_labels: alerting.external_labels },
        ...(alerting.rule_files.length > 0 && { rule_files: alerting.rule_files }),
      });
    },
    get isLastReloadSuccessful() {
      return inForce.isLastReloadSuccessful;
    },
    get lastConfigMs() {
      return inForce.lastSuccessMs;
    },
    get features() {
      return prometheusFeatures(engine.features, inForce.current);
    },
    flags: {
      'query.lookback-delta': formatDuration(engine.lookbackMs),
      'query.max-samples': String(engine.limits.maxSamples),
      'query.timeout': formatDuration(engine.limits.timeoutMs),
      'storage.tsdb.path': server.dataDirectory,
      'storage.tsdb.retention.size': retentionSize.replace('i', ''),
      'storage.tsdb.retention.time': retentionTime,
      'web.enable-remote-write-receiver': 'true',
      'web.listen-address': `${http.host}:${http.port}`,
      'web.route-prefix': '/prometheus',
    },
  };
}

/** In the largest unit that gives a whole number: Prometheus's size flags have no fractions. */
function formatBytes(bytes: number): string {
  let count = bytes;
  let unit = 0;
  while (count % 1024 === 0 && unit < UNITS.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${count}${UNITS[unit] ?? 'B'}`;
}
