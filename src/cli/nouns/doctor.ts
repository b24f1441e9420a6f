import { statfs } from 'node:fs/promises';
import { messageOf, OmoiError } from '#telemetry';
import { z } from 'zod';
import { askQuery } from '../query/ask.ts';
import { printable } from '../query/printable.ts';
import {
  clientOf,
  serverOf,
  urlOf,
  type Server,
  type ServerClient,
  type ServerFlags,
} from '../server-client.ts';
import { glanceOf } from '../terminal/ages.ts';
import { colourOfState, painted, wantsColours } from '../terminal/colours.ts';
import { printJson, printLines } from '../terminal/print.ts';
import { ok, problem, warning, type Diagnosis } from './diagnosis.ts';
import { receivers, RECEIVERS_PATH } from './receivers.ts';
import { diagnosesOfReceivers } from './refusing-receivers.ts';
import { watchdogLines, watchdogState } from './watchdog.ts';

type Check = (asked: Asked) => Promise<readonly Diagnosis[]>;

interface Asked {
  readonly server: Server;
  readonly client: ServerClient;
  /** Of this command line. */
  readonly version: string;
}

/** `omoi doctor`: what keeps an installation from working, each with what to do. @returns the exit status: 1 for a problem */
export async function examine(flags: ServerFlags, version: string): Promise<number> {
  const diagnoses = await diagnose(flags, version);
  if (flags.json === true) printJson({ checks: diagnoses });
  else printLines(diagnoses.flatMap(linesOf));
  return diagnoses.some(({ state }) => state === 'problem') ? 1 : 0;
}

async function diagnose(flags: ServerFlags, version: string): Promise<readonly Diagnosis[]> {
  let asked: Asked;
  let reached: Diagnosis;
  try {
    const server = serverOf(flags);
    asked = { server, client: clientOf(server), version };
    reached = await checkReady(asked);
  } catch (thrown) {
    // What is not there says itself what to do.
    const [what = '', ...todo] = messageOf(thrown).split('; ');
    return [problem('server', what, todo.length > 0 ? todo.join('; ') : remedyFor(thrown))];
  }
  const found = await Promise.all(CHECKS.map(([name, check]) => check(asked).catch(failed(name))));
  return [reached, ...asOne(found.flat())];
}

const NOT_LOOKED_AT = 'not looked at: ';

/** Who is not let in is told so once, with all that could not be looked at. */
export function asOne(diagnoses: readonly Diagnosis[]): readonly Diagnosis[] {
  const refused = diagnoses.filter(({ message }) => message.startsWith(NOT_LOOKED_AT));
  const [first, ...others] = refused;
  if (!first || others.length === 0 || new Set(refused.map(({ message }) => message)).size > 1)
    return diagnoses;
  const what = [...new Set(refused.map(({ check }) => check))].join(', ');
  const message = first.message.slice(NOT_LOOKED_AT.length);
  const told = { ...first, check: 'access', message: `${what} not looked at: ${message}` };
  return [told, ...diagnoses.filter((one) => !refused.includes(one))];
}

function remedyFor(thrown: unknown): string {
  const code = thrown instanceof OmoiError ? thrown.code : null;
  if (code === 'not_ready' || code === 'shutting_down')
    return 'wait a moment and ask again; its log says what it does';
  return 'start it (omoi serve), or say which one is meant: --data-directory, --url, omoi login';
}

function failed(check: string): (thrown: unknown) => readonly Diagnosis[] {
  return (thrown) => {
    const message = messageOf(thrown);
    const isRefused =
      thrown instanceof OmoiError && (thrown.code === 'unauthenticated' || thrown.code === 'forbidden');
    return isRefused
      ? [
          warning(
            check,
            `${NOT_LOOKED_AT}${message}`,
            'use a token of role viewer, operator or admin (omoi tokens create)',
          ),
        ]
      : [problem(check, message, `look it up: ${whereToRead(thrown)}`)];
  };
}

