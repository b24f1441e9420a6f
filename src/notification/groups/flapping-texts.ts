import { labelValue, toRfc3339 } from '#telemetry';
import type { Muted } from '../stages/mute-stage.ts';
import type { Flapping } from './flap-history.ts';
import type { TrackedAlert } from './tracked-alert.ts';

export const maxNamed = 3;

/** That one is over which may come back at once is not told. */
export function keptByFlapping({ episodes, untilMs }: Flapping): Muted {
  const reason = `flapping, in ${episodes} episodes: that it is over is told at ${toRfc3339(untilMs)} unless it comes back`;
  return { stage: 'flapping', reason, untilMs };
}

/** What a message says of those that flap; null where none does. */
export function flappingNote(
  alerts: readonly TrackedAlert[],
  flapping: ReadonlyMap<string, Flapping>,
): string | null {
  if (flapping.size === 0) return null;
  const told = alerts.flatMap(({ fingerprint, labels }) => {
    const flaps = flapping.get(fingerprint);
    return flaps ? [`${labelValue(labels, 'alertname')} (${flaps.episodes} episodes)`] : [];
  });
  if (told.length === 0) return null;
  const more = told.length > maxNamed ? ` and ${told.length - maxNamed} more` : '';
  return `Flapping: ${told.slice(0, maxNamed).join(', ')}${more}. Its end is told once it stays away.`;
}
