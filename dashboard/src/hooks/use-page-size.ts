import { useState } from 'react';

export interface PageSize {
  readonly rows: number;
  /** Shows one step more; undefined at the end. */
  readonly more: (() => void) | undefined;
}

export interface PageSteps {
  readonly first: number;
  readonly step: number;
  readonly max: number;
}

/** How many rows of a list are shown: a few at first, more on demand, and never so many that the page gets slow. */
export function usePageSize({ first, step, max }: PageSteps): PageSize {
  const [rows, setRows] = useState(first);
  return { rows, more: rows < max ? () => setRows(Math.min(max, rows + step)) : undefined };
}
