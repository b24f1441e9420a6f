import type { SystemEvent } from '#api';
import { formatDuration } from './age.ts';
import { sentence, words } from './event-sentence.ts';
import { remediationTone, type Tone } from './tone.ts';

/** What holds a remediation back, as far as its telling depends on it. */
export interface ToldHold {
  readonly guard: string;
  readonly reason: string;
  readonly holds: boolean;
  readonly lifts: string;
  readonly person: string | null;
  readonly until: string | null;
}

/** Where a repair stands, in a word or two: one that a guard holds back is not about to happen. */
export function describeStand({
  state,
  outcome,
  suppressions,
}: {
  readonly state: string;
  readonly outcome: string | null;
  readonly suppressions: readonly Pick<ToldHold, 'guard' | 'holds'>[];
}): { readonly text: string; readonly tone: Tone } {
  const hold = state === 'planned' ? suppressions.find(({ holds }) => holds) : undefined;
  if (hold?.guard === 'observe') return { text: 'only observed', tone: 'gone' };
  if (hold !== undefined) return { text: 'held back', tone: 'caution' };
  return { text: words(outcome ?? state), tone: remediationTone(state, outcome) };
}

/** What holds a repair back now, when that lifts, and what a person can do; null where nothing does. */
export function describeHold(holds: readonly ToldHold[], nowMs: number): string | null {
  const hold = holds.find((one) => one.holds);
  if (!hold) return null;
  const { guard, reason, lifts, person, until } = hold;
  // Its reason says what ends it.
  if (guard === 'observe') return `Not acted on: ${sentence(reason)}`;
  const leftMs = until === null ? null : Math.ceil((Date.parse(until) - nowMs) / 1000) * 1000;
  // What is over is looked at again within a moment: the server's word of it is a little old.
  const when = leftMs === null ? lifts : leftMs > 0 ? `in ${formatDuration(leftMs)}` : 'now';
  const told = `Held back by the guard ${words(guard)}: ${sentence(reason)} Lifts ${sentence(when)}`;
  return person === null ? told : `${told} You can ${sentence(person)}`;
}

/** A repair that was never planned, since a guard said at once that it cannot be. */
export interface NotPlanned {
  readonly policy: string;
  readonly guard: string;
  readonly reason: string;
}

/** Of what has happened around an alert the repairs that were never planned: the last word of each policy. */
export function notPlanned(events: readonly SystemEvent[]): readonly NotPlanned[] {
  const last = new Map<string, NotPlanned>();
  for (const event of events) {
    if (event.event_type !== 'watchdog.remediation.suppressed' || event.entity_type !== 'alert') continue;
    const { policy, guard, reason } = event.payload;
    last.set(policy, { policy, guard, reason });
  }
  return [...last.values()];
}

/** `Held back by the guard not managed: …` */
export function describeNotPlanned({ guard, reason }: NotPlanned): string {
  return `Held back by the guard ${words(guard)}: ${sentence(reason)}`;
}

/** The guards that held it back before; null where none did. */
export function describePastHolds(holds: readonly ToldHold[]): string | null {
  const past = holds.filter((one) => !one.holds).map(({ guard }) => words(guard));
  return past.length === 0
    ? null
    : `Was held back by the guard${past.length === 1 ? '' : 's'} ${past.join(', ')}.`;
}

/** `attempt 2 of 3`; null before the first. */
export function describeAttempts(remediation: {
  readonly attempts: number;
  readonly max_attempts: number;
}): string | null {
  const { attempts, max_attempts: most } = remediation;
  return attempts === 0 ? null : `attempt ${attempts} of ${most}`;
}
