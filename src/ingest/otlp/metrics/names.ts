/** UCUM units in Prometheus's words; others stay as they are. */
const UNIT_WORDS: ReadonlyMap<string, string> = new Map([
  ['d', 'days'],
  ['h', 'hours'],
  ['min', 'minutes'],
  ['s', 'seconds'],
  ['ms', 'milliseconds'],
  ['us', 'microseconds'],
  ['ns', 'nanoseconds'],
  ['By', 'bytes'],
  ['KiBy', 'kibibytes'],
  ['MiBy', 'mebibytes'],
  ['GiBy', 'gibibytes'],
  ['TiBy', 'tibibytes'],
  ['KBy', 'kilobytes'],
  ['MBy', 'megabytes'],
  ['GBy', 'gigabytes'],
  ['TBy', 'terabytes'],
  ['m', 'meters'],
  ['V', 'volts'],
  ['A', 'amperes'],
  ['J', 'joules'],
  ['W', 'watts'],
  ['g', 'grams'],
  ['Cel', 'celsius'],
  ['Hz', 'hertz'],
  ['1', ''],
  ['%', 'percent'],
]);

/** Units after a slash. */
const PER_WORDS: ReadonlyMap<string, string> = new Map([
  ['s', 'second'],
  ['m', 'minute'],
  ['h', 'hour'],
  ['d', 'day'],
  ['w', 'week'],
  ['mo', 'month'],
  ['y', 'year'],
]);

export type PrometheusType = 'counter' | 'gauge' | 'histogram' | 'summary';

export interface NamedMetric {
  readonly name: string;
  readonly unit: string;
  readonly type: PrometheusType;
}

/**
 * The Prometheus name of an OpenTelemetry metric, as Prometheus's own OTLP receiver gives it (prometheus/otlptranslator,
 * metric_namer.go, with suffixes and without UTF-8): letters, digits and colons in groups joined by `_`, the unit in
 * words unless the name has it, `total` at the end of counters, `ratio` at the end of gauges in `1`.
 * @returns null where nothing is left of the name
 */
export function prometheusName({ name, unit, type }: NamedMetric): string | null {
  let words = name.split(/[^a-zA-Z0-9:]+/).filter(Boolean);
  const { main, per } = unitWords(unit);
  const perWord = per === 'per_' || words.includes(trimEnd(per)) ? '' : trimEnd(per);
  const mainWord = words.includes(main) ? '' : perWord === '' ? main : trimEnd(main);
  words = [...words, ...[mainWord, perWord].filter(Boolean)];
  if (type === 'counter') words = [...words.filter((word) => word !== 'total'), 'total'];
  if (type === 'gauge' && unit === '1') words = [...words.filter((word) => word !== 'ratio'), 'ratio'];
  const joined = words.join('_');
  if (joined === '' || name === '') return null;
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}

/** The words of a unit like `By/s`: its part before the slash, and `per_…`. Parts in braces are annotations. */
function unitWords(unit: string): { readonly main: string; readonly per: string } {
  const slash = unit.indexOf('/');
  const mainUnit = (slash === -1 ? unit : unit.slice(0, slash)).trim();
  const perUnit = slash === -1 ? '' : unit.slice(slash + 1).trim();
  const main = isAnnotated(mainUnit) ? '' : (UNIT_WORDS.get(mainUnit) ?? mainUnit);
  const per = isAnnotated(perUnit) ? '' : (PER_WORDS.get(perUnit) ?? perUnit);
  return { main: clean(main), per: clean(per === '' ? '' : `per_${per}`) };
}

function isAnnotated(unit: string): boolean {
  return /[{}]/.test(unit);
}

function clean(words: string): string {
  return words.replace(/[^a-zA-Z0-9:]+/g, '_').replace(/^_/, '');
}

function trimEnd(words: string): string {
  return words.replace(/_$/, '');
}

/**
 * The Prometheus label of an attribute (prometheus/otlptranslator, label_namer.go): what is no letter or digit becomes
 * `_`, several of it one; a digit in front gets `key_`; `__…__` stays.
 * @returns null where nothing but `_` would be left
 */
export function prometheusLabel(key: string): string | null {
  const reserved = /^__(.*)__$/s.exec(key);
  const name = (reserved?.[1] ?? key).replace(/[^a-zA-Z0-9]+/g, '_');
  const label = reserved ? `__${name}__` : name;
  if (/^_*$/.test(label)) return null;
  return /^[0-9]/.test(label) ? `key_${label}` : label;
}

/** A bound of a bucket, or a quantile, as Go writes it with `FormatFloat(f, 'f', -1, 64)`: digits, never an exponent. */
export function floatText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const parts = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!parts) return text;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = parts;
  const exponent = Number(exponentText);
  const digits = whole + fraction;
  const point = whole.length + exponent;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}
