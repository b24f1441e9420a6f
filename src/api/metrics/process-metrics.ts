import { readdirSync } from 'node:fs';
import type { Clock, CollectedMetric } from '#telemetry';
import type { MetricFamily } from './exposition.ts';

/** What every Prometheus client says about its process, and which build of Omoi runs. */
export function createProcessMetrics(clock: Clock, version: string): () => readonly MetricFamily[] {
  const startedAtSeconds = (clock.wallMs() - process.uptime() * 1000) / 1000;
  return () => {
    const { user, system } = process.cpuUsage();
    const families: readonly CollectedMetric[] = [
      {
        name: 'omoi_build_info',
        type: 'gauge',
        help: 'Always 1; the labels tell which Omoi runs on which Node.',
        points: [{ suffix: '', labels: { version, node_version: process.versions.node }, value: 1 }],
      },
      single('process_cpu_seconds_total', 'counter', 'CPU time used, in seconds.', (user + system) / 1e6),
      single('process_resident_memory_bytes', 'gauge', 'Resident memory.', process.memoryUsage.rss()),
      single('process_start_time_seconds', 'gauge', 'Start of the process since epoch.', startedAtSeconds),
      single('process_open_fds', 'gauge', 'Open file descriptors.', countOpenFiles()),
    ];
    return families.filter((family) => family.points.every((point) => !Number.isNaN(point.value)));
  };
}

function single(name: string, type: 'counter' | 'gauge', help: string, value: number): CollectedMetric {
  return { name, type, help, points: [{ suffix: '', labels: {}, value }] };
}

/** NaN where there is no `/proc`. */
function countOpenFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return Number.NaN;
  }
}
