import { useState } from 'react';

/** Each step shows so many times as much: five steps lead from twenty alerts to all of twenty thousand. */
const FACTOR = 4;

export interface PageSize {
  readonly rows: number;
  /** Shows one step more. */
  readonly more: () => void;
}

/** How many rows of a list are read: a few at first, more on demand. */
export function usePageSize(first: number): PageSize {
  const [rows, setRows] = useState(first);
  return { rows, more: () => setRows(rows * FACTOR) };
}
