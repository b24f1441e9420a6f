import type { EndedSilencePlace, Silence, Silences } from '#notification';
import { type RowsBehind, rowsBehind } from '../http/paged-list.ts';

/** Where a page of silences ended: among those that have not ended, the newest first, or behind them. */
export type SilencePlace =
  | { readonly live: { readonly createdAtMs: number; readonly id: string } }
  | { readonly ended: EndedSilencePlace | null };

export type ListedSilences = Pick<Silences, 'list' | 'listEnded'>;

export interface SilenceChoice {
  /** Whether those that have ended are read, too. */
  readonly ended: boolean;
  readonly fits: (silence: Silence) => boolean;
}

/** Reads the silences that have not ended, the newest first, and behind them the ended ones, the last first. */
export function silencesBehind(
  silences: ListedSilences,
  choice: SilenceChoice,
): (after: SilencePlace | null, limit: number) => Promise<RowsBehind<Silence, SilencePlace>> {
  const live = silences.list().toSorted(compareNewest);
  return async (after, limit) => {
    if (after === null || 'live' in after) {
      const from = after === null ? 0 : live.findIndex((silence) => compareNewest(silence, after.live) > 0);
      const rows = from < 0 ? [] : live.slice(from, from + limit);
      const last = rows.at(-1);
      if (last) return { rows: rows.filter(choice.fits), next: { live: livePlaceOf(last) } };
    }
    if (!choice.ended) return { rows: [], next: null };
    const place = after !== null && 'ended' in after ? after.ended : null;
    const ended = rowsBehind(await silences.listEnded(place, limit), limit, endedPlaceOf);
    return { rows: ended.rows.filter(choice.fits), next: ended.next && { ended: ended.next } };
  };
}

function compareNewest(
  a: Pick<Silence, 'createdAtMs' | 'id'>,
  b: Pick<Silence, 'createdAtMs' | 'id'>,
): number {
  return b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function livePlaceOf({ createdAtMs, id }: Silence) {
  return { createdAtMs, id };
}

function endedPlaceOf({ endsAtMs, id }: Silence): EndedSilencePlace {
  return { endedAtMs: endsAtMs, id };
}

/** `l.1764504000000.ID`, `e.1764504000000.ID`, or `e` */
export function formatSilencePlace(place: SilencePlace): string {
  if ('live' in place) return `l.${place.live.createdAtMs}.${place.live.id}`;
  return place.ended === null ? 'e' : `e.${place.ended.endedAtMs}.${place.ended.id}`;
}

export function parseSilencePlace(text: string): SilencePlace {
  const [kind, ms, id = ''] = text.split('.');
  if (kind === 'l') return { live: { createdAtMs: Number(ms), id } };
  return { ended: ms === undefined ? null : { endedAtMs: Number(ms), id } };
}
