import { hostname } from 'node:os';
import { findServer } from '#server';
import { AGENT_TYPES, EXIT_EXPECTATIONS, nameText, OmoiError, parseDuration } from '#telemetry';
import { readLogins } from './logins.ts';
import { agentLabels } from './run/agent-labels.ts';
import { agentToken } from './run/agent-token.ts';
import { defaultAgentId, freeAgentId } from './run/default-agent-id.ts';
import { givenIdentity } from './run/given-identity.ts';
import { LEFT_BEHIND_CHOICES } from './run/left-behind.ts';
import { runCommand } from './run/run-command.ts';
import { addressOf } from './server-address.ts';
import { aside } from './terminal/aside.ts';

export interface RunFlags {
  /** Left out where a pool has started this process: then it is that pool's agent. */
  readonly pool?: string;
  readonly id?: string;
  readonly type: string;
  readonly expect?: string;
  readonly leftBehind: string;
  /** A duration, or `never`. */
  readonly stallAfter?: string;
  /** Each `name=value`. */
  readonly label?: readonly string[];
  readonly url?: string;
  readonly dataDirectory?: string;
}

/** Whoever looks every few seconds sees no less. */
const MIN_STALL_AFTER_MS = 1000;
const DEFAULT_URL = 'http://127.0.0.1:4600';
const DEFAULT_DIRECTORY = '.omoi';

/**
 * `omoi run`: the exit status is the command's. Where a pool has started this process the command is the pool's agent,
 * whatever the flags say; elsewhere it is an external one.
 */
export async function run(command: readonly string[], flags: RunFlags): Promise<number> {
  if (command[0] === '')
    throw new OmoiError('invalid_request', 'the command is empty: name a program behind --');
  const given = givenIdentity(process.env);
  const agentType = oneOf('type', AGENT_TYPES, given?.agentType ?? flags.type);
  // What a pool starts is to run on; what a person starts is done when it ends well.
  const expect = oneOf('expect', EXIT_EXPECTATIONS, flags.expect ?? (given ? 'forever' : 'once'));
  const leftBehind = oneOf('left-behind', LEFT_BEHIND_CHOICES, flags.leftBehind);
  const poolId = given?.poolId ?? flags.pool;
  if (poolId === undefined) throw new OmoiError('invalid_request', '--pool: name the pool it belongs to');
  named('pool', poolId);
  // Of what a pool has started the server knows the machine.
  const labels = agentLabels(flags.label ?? [], given ? null : hostname());
  const { url, dataDirectory } = placeOf(flags);
  const said = given?.agentId ?? flags.id;
  const surroundings = { poolId, host: hostname(), directory: process.cwd() };
  const agentId = named('id', said ?? (await freeAgentId(defaultAgentId(surroundings))));
  if (given) tellIgnored({ id: agentId, pool: poolId }, flags);
  const warn = (message: string): void => aside(`omoi run: ${message}`);
  const token = await agentToken({ url, dataDirectory, agentId, poolId, env: process.env, warn });
  try {
    return await runCommand({
      command,
      agentId,
      agentType,
      poolId,
      phaseId: process.env['OMOI_PHASE_ID'] ?? null,
      labels,
      given,
      expect,
      leftBehind,
      stallAfterMs: stallAfterMs(flags.stallAfter, given ? process.env['OMOI_STALL_AFTER_MS'] : undefined),
      url,
      token: token.secret,
      dataDirectory,
      env: process.env,
    });
  } finally {
    await token.revoke();
  }
}

/** What a variable says; an empty one says nothing, and a secret that comes from a file often ends with a line break. */
function saidBy(variable: string): string | null {
  return process.env[variable]?.trim() || null;
}

/**
 * The server that the agent reports to, found as for any other command, and where the output is kept.
 * @throws OmoiError `invalid_request` for an address that is none
 */
function placeOf(flags: RunFlags): { readonly url: string; readonly dataDirectory: string } {
  const said = flags.dataDirectory ?? saidBy('OMOI_DATA_DIRECTORY');
  const dataDirectory = said ?? DEFAULT_DIRECTORY;
  const asked = flags.url ?? saidBy('OMOI_URL') ?? findServer(dataDirectory)?.url;
  const url = asked ?? (said === null ? lastLogin() : null) ?? DEFAULT_URL;
  addressOf(url, '/');
  return { url, dataDirectory };
}

/** Null where nobody has logged in. What is wrong with the file is said where its token is looked for. */
function lastLogin(): string | null {
  try {
    return readLogins(process.env).current;
  } catch {
    return null;
  }
}

/** @throws OmoiError `invalid_request` */
function oneOf<Choice extends string>(flag: string, choices: readonly Choice[], said: string): Choice {
  const choice = choices.find((candidate) => candidate === said);
  if (choice !== undefined) return choice;
  throw new OmoiError('invalid_request', `--${flag}: "${said}" is none of ${choices.join(', ')}`);
}

/**
 * What the flag says, else the pool; undefined where neither does.
 * @throws OmoiError `invalid_request`
 */
function stallAfterMs(said: string | undefined, ofPool: string | undefined): number | null | undefined {
  if (said === undefined) return ofPool === undefined ? undefined : Number(ofPool);
  const limitMs = parseDuration(said);
  if (said === 'never') return null;
  if (limitMs !== null && limitMs >= MIN_STALL_AFTER_MS) return limitMs;
  throw new OmoiError('invalid_request', `--stall-after: "${said}" is no duration of at least 1s, nor never`);
}

/** Before anything is made of it: ids become file names. @throws OmoiError `invalid_request` */
function named(flag: string, said: string): string {
  const name = nameText.safeParse(said);
  if (name.success) return name.data;
  throw new OmoiError(
    'invalid_request',
    `--${flag}: "${said}" ${name.error.issues[0]?.message ?? 'is no name'}`,
  );
}

function tellIgnored(given: { readonly id: string; readonly pool: string }, flags: RunFlags): void {
  for (const flag of ['id', 'pool'] as const) {
    const said = flags[flag];
    if (said === undefined || said === given[flag]) continue;
    aside(`omoi run: --${flag} ${said} is ignored: the pool calls it ${given[flag]}`);
  }
}
