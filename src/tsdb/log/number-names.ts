/** A number as JSON keeps it: `"NaN"`, `"Infinity"`, `"-Infinity"` and `"-0"`, which it can't write, by their names. */
export function numberOrName(value: number): number | string {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}
