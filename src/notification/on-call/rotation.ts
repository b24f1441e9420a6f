import type { OnCallLayer } from '../configuration/omoi-settings.ts';
import { DAY_MS, MINUTE_MS, shownAt, type ShownMs, type ZoneTimes } from '../routing/zone-times.ts';
import { firstTimeAt } from './local-times.ts';

/** Who has a turn, and when it ends (wall ms). */
export interface Turn {
  readonly person: string;
  readonly untilMs: number;
}

/** Whose turn it is in a layer; null before its first. Turns end by the clock on the wall, whatever a day's length. */
export function turnAt(
  layer: OnCallLayer,
  { zone, wallMs, zones }: { readonly zone: string; readonly wallMs: number; readonly zones: ZoneTimes },
): Turn | null {
  const beginOf = (turn: number): number => firstTimeAt(zones, zone, handOver(layer, turn));
  if (wallMs < beginOf(0)) return null;
  let turn = Math.max(0, roughTurn(layer, shownAt(zones, zone, wallMs)));
  // Clocks that were changed meanwhile may put it one off.
  while (turn > 0 && beginOf(turn) > wallMs) turn--;
  while (beginOf(turn + 1) <= wallMs) turn++;
  const person = layer.people[turn % layer.people.length];
  return person === undefined ? null : { person, untilMs: beginOf(turn + 1) };
}

/** When a turn begins. The first begins on the layer's first day; those of a weekly rotation then on its weekday. */
function handOver(layer: OnCallLayer, turn: number): ShownMs {
  const first = firstShown(layer);
  const { rotation } = layer;
  if (rotation === 'daily') return first + turn * DAY_MS;
  if (rotation !== 'weekly') return first + turn * Math.max(rotation.everyMs, MINUTE_MS);
  if (turn === 0) return first;
  const days = (layer.handOverWeekday - new Date(first).getUTCDay() + 7) % 7 || 7;
  return first + (days + (turn - 1) * 7) * DAY_MS;
}

function roughTurn(layer: OnCallLayer, shown: ShownMs): number {
  const since = shown - firstShown(layer);
  const { rotation } = layer;
  if (rotation === 'daily') return Math.floor(since / DAY_MS);
  if (rotation !== 'weekly') return Math.floor(since / Math.max(rotation.everyMs, MINUTE_MS));
  return Math.floor(since / (7 * DAY_MS));
}

function firstShown({ startsOn, handOverMinute }: OnCallLayer): ShownMs {
  return Date.parse(`${startsOn}T00:00:00Z`) + handOverMinute * MINUTE_MS;
}
