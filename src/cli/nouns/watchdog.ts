import { z } from 'zod';
import { printable } from '../query/printable.ts';
import { clientOf, serverOf, type FollowFlags, type ServerFlags } from '../server-client.ts';
import { ageOf } from '../terminal/ages.ts';
import { printJson, printLines } from '../terminal/print.ts';
import { showWhole } from './shown.ts';

const PATH = '/api/v1/watchdog';

export const watchdogState = z.object({
  states: z.array(z.object({ state: z.string(), reason: z.string(), by: z.string(), since: z.string() })),
  storms: z.array(z.object({ domain: z.string(), reason: z.string(), since: z.string() })),
  more_storms: z.number(),
  // A server of an earlier version does not tell them.
  maintenances: z.number().optional(),
  policies: z.object({ act: z.number(), approve: z.number(), observe: z.number() }).optional(),
});

/** `omoi watchdog state` */
export async function showState(flags: FollowFlags): Promise<void> {
  const client = clientOf(serverOf(flags));
  await showWhole(flags, {
    ask: () => client.call('GET', `${PATH}/state`),
    linesOf: (answer) => watchdogLines(watchdogState.parse(answer)),
    types: ['watchdog.state', 'watchdog.storm', 'watchdog.maintenance'],
  });
}

/** `omoi watchdog pause` */
export async function pauseWatchdog(flags: ServerFlags & { readonly reason: string }): Promise<void> {
  tell(await clientOf(serverOf(flags)).call('POST', `${PATH}/pause`, { reason: flags.reason }), flags);
}

/** `omoi watchdog resume` */
export async function resumeWatchdog(flags: ServerFlags): Promise<void> {
  tell(await clientOf(serverOf(flags)).call('POST', `${PATH}/resume`), flags);
}

function tell(answer: unknown, { json }: ServerFlags): void {
  if (json === true) printJson(answer);
  else printLines(watchdogLines(watchdogState.parse(answer)));
}

/** What holds repairs back, a line each; where nothing does, what is done about an ill agent. */
export function watchdogLines({
  states,
  storms,
  more_storms: more,
  maintenances = 0,
  policies,
}: z.output<typeof watchdogState>): readonly string[] {
  const lines = [
    ...states.map(({ state, reason, by, since }) => `${state} for ${ageOf(since)}, by ${by}: ${reason}`),
    ...storms.map(({ domain, reason, since }) => `storm in ${domain} for ${ageOf(since)}: ${reason}`),
    ...(more > 0 ? [`and storms in ${more} more failure domains`] : []),
    ...(maintenances > 0
      ? [`${maintenances} under maintenance, which nothing is done about: omoi maintenance list`]
      : []),
  ].map(printable);
  const inert = policies && inertLine(policies);
  if (inert) return [inert, ...lines];
  return lines.length === 0 ? ['at work: nothing holds repairs back'] : lines;
}

type PolicyModes = NonNullable<z.output<typeof watchdogState>['policies']>;

/** That nothing is repaired without a person; null where a policy acts. */
function inertLine({ act, approve, observe }: PolicyModes): string | null {
  if (act > 0) return null;
  if (approve + observe === 0) return 'without policies: nothing is repaired';
  return approve === 0
    ? `observes: none of ${observe} policies acts, they say what they would do (watchdog.mode)`
    : `asks: none of ${approve + observe} policies acts by itself, ${approve} ask a person (omoi remediations list)`;
}
