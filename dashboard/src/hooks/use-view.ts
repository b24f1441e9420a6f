import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ViewSearch } from '../domain/search.ts';

export interface View {
  readonly search: ViewSearch;
  /** The address of the page with another choice in it; undefined takes a choice back. */
  readonly changed: (change: ViewChange) => ViewChange;
  /** Goes there, without scrolling. */
  readonly change: (change: ViewChange) => void;
}

export type ViewChange = { readonly [Choice in keyof ViewSearch]?: ViewSearch[Choice] | undefined };

/** What the address of a page chooses to show, and the way to choose otherwise; what else it says stays. */
export function useView(): View {
  const search = useSearch({ from: '/inside' });
  const whole = useSearch({ strict: false });
  const navigate = useNavigate();
  const changed = (change: ViewChange): ViewChange => ({ ...whole, ...change });
  return {
    search,
    changed,
    change: (change) => void navigate({ to: '.', search: changed(change), resetScroll: false }),
  };
}
