/** Units that OpenTelemetry writes in UCUM, in Prometheus's words. */
const UNIT_WORDS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  Cel: 'celsius',
  Hz: 'hertz',
  '%': 'percent',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  m: 'meters',
};

export interface NamedMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'summary';
}

/**
 * The Prometheus name of an OpenTelemetry metric: other characters become `_`, the unit is appended in words
 * (annotations in braces are dropped, a unit of 1 on a gauge is a ratio), counters end in `_total`.
 * Source: the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility".
 */
export function prometheusName(metric: NamedMetric): string {
  const parts = escaped(metric.name).split('_').filter(Boolean);
  const suffixes = unitWords(metric.unit, metric.kind);
  const name = [
    ...parts.filter((part) => metric.kind !== 'counter' || part !== 'total'),
    ...suffixes.filter((word) => !parts.includes(word)),
  ];
  if (metric.kind === 'counter') name.push('total');
  const joined = name.join('_');
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}

/** An attribute key as a Prometheus label name. */
export function prometheusLabel(key: string): string {
  const name = escaped(key);
  return /^[0-9]/.test(name) ? `key_${name}` : name;
}

function escaped(name: string): string {
  return name.replace(/[^a-zA-Z0-9_:]/g, '_');
}

function unitWords(unit: string, kind: NamedMetric['kind']): readonly string[] {
  const bare = unit.replace(/\{[^}]*\}/g, '').trim();
  if (bare === '') return [];
  if (bare === '1') return kind === 'gauge' ? ['ratio'] : [];
  const [amount = '', per] = bare.split('/');
  const words = amount === '' ? [] : [UNIT_WORDS[amount] ?? escaped(amount)];
  if (per !== undefined && per !== '') words.push('per', singular(UNIT_WORDS[per] ?? escaped(per)));
  return words;
}

function singular(word: string): string {
  return word === 'hertz' || word === 'celsius' ? word : word.replace(/s$/, '');
}
