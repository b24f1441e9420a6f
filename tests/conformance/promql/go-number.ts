const INTEGER = /^([+-]?)(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|[1-9][0-9_]*)$/;
const FLOAT = /^[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** A number as Go's `strconv` reads it (an integer of any base before a float); null for what is none. */
export function parseGoNumber(text: string): number | null {
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  const integer = INTEGER.exec(text);
  if (integer) {
    const [, sign = '', digits = ''] = integer;
    const octal = /^0[0-7_]/.test(digits) ? `0o${digits.slice(1)}` : digits;
    const value = Number(octal.replaceAll('_', ''));
    return sign === '-' ? -value : value;
  }
  return FLOAT.test(text) ? Number(text.replaceAll('_', '')) : null;
}