function whereToRead(thrown: unknown): string {
  const docs = thrown instanceof OmoiError ? thrown.details['docs'] : null;
  return typeof docs === 'string' ? docs : 'docs/errors.md';
}

const ready = z.object({ waits_for: z.string().optional() });

async function checkReady({ server, client }: Asked): Promise<Diagnosis> {
  const { waits_for: waitsFor } = ready.parse(await client.call('GET', '/readyz'));
  const url = urlOf(server);
  return waitsFor === undefined
    ? ok('server', `ready at ${url}`)
    : warning(
        'server',
        `ready at ${url}, but changes wait for ${waitsFor}`,
        'end what holds that lock in PostgreSQL',
      );
}

const session = z.object({ principal: z.object({ name: z.string(), role: z.string() }) });

const checkAccess: Check = async ({ client }) => {
  const { name, role } = session.parse(await client.call('GET', '/api/v1/session')).principal;
  return [
    ok('access', `you are ${name} (${role})${role === 'viewer' ? ': you may look, not give orders' : ''}`),
  ];
};

const buildInfo = z.object({ data: z.object({ revision: z.string() }) });

const checkVersion: Check = async ({ client, version }) => {
  const { data } = buildInfo.parse(await client.call('GET', '/prometheus/api/v1/status/buildinfo'));
  const theirs = data.revision.replace(/^omoi-/, '');
  return [
    theirs === version
      ? ok('version', `Omoi ${version} here and there`)
      : warning('version', `the server is Omoi ${theirs}, this is ${version}`, 'update the older one'),
  ];
};

const runtimeInfo = z.object({ data: z.object({ serverTime: z.string() }) });
const MAX_CLOCK_DIFFERENCE_MS = 5000;

const checkClock: Check = async ({ client }) => {
  const askedMs = Date.now();
  const { data } = runtimeInfo.parse(await client.call('GET', '/prometheus/api/v1/status/runtimeinfo'));
  const answeredMs = Date.now();
  const theirsMs = Date.parse(data.serverTime);
  const differenceMs = Math.max(askedMs - theirsMs, theirsMs - answeredMs, 0);
  return [
    differenceMs <= MAX_CLOCK_DIFFERENCE_MS
      ? ok('clock', 'the server’s and this machine’s clocks agree')
      : warning(
          'clock',
          `the server’s clock and this machine’s differ by ${glanceOf(differenceMs)}`,
          'have both follow a time server (chrony, systemd-timesyncd)',
        ),
  ];
};

const LOW_DISK_BYTES = 1024 ** 3;
const FULL_DISK_BYTES = 128 * 1024 ** 2;
const MIB = 1024 ** 2;

const checkDisk: Check = async ({ server }) => {
  if (server.kind !== 'local') return [];
  const { bavail, bsize } = await statfs(server.dataDirectory);
  const free = bavail * bsize;
  const message = `${Math.floor(free / MIB)} MiB are free where ${server.dataDirectory} is`;
  const remedy = 'make room, or shorten retention; when the disk is full the oldest telemetry goes';
  if (free < FULL_DISK_BYTES) return [problem('disk', message, remedy)];
  return [free < LOW_DISK_BYTES ? warning('disk', message, remedy) : ok('disk', message)];
};

const policies = z.object({ policies: z.array(z.object({ name: z.string(), mode: z.string() })) });

const checkPolicies: Check = async ({ client }) => {
  const found = policies.parse(await client.call('GET', '/api/v1/watchdog/policies?limit=500')).policies;
  const count = (mode: string): number => found.filter((one) => one.mode === mode).length;
  const modes = ['act', 'approve', 'observe'].filter((mode) => count(mode) > 0);
  const message = `${found.length} policies: ${modes.map((mode) => `${count(mode)} ${mode}`).join(', ')}`;
  if (found.length === 0)
    return [
      problem(
        'policies',
        'no policy is in force: nothing is repaired',
        'omoi check says which files are read',
      ),
    ];
  if (count('act') + count('approve') === 0) {
    return [
      warning(
        'policies',
        `${message}: they only say what they would do`,
        'set mode to approve or act when you trust one',
      ),
    ];
  }
  return [ok('policies', message)];
};

