import type { Silence } from '../api/wire.ts';
import { formatAgo, formatDuration } from './age.ts';
import type { Tone } from './tone.ts';

/** What the address says of the list of silences; what it does not say is those that have not ended. */
export interface SilenceSearch {
  readonly show?: Exclude<SilenceChoice, 'live'> | undefined;
}

export const SILENCE_CHOICES = ['live', 'active', 'pending', 'expired'] as const;
export type SilenceChoice = (typeof SILENCE_CHOICES)[number];

export const SILENCE_NAMES: Readonly<Record<SilenceChoice, string>> = {
  live: 'not ended',
  active: 'in force',
  pending: 'to come',
  expired: 'ended',
};

/** Reads an address; what it does not understand is left out. */
export function readSilenceSearch({ show }: Record<string, unknown>): SilenceSearch {
  const choice = SILENCE_CHOICES.find((one) => one === show);
  return choice === undefined || choice === 'live' ? {} : { show: choice };
}

/** Where a silence stands, in a word or two. */
export function describeSilenceState({ state }: Pick<Silence, 'state'>): {
  readonly text: string;
  readonly tone: Tone;
} {
  const tones = { active: 'caution', pending: 'busy', expired: 'gone' } as const;
  return { text: SILENCE_NAMES[state], tone: tones[state] };
}

const CAUSES: ReadonlyMap<string, string> = new Map([
  ['time', 'its time was over'],
  ['resolved', 'its alerts were over'],
  ['expired', 'before its time'],
  ['replaced', 'another took its place'],
]);

/** When it begins and ends, and how it ended. */
export function describeSilenceTime(silence: Silence, nowMs: number): string {
  const { state, starts_at: startsAt, ends_at: endsAt, until_resolved: untilResolved, end } = silence;
  const inMs = (at: string): string => formatDuration(Math.ceil((Date.parse(at) - nowMs) / 1_000) * 1_000);
  const sooner = untilResolved ? ', or with its alerts' : '';
  switch (state) {
    case 'active':
      return `ends in ${inMs(endsAt)}${sooner}`;
    case 'pending':
      return `begins in ${inMs(startsAt)}, for ${formatDuration(Date.parse(endsAt) - Date.parse(startsAt))}${sooner}`;
    case 'expired': {
      const how = end === null ? '' : `: ${CAUSES.get(end.cause) ?? end.cause}`;
      const by = end === null || end.by === null ? '' : ` by ${end.by}`;
      return `ended ${formatAgo(Date.parse(endsAt), nowMs)}${how}${by}`;
    }
  }
}

/** What a silence is for, one alternative each: `alertname="Down", team="web"`. */
export function silencedAlternatives({
  matcher_sets: sets,
}: Pick<Silence, 'matcher_sets'>): readonly string[] {
  return sets.map((matchers) => matchers.join(', '));
}
