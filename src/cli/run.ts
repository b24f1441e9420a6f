import { hostname } from 'node:os';
import { findServer } from '#server';
import { AGENT_TYPES, EXIT_EXPECTATIONS, messageOf, nameText, OmoiError, parseDuration } from '#telemetry';
import { z } from 'zod';
import { createLocalClient } from './local-client.ts';
import { agentLabels } from './run/agent-labels.ts';
import { defaultAgentId, freeAgentId } from './run/default-agent-id.ts';
import { givenIdentity } from './run/given-identity.ts';
import { LEFT_BEHIND_CHOICES } from './run/left-behind.ts';
import { runCommand } from './run/run-command.ts';
import { addressOf } from './server-address.ts';

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
  readonly dataDirectory: string;
}

/** Whoever looks every few seconds sees no less. */
const MIN_STALL_AFTER_MS = 1000;
const DEFAULT_URL = 'http://127.0.0.1:4600';

const minted = z.object({ token: z.object({ id: z.string() }), secret: z.string() });

interface Token {
  readonly secret: string | null;
  revoke(): Promise<void>;
}

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
  const url = flags.url ?? saidBy('OMOI_URL') ?? findServer(flags.dataDirectory)?.url ?? DEFAULT_URL;
  addressOf(url, '/');
  const said = given?.agentId ?? flags.id;
  const surroundings = { poolId, host: hostname(), directory: process.cwd() };
  const agentId = named('id', said ?? (await freeAgentId(defaultAgentId(surroundings))));
  if (given) tellIgnored({ id: agentId, pool: poolId }, flags);
  const token = await findToken(flags.dataDirectory, { agentId, pool: poolId });
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
      dataDirectory: flags.dataDirectory,
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
    process.stderr.write(`omoi run: --${flag} ${said} is ignored: the pool calls it ${given[flag]}\n`);
  }
}

/**
 * OMOI_AGENT_TOKEN, or, for who owns the data directory of a running server, a token for this agent alone that is
 * worthless when the command has ended.
 */
async function findToken(
  dataDirectory: string,
  { agentId, pool }: { readonly agentId: string; readonly pool: string },
): Promise<Token> {
  const none = { secret: saidBy('OMOI_AGENT_TOKEN'), revoke: () => Promise.resolve() };
  const server = findServer(dataDirectory);
  if (none.secret !== null || !server) return none;
  const client = createLocalClient(() => findServer(dataDirectory));
  try {
    const { token, secret } = minted.parse(
      await client.call('POST', '/api/v1/tokens', {
        name: `run/${agentId}/${process.pid}-${Date.now().toString(36)}`,
        role: 'agent',
        scope: { agent_ids: [agentId], member_of: pool },
      }),
    );
    const revoke = async (): Promise<void> => {
      if (!findServer(dataDirectory)) return;
      await client.call('DELETE', `/api/v1/tokens/${token.id}`).catch(() => null);
    };
    return { secret, revoke };
  } catch (error) {
    process.stderr.write(`omoi run: no token for ${agentId}: ${messageOf(error)}\n`);
    return none;
  }
}
