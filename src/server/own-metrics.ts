import { createMatcher, METRIC_NAME_LABEL, STANDARD_METRICS } from '#telemetry';
import type { Tsdb } from '#tsdb';

const OWN_PREFIX = 'omoi_';
const OWN_METRICS = new Set<string>([...Object.keys(STANDARD_METRICS), 'ALERTS', 'ALERTS_FOR_STATE']);
const HISTOGRAM_SUFFIX = /_(?:bucket|count|sum)$/;

/** What Omoi writes itself can make it act, so that nobody else may write it. */
export function isReserved(metricName: string): boolean {
  if (metricName.startsWith(OWN_PREFIX) || OWN_METRICS.has(metricName)) return true;
  return OWN_METRICS.has(metricName.replace(HISTOGRAM_SUFFIX, ''));
}

/** How far samples are dated ahead of the wall clock: read by who goes on after a restart, so that it is kept. */
export const SAMPLE_CLOCK_LEAD = 'omoi_sample_clock_lead_seconds';

/** When the process before this one last noted how far its samples were dated ahead, and how far; null where not since. */
export async function lastSampleClockLead(
  tsdb: Pick<Tsdb, 'selectLatest'>,
  sinceMs: number,
): Promise<{ readonly atMs: number; readonly leadMs: number } | null> {
  const { timestampsMs, values } = await tsdb.selectLatest({
    matchers: [createMatcher(METRIC_NAME_LABEL, '=', SAMPLE_CLOCK_LEAD)],
    startMs: sinceMs,
    endMs: Number.MAX_SAFE_INTEGER,
  });
  const [atMs, seconds] = [timestampsMs[0], values[0]];
  return atMs === undefined || seconds === undefined ? null : { atMs, leadMs: seconds * 1000 };
}

/** The newest time, ms since epoch, that Omoi itself dated a stored sample with; null where none is `sinceMs` or newer. */
export async function newestOwnSampleMs(
  tsdb: Pick<Tsdb, 'selectLatest'>,
  sinceMs: number,
): Promise<number | null> {
  const names = [...OWN_METRICS, `${OWN_PREFIX}.+`].join('|');
  const { timestampsMs } = await tsdb.selectLatest({
    matchers: [createMatcher(METRIC_NAME_LABEL, '=~', names)],
    startMs: sinceMs,
    endMs: Number.MAX_SAFE_INTEGER,
  });
  return timestampsMs.length === 0 ? null : timestampsMs.reduce((newest, ms) => Math.max(newest, ms));
}
