/**
 * A float as Go's strconv.FormatFloat writes it.
 * @param precision digits after the point (`e`, `f`) or significant digits (`g`); null: as few as tell it apart
 */
export function formatFloat(value: number, form: 'e' | 'f' | 'g', precision: number | null): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  switch (form) {
    case 'e':
      return sign + withGoExponent(precision === null ? size.toExponential() : size.toExponential(precision));
    case 'f':
      return sign + (precision === null ? plainDigits(size.toExponential()) : toFixed(size, precision));
    case 'g':
      return sign + formatGeneral(size, precision);
  }
}

/** The exponent from which `%g` without a precision stops writing plain digits: 100000, but 1e+06. */
const SHORTEST_EXPONENT_LIMIT = 6;

function formatGeneral(size: number, precision: number | null): string {
  if (size === 0) return '0';
  const digits = precision === null ? null : Math.max(1, precision);
  const scientific = digits === null ? size.toExponential() : size.toExponential(digits - 1);
  const split = scientific.indexOf('e');
  const exponent = Number(scientific.slice(split + 1));
  if (exponent < -4 || exponent >= (digits ?? SHORTEST_EXPONENT_LIMIT)) {
    return withGoExponent(`${withoutTrailingZeros(scientific.slice(0, split))}e${exponent}`);
  }
  return withoutTrailingZeros(plainDigits(scientific));
}

/** `1.5e-7` → `1.5e-07`: Go writes at least two digits of exponent. */
function withGoExponent(scientific: string): string {
  const [mantissa = '', exponent = '0'] = scientific.split('e');
  const size = exponent.replace(/^[+-]/, '');
  return `${mantissa}e${exponent.startsWith('-') ? '-' : '+'}${size.padStart(2, '0')}`;
}

/** `1.25e-3` → `0.00125`: JavaScript itself would switch to exponents at limits other than Go's. */
function plainDigits(scientific: string): string {
  const [mantissa = '', exponentText = '0'] = scientific.split('e');
  const exponent = Number(exponentText);
  const digits = mantissa.replace('.', '');
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits.padEnd(exponent + 1, '0');
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/** Number.prototype.toFixed turns to exponents from 1e21; integers of that size have no fraction to lose. */
function toFixed(size: number, precision: number): string {
  if (size < 1e21) return size.toFixed(Math.min(precision, 100));
  const whole = BigInt(size).toString();
  return precision === 0 ? whole : `${whole}.${'0'.repeat(precision)}`;
}

function withoutTrailingZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}
