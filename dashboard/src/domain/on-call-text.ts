import type { OnCallSchedule } from '../api/wire.ts';
import { formatDuration, formatMoment } from './age.ts';

type OnCallPerson = NonNullable<OnCallSchedule['on_call']>;

/** Who is on call, and how that is told: `ann, told by pager; stands in`. */
export function describePerson(person: OnCallPerson | null): string {
  if (person === null) return 'nobody';
  const { person: name, receiver, override_id: override } = person;
  const told = receiver === null ? 'nobody knows how to tell them' : `told by ${receiver}`;
  return `${name}, ${told}${override === null ? '' : '; stands in'}`;
}

/** When somebody else has it, and who: `bob in 3h20m`. */
export function describeNext({ next }: Pick<OnCallSchedule, 'next'>, nowMs: number): string {
  if (next === null) return 'No hand-over within a month';
  const inMs = Math.max(0, Math.ceil((Date.parse(next.at) - nowMs) / 1_000) * 1_000);
  return `Then ${next.on_call?.person ?? 'nobody'}, in ${formatDuration(inMs)}`;
}

/** `weekly: ann, bob, within office`, the last layer first: it stands over the others. */
export function describeLayers({ layers }: Pick<OnCallSchedule, 'layers'>): readonly string[] {
  return layers.toReversed().map(({ people, rotation, during }) => {
    const turns = /^\d+$/.test(rotation) ? `every ${formatDuration(Number(rotation))}` : rotation;
    return `${turns}: ${people.join(', ')}${during === null ? '' : `, within ${during}`}`;
  });
}

/**
 * A moment by the clock in the schedule's zone, by which turns end; where the reader's clock shows another time, that one as well:
 * `Dec 7, 2026, 09:00:00 in Europe/Berlin, 08:00:00 here`.
 */
export function describeMoment(atMs: number, zone: string, nowMs: number): string {
  const here = formatMoment(atMs, nowMs);
  const there = formatMoment(atMs, nowMs, zone);
  return here === there ? here : `${there} in ${zone}, ${here} here`;
}

/** Who is offered to stand in: the first who is not on call anyway. */
export function standInFor(
  { on_call: now }: Pick<OnCallSchedule, 'on_call'>,
  people: readonly string[],
): string {
  return people.find((person) => person !== now?.person) ?? people[0] ?? '';
}
