import { useState } from 'react';

/** Rows that somebody has selected, by their ids. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly toggle: (id: string) => void;
  /** These and no others. */
  readonly choose: (ids: readonly string[]) => void;
  readonly clear: () => void;
}

const NONE: ReadonlySet<string> = new Set();

export function useSelection(): Selection {
  const [ids, setIds] = useState(NONE);
  return {
    ids,
    toggle: (id) => setIds((before) => before.symmetricDifference(new Set([id]))),
    choose: (chosen) => setIds(new Set(chosen)),
    clear: () => setIds(NONE),
  };
}
