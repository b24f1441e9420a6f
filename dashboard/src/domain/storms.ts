import type { WatchdogState } from '../api/wire.ts';

/** A banner is one or two lines: so many storms are told of by name. */
const MAX_NAMED = 3;

type Held = WatchdogState['states'][number];

/** Why repairs are held back: a storm with the failure domains that it is in now, of which the first one had begun it. */
export function reasonOf({ state, reason }: Held, { storms, more_storms: more }: WatchdogState): string {
  if (state !== 'storm' || storms.length === 0) return reason;
  const named = storms.slice(0, MAX_NAMED).map((storm) => `in ${storm.domain} ${storm.reason}`);
  const others = storms.length + more - named.length;
  return [...named, ...(others > 0 ? [`and ${others} more`] : [])].join('; ');
}
