import type { OmoiSettings, OnCallLayer, OnCallSchedule } from '../configuration/omoi-settings.ts';
import type { TimeIntervals } from '../routing/time-intervals.ts';
import { ZoneTimes } from '../routing/zone-times.ts';
import type { OnCallOverride, OnCallOverrides } from './on-call-overrides.ts';
import { turnAt, type Turn } from './rotation.ts';

/** Who is on call by a schedule at a time. */
export interface OnCallPerson {
  readonly person: string;
  /** By which receiver the person is told; null where the configuration names none any more. */
  readonly receiver: string | null;
  /** The override that says so; null where a layer does. */
  readonly override: OnCallOverride | null;
  /** Which of the schedule's layers, from 0; null where an override says so. */
  readonly layer: number | null;
}

export interface OnCallParts {
  readonly omoi: Pick<OmoiSettings, 'onCall' | 'people'>;
  readonly intervals: Pick<TimeIntervals, 'namesWithin' | 'nextEdge'>;
  readonly overrides: Pick<OnCallOverrides, 'at' | 'list'>;
}

/** The next change is looked for within so long … */
export const maxLookAheadMs = 31 * 86_400_000;
/** … at so many times at most. */
export const maxLooks = 200;
/** How far ahead a layer's time interval is looked at. */
const maxIntervalLookMs = 24 * 3_600_000;

/** The schedules of a configuration with what people have changed of them. */
export class OnCall {
  readonly #parts: OnCallParts;
  readonly #zones = new ZoneTimes();
  /** The turn that was asked about last, from when it was asked on: who asks mostly asks about now. */
  readonly #turns = new Map<OnCallLayer, Turn & { readonly fromMs: number }>();

  constructor(parts: OnCallParts) {
    this.#parts = parts;
  }

  schedules(): Iterable<OnCallSchedule> {
    return this.#parts.omoi.onCall.values();
  }

  has(schedule: string): boolean {
    return this.#parts.omoi.onCall.has(schedule);
  }

  people(): readonly string[] {
    return [...this.#parts.omoi.people.keys()];
  }

  /** Null while nobody is: no layer has begun, or each is outside its time. */
  at(name: string, wallMs: number): OnCallPerson | null {
    const schedule = this.#parts.omoi.onCall.get(name);
    if (!schedule) return null;
    const override = this.#overrideAt(name, wallMs);
    if (override) return { ...this.#tell(override.person), override, layer: null };
    for (let layer = schedule.layers.length - 1; layer >= 0; layer--) {
      const person = this.#personOf(schedule, layer, wallMs);
      if (person !== null) return { ...this.#tell(person), override: null, layer };
    }
    return null;
  }

  /** When somebody else is on call, or nobody, and who that is; null where that is further away than a month. */
  nextChange(
    name: string,
    wallMs: number,
  ): { readonly atMs: number; readonly onCall: OnCallPerson | null } | null {
    const schedule = this.#parts.omoi.onCall.get(name);
    if (!schedule) return null;
    const now = this.at(name, wallMs)?.person;
    let atMs = wallMs;
    for (let looks = 0; looks < maxLooks; looks++) {
      atMs = this.#nextLook(schedule, atMs);
      if (atMs > wallMs + maxLookAheadMs) return null;
      const onCall = this.at(name, atMs);
      if (onCall?.person !== now) return { atMs, onCall };
    }
    return null;
  }

  /** One for somebody whom the configuration does not name any more counts for nothing: nobody would be told. */
  #overrideAt(name: string, wallMs: number): OnCallOverride | null {
    const { omoi, overrides } = this.#parts;
    return overrides.at(name, wallMs, ({ person }) => omoi.people.has(person));
  }

  #tell(person: string): Pick<OnCallPerson, 'person' | 'receiver'> {
    return { person, receiver: this.#parts.omoi.people.get(person)?.receiver ?? null };
  }

  #personOf({ layers, timeZone: zone }: OnCallSchedule, at: number, wallMs: number): string | null {
    const layer = layers[at];
    if (!layer || !this.#counts(layer.during, wallMs)) return null;
    const known = this.#turns.get(layer);
    if (known && wallMs >= known.fromMs && wallMs < known.untilMs) return known.person;
    const turn = turnAt(layer, { zone, wallMs, zones: this.#zones });
    if (turn) this.#turns.set(layer, { ...turn, fromMs: wallMs });
    return turn?.person ?? null;
  }

  #counts(during: string | null, wallMs: number): boolean {
    return during === null || this.#parts.intervals.namesWithin([during], wallMs).length > 0;
  }

  /** The next time at which something may be otherwise. */
  #nextLook({ name, layers, timeZone: zone }: OnCallSchedule, afterMs: number): number {
    const times = [afterMs + maxIntervalLookMs];
    for (const { startsAtMs, endsAtMs } of this.#parts.overrides.list(name, afterMs)) {
      times.push(startsAtMs, endsAtMs);
    }
    for (const layer of layers) {
      const turn = turnAt(layer, { zone, wallMs: afterMs, zones: this.#zones });
      if (turn) times.push(turn.untilMs);
      if (layer.during !== null) {
        times.push(this.#parts.intervals.nextEdge(layer.during, afterMs, afterMs + maxIntervalLookMs));
      }
    }
    return Math.min(...times.filter((ms) => ms > afterMs));
  }
}
