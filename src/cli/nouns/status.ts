import { z } from 'zod';
import { printable } from '../query/printable.ts';
import { clientOf, serverOf, urlOf, type FollowFlags, type ServerClient } from '../server-client.ts';
import { colourOfState, painted, wantsColours } from '../terminal/colours.ts';
import { showWhole } from './shown.ts';
import { watchdogLines, watchdogState } from './watchdog.ts';

const hostDelay = z.object({
  seconds: z.number(),
  usual_heartbeat_ttl_seconds: z.number(),
  heartbeat_ttl_seconds: z.number(),
});

const overview = z.looseObject({
  agents: z.object({ by_status: z.record(z.string(), z.number()) }),
  alerts: z.object({
    firing: z.number(),
    unacknowledged: z.number(),
    by_severity: z.array(z.object({ severity: z.string(), firing: z.number() })),
  }),
  remediations: z.record(z.string(), z.number()),
  host_delay: hostDelay.nullish(),
  warnings: z.array(z.object({ key: z.string(), message: z.string() })),
});

/** `omoi status`: how the whole of it stands. */
export async function showStatus(flags: FollowFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  const url = urlOf(server);
  await showWhole(flags, {
    ask: () => readStatus(client),
    linesOf: (answer) => linesOf(url, answer),
    types: ['fleet.agent', 'fleet.task', 'monitor.alert', 'watchdog'],
  });
}

async function readStatus(client: ServerClient) {
  const [seen, watchdog] = await Promise.all([
    client.call('GET', '/api/v1/overview'),
    client.call('GET', '/api/v1/watchdog/state'),
  ]);
  return { ...overview.parse(seen), watchdog: watchdogState.parse(watchdog) };
}

type Status = Awaited<ReturnType<typeof readStatus>>;

export function linesOf(url: string, status: Status): readonly string[] {
  const { agents, alerts, remediations, warnings, watchdog, host_delay: delay } = status;
  const firing = alerts.by_severity.map(({ severity, firing: count }) => [severity, count] as const);
  const seen = alerts.firing === 0 ? '' : `; ${alerts.unacknowledged} not acknowledged`;
  return [
    `server    ${url}`,
    `agents    ${agentsText(agents.by_status)}`,
    `alerts    ${counts(firing, 'none fires')}${seen}`,
    `repairs   ${counts(repairsOf(remediations), 'none is open')}`,
    ...(delay ? [`host      ${delayLine(delay)}`] : []),
    ...watchdogLines(watchdog).map((line) => `watchdog  ${line}`),
    ...warnings.map(({ key, message }) => `warning   ${key === '' ? '' : `${key}: `}${printable(message)}`),
  ];
}

/** Those that are there; who has ended, and is not missed, is counted apart. */
function agentsText({ TERMINATED: ended = 0, ...present }: Readonly<Record<string, number>>): string {
  const there = counts(Object.entries(present), 'none');
  return ended === 0 ? there : `${there}; ${ended} ended`;
}

/** What a policy only observes is on the server's list of what is planned, and will not be done. */
function repairsOf({ observed = 0, planned = 0, ...others }: Status['remediations']) {
  return Object.entries({ planned: planned - observed, ...others, 'only observed': observed });
}

/** `1.2 s behind: agents are given 4.7 s instead of 3.5 s` */
function delayLine(delay: z.output<typeof hostDelay>): string {
  const [behind, ttl, usual] = [
    delay.seconds,
    delay.heartbeat_ttl_seconds,
    delay.usual_heartbeat_ttl_seconds,
  ].map((seconds) => `${Number(seconds.toFixed(1))} s`);
  return `${behind} behind: agents are given ${ttl} instead of ${usual}`;
}

function counts(found: readonly (readonly [string, number])[], none: string): string {
  const colours = wantsColours(process.stdout);
  const shown = found.filter(([, count]) => count > 0);
  if (shown.length === 0) return none;
  return shown
    .map(
      ([name, count]) =>
        `${count} ${colours ? painted(printable(name), colourOfState(name)) : printable(name)}`,
    )
    .join(', ');
}
