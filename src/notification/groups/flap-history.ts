import type { FlappingSettings } from '../configuration/omoi-settings.ts';
import type { AggregationGroup } from './aggregation-group.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/** Label sets of which it is remembered how often they came back; of more the one that came back longest ago is forgotten. */
export const maxRememberedFlaps = 50_000;

/** A label set that comes back again and again. */
export interface Flapping {
  /** Episodes since it began to come back. */
  readonly episodes: number;
  /** Wall ms at which it has come back for the so manieth time. */
  readonly sinceMs: number;
  /** Wall ms from which on it does not flap any more unless it comes back. */
  readonly untilMs: number;
}

interface Returns {
  /** The starts of the last episodes, as many as make a label set flap. */
  readonly starts: number[];
  episodes: number;
  /** Null as long as it does not flap. */
  sinceMs: number | null;
}

/**
 * How often label sets come back, by the group that they are told of in. Not kept over a restart: then a label set has to
 * come back as often anew.
 */
export class FlapHistory {
  readonly #returns = new Map<string, Returns>();

  /** An alert has come into a group. */
  joined(alert: TrackedAlert, group: AggregationGroup): void {
    const { flapping } = group.route.omoi;
    if (flapping && alert.endsAtMs === null) this.note(keyOf(alert, group), alert.firedAtMs, flapping);
  }

  /** Null where it does not flap in the group. */
  of(alert: TrackedAlert, group: AggregationGroup, nowMs: number): Flapping | null {
    const { flapping } = group.route.omoi;
    return flapping && this.at(keyOf(alert, group), nowMs, flapping);
  }

  /** An episode begins. Told again of the same one it changes nothing. */
  note(key: string, startsAtMs: number, { episodes, withinMs }: FlappingSettings): void {
    const known = this.#returns.get(key);
    const last = known?.starts.at(-1);
    // Where it is much earlier the wall clock was set back, and it is another one.
    if (known && last !== undefined && startsAtMs <= last && last - startsAtMs < withinMs) return;
    this.#returns.delete(key);
    const goesOn = known !== undefined && last !== undefined && Math.abs(startsAtMs - last) < withinMs;
    const returns = goesOn ? known : { starts: [], episodes: 0, sinceMs: null };
    returns.starts.push(startsAtMs);
    returns.episodes++;
    if (returns.starts.length > episodes) returns.starts.splice(0, returns.starts.length - episodes);
    const [first = startsAtMs] = returns.starts;
    if (returns.starts.length === episodes && startsAtMs - first <= withinMs) returns.sinceMs ??= startsAtMs;
    this.#returns.set(key, returns);
    if (this.#returns.size <= maxRememberedFlaps) return;
    const [oldest] = this.#returns.keys();
    if (oldest !== undefined) this.#returns.delete(oldest);
  }

  /** Null where it does not flap at that time. */
  at(key: string, nowMs: number, { withinMs }: FlappingSettings): Flapping | null {
    const returns = this.#returns.get(key);
    const last = returns?.starts.at(-1);
    if (!returns || last === undefined || returns.sinceMs === null) return null;
    const untilMs = last + withinMs;
    return nowMs < untilMs && last - nowMs < withinMs
      ? { episodes: returns.episodes, sinceMs: returns.sinceMs, untilMs }
      : null;
  }
}

function keyOf({ fingerprint }: TrackedAlert, { id }: AggregationGroup): string {
  return `${id} ${fingerprint}`;
}
