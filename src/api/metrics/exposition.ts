import type { CollectedMetric, CollectedPoint, Labels } from '#telemetry';

/** One metric with all its lines in the text format; the points are read one by one while they are sent. */
export interface MetricFamily extends Pick<CollectedMetric, 'name' | 'type' | 'help'> {
  readonly points: Iterable<CollectedPoint>;
}

/** The content type of the Prometheus text exposition format 0.0.4. */
export const EXPOSITION_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Lines of a piece; a histogram's lines may make it longer. */
const linesPerPiece = 32;

/**
 * Families in the Prometheus text exposition format 0.0.4, in pieces between which their reader may pause. Those without
 * a point are left out. The lines of a histogram up to its count are in one piece: they are of one moment.
 */
export function* expositionOf(families: Iterable<MetricFamily>): Generator<string, void, void> {
  for (const { name, type, help, points } of families) {
    let piece = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    let lines = 0;
    let isEmpty = true;
    for (const { suffix, labels, value } of points) {
      piece += `${name}${suffix}${labelsText(labels)} ${valueText(value)}\n`;
      isEmpty = false;
      if (++lines < linesPerPiece || (suffix !== '' && suffix !== '_count')) continue;
      yield piece;
      piece = '';
      lines = 0;
    }
    if (!isEmpty && lines > 0) yield piece;
  }
}

function labelsText(labels: Labels): string {
  let text = '';
  for (const [name, value] of Object.entries(labels)) {
    text += `${text === '' ? '{' : ','}${name}="${escapeValue(value)}"`;
  }
  return text === '' ? '' : `${text}}`;
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

const SPECIAL = /[\\\n"]/;

function escapeValue(text: string): string {
  return SPECIAL.test(text) ? escapeHelp(text).replaceAll('"', '\\"') : text;
}
