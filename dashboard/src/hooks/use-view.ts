import { useNavigate, useSearch } from '@tanstack/react-router';
import type { MissionControlSearch } from '../domain/search.ts';

export interface View {
  readonly search: MissionControlSearch;
  /** The address with another choice in it; undefined takes a choice back. */
  readonly changed: (change: ViewChange) => MissionControlSearch;
  /** Goes there, without scrolling. */
  readonly change: (change: ViewChange) => void;
}

export type ViewChange = {
  readonly [Choice in keyof MissionControlSearch]?: MissionControlSearch[Choice] | undefined;
};

/** What the address of mission control chooses to show, and the way to choose otherwise. */
export function useView(): View {
  const search = useSearch({ from: '/inside/' });
  const navigate = useNavigate();
  const changed = (change: ViewChange): MissionControlSearch => {
    const { pool = search.pool, agent = search.agent, range = search.range, events = search.events } = change;
    const keepsPool = !('pool' in change && change.pool === undefined) && pool !== undefined;
    const keepsAgent = !('agent' in change && change.agent === undefined) && agent !== undefined;
    return { ...(keepsPool ? { pool } : {}), ...(keepsAgent ? { agent } : {}), range, events };
  };
  return {
    search,
    changed,
    change: (change) => void navigate({ to: '/', search: changed(change), resetScroll: false }),
  };
}
