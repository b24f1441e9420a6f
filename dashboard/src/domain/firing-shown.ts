/** What a page shows of the alerts that fire. */
export type FiringShown<Row> =
  | { readonly kind: 'nothing' }
  /** Some fire, and none of them has been read yet. */
  | { readonly kind: 'awaited'; readonly total: number }
  | { readonly kind: 'alerts'; readonly alerts: readonly Row[]; readonly total: number };

/**
 * How many fire is said by the server's count alone, wherever it is said: a list that was read a moment before or after
 * has alerts that have ended, or not yet those that have begun.
 */
export function firingShown<Row>(counted: number, alerts: readonly Row[]): FiringShown<Row> {
  if (counted === 0) return { kind: 'nothing' };
  if (alerts.length === 0) return { kind: 'awaited', total: counted };
  return { kind: 'alerts', alerts: alerts.slice(0, counted), total: counted };
}

/** Whether a list of at most so many rows is of another moment than the count: then it is to be read again. */
export function isOutdated(counted: number, { length }: readonly unknown[], rows: number): boolean {
  return Math.min(counted, rows) !== length;
}