const checkWatchdog: Check = async ({ client }) => {
  const state = watchdogState.parse(await client.call('GET', '/api/v1/watchdog/state'));
  const lines = watchdogLines(state);
  if (state.states.length + state.storms.length === 0) return lines.map((line) => ok('watchdog', line));
  const remedy = state.states.some((one) => one.state === 'paused')
    ? 'omoi watchdog resume, when whoever paused it agrees'
    : 'it ends by itself; omoi events --type watchdog says how it came about';
  return lines.map((line) => warning('watchdog', line, remedy));
};

/** The fleet's own samples come at least this often. */
const MAX_SAMPLE_AGE_S = 60;
const SAMPLE_AGE = 'time() - max(timestamp(agents_by_status))';

const someAgents = z.object({ agents: z.array(z.unknown()) });

const checkTelemetry: Check = async ({ server, client }) => {
  const { data } = await askQuery(server, 'query', { query: SAMPLE_AGE });
  const [newest] = data.resultType === 'vector' ? data.result : [];
  const ageS = Number(newest?.value?.[1] ?? Infinity);
  if (ageS === Infinity) {
    const { agents } = someAgents.parse(await client.call('GET', '/api/v1/fleet/agents?limit=1'));
    if (agents.length === 0)
      return [ok('telemetry', 'there is no agent yet; omoi run --pool mine -- COMMAND makes one')];
  }
  return [
    ageS <= MAX_SAMPLE_AGE_S
      ? ok('telemetry', 'samples arrive')
      : problem(
          'telemetry',
          ageS < Infinity
            ? `the newest sample of the fleet is ${glanceOf(ageS * 1000)} old: alerts are judged by the past`
            : 'there is no sample of the fleet: no rule can see it',
          'look at the server’s log for the collectors, tsdb and the disk',
        ),
  ];
};

const overview = z.looseObject({
  warnings: z.array(z.looseObject({ key: z.string(), message: z.string() })).optional(),
});

const checkConfiguration: Check = async ({ client }) => {
  const { warnings = [] } = overview.parse(await client.call('GET', '/api/v1/overview'));
  if (warnings.length === 0) return [ok('configuration', 'the server warns of nothing')];
  return warnings.map(diagnosisOf);
};

/** What the server warns of is its configuration's, but for tasks that nobody serves. */
export function diagnosisOf({ key, message }: { readonly key: string; readonly message: string }): Diagnosis {
  return key === 'tasks'
    ? warning(
        'tasks',
        message,
        'start workers that claim them, or cancel them; omoi tasks list names them, omoi agents list who works',
      )
    : warning(
        'configuration',
        `${key}: ${message}`,
        'change the configuration; omoi check looks at it before a start',
      );
}

const checkReceivers: Check = async ({ client }) =>
  diagnosesOfReceivers(receivers.parse(await client.call('GET', RECEIVERS_PATH)).receivers, Date.now());

const CHECKS: readonly (readonly [string, Check])[] = [
  ['access', checkAccess],
  ['version', checkVersion],
  ['clock', checkClock],
  ['disk', checkDisk],
  ['policies', checkPolicies],
  ['watchdog', checkWatchdog],
  ['telemetry', checkTelemetry],
  ['receivers', checkReceivers],
  ['configuration', checkConfiguration],
];

const STATE_WIDTH = 'problem'.length;
const CHECK_WIDTH = 'configuration'.length;

function linesOf({ check, state, message, remedy }: Diagnosis): readonly string[] {
  const room = ' '.repeat(STATE_WIDTH - state.length);
  const told = wantsColours(process.stdout) ? painted(state, colourOfState(state)) : state;
  const lines = [`${told}${room}  ${check.padEnd(CHECK_WIDTH)}  ${printable(message)}`];
  return remedy === null
    ? lines
    : [...lines, `${' '.repeat(STATE_WIDTH + CHECK_WIDTH + 4)}→ ${printable(remedy)}`];
}
