/** How Go's strconv.FormatFloat writes a number. */
export type FloatForm = 'e' | 'f' | 'g';

/**
 * A float as Go writes it.
 * @param precision digits after the point (`e`, `f`) or significant digits (`g`), rounded to the nearest and from
 * halfway to the even one; null: as few digits as tell the number apart
 */
export function formatFloat(value: number, form: FloatForm, precision: number | null): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  switch (form) {
    case 'e':
      return sign + withGoExponent(scientific(size, precision));
    case 'f':
      return sign + (precision === null ? plainDigits(size.toExponential()) : toFixed(size, precision));
    case 'g':
      return sign + formatGeneral(size, precision);
  }
}

/** The exponent from which `%g` without a precision turns to exponents: 100000, but 1e+06. */
const SHORTEST_EXPONENT_LIMIT = 6;

function formatGeneral(size: number, precision: number | null): string {
  if (size === 0) return '0';
  const digits = precision === null ? null : Math.max(1, precision);
  const text = scientific(size, digits === null ? null : digits - 1);
  const split = text.indexOf('e');
  const exponent = Number(text.slice(split + 1));
  const mantissa = withoutTrailingZeros(text.slice(0, split));
  const limit = digits ?? SHORTEST_EXPONENT_LIMIT;
  if (exponent < -4 || exponent >= limit) return withGoExponent(`${mantissa}e${exponent}`);
  return withoutTrailingZeros(plainDigits(text));
}

/** `d.ddde±x`, with as many digits behind the point as asked for. */
function scientific(size: number, precision: number | null): string {
  if (precision === null) return size.toExponential();
  if (size === 0) return `${toFixed(0, precision)}e0`;
  let exponent = Number(size.toExponential(20).split('e')[1]);
  let digits = roundedAt(size, precision - exponent).toString();
  if (digits.length > precision + 1) {
    exponent++;
    digits = roundedAt(size, precision - exponent).toString();
  }
  return `${digits.slice(0, 1)}${precision > 0 ? `.${digits.slice(1)}` : ''}e${exponent}`;
}

function toFixed(size: number, precision: number): string {
  const digits = roundedAt(size, precision)
    .toString()
    .padStart(precision + 1, '0');
  if (precision === 0) return digits;
  return `${digits.slice(0, -precision)}.${digits.slice(-precision)}`;
}

const FRACTION_BITS = 52n;
const EXPONENT_BIAS = 1075;

/** `size × 10^scale`, computed exactly, rounded to the nearest integer and from halfway to the even one. */
function roundedAt(size: number, scale: number): bigint {
  const { mantissa, exponent } = binaryParts(size);
  let numerator = mantissa;
  let denominator = 1n;
  if (scale >= 0) numerator *= 10n ** BigInt(scale);
  else denominator *= 10n ** BigInt(-scale);
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  const quotient = numerator / denominator;
  const twice = (numerator - quotient * denominator) * 2n;
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

/** A finite, non-negative float as `mantissa × 2^exponent`. */
export function binaryParts(size: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, size);
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> FRACTION_BITS);
  const fraction = bits & ((1n << FRACTION_BITS) - 1n);
  if (exponent === 0) return { mantissa: fraction, exponent: 1 - EXPONENT_BIAS };
  return { mantissa: fraction | (1n << FRACTION_BITS), exponent: exponent - EXPONENT_BIAS };
}

/** `1.5e-7` → `1.5e-07`: Go writes at least two digits of exponent. */
function withGoExponent(text: string): string {
  const [mantissa = '', exponent = '0'] = text.split('e');
  const size = exponent.replace(/^[+-]/, '');
  return `${mantissa}e${exponent.startsWith('-') ? '-' : '+'}${size.padStart(2, '0')}`;
}

/** `1.25e-3` → `0.00125`: JavaScript itself would switch to exponents at limits other than Go's. */
function plainDigits(text: string): string {
  const [mantissa = '', exponentText = '0'] = text.split('e');
  const exponent = Number(exponentText);
  const digits = mantissa.replace('.', '');
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits.padEnd(exponent + 1, '0');
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function withoutTrailingZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}
