import type { CollectedMetric, Labels } from '#telemetry';

/** One metric with all its lines in the text format. */
export type MetricFamily = CollectedMetric;

/** The content type of the Prometheus text exposition format 0.0.4. */
export const EXPOSITION_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Families in the Prometheus text exposition format 0.0.4. Those without a point are left out. */
export function formatExposition(families: Iterable<MetricFamily>): string {
  let text = '';
  for (const { name, type, help, points } of families) {
    if (points.length === 0) continue;
    text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    for (const point of points) {
      text += `${name}${point.suffix}${formatPointLabels(point.labels)} ${formatValue(point.value)}\n`;
    }
  }
  return text;
}

function formatPointLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
