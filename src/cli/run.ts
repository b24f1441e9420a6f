import { hostname } from 'node:os';
import { findServer } from '#server';
import { AGENT_TYPES, messageOf, OmoiError } from '#telemetry';
import { z } from 'zod';
import { createLocalClient } from './local-client.ts';
import { runCommand } from './run/run-command.ts';

export interface RunFlags {
  readonly pool: string;
  readonly id?: string;
  readonly type: string;
  readonly url?: string;
  readonly dataDirectory: string;
}

const DEFAULT_URL = 'http://127.0.0.1:4600';
const NOT_IN_NAMES = /[^A-Za-z0-9._-]+/g;

const minted = z.object({ token: z.object({ id: z.string() }), secret: z.string() });

interface Token {
  readonly secret: string | null;
  revoke(): Promise<void>;
}

/** `omoi run`: the exit status is the command's. */
export async function run(command: readonly string[], flags: RunFlags): Promise<number> {
  const agentType = AGENT_TYPES.find((type) => type === flags.type);
  if (!agentType) {
    throw new OmoiError('invalid_request', `--type: "${flags.type}" is none of ${AGENT_TYPES.join(', ')}`);
  }
  const agentId = flags.id ?? `${flags.pool}-${hostname().replace(NOT_IN_NAMES, '-')}-${process.pid}`;
  const token = await findToken(flags.dataDirectory, { agentId, pool: flags.pool });
  try {
    return await runCommand({
      command,
      agentId,
      agentType,
      poolId: flags.pool,
      phaseId: process.env['OMOI_PHASE_ID'] ?? null,
      url: flags.url ?? process.env['OMOI_URL'] ?? findServer(flags.dataDirectory)?.url ?? DEFAULT_URL,
      token: token.secret,
      dataDirectory: flags.dataDirectory,
      env: process.env,
    });
  } finally {
    await token.revoke();
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
  const none = { secret: process.env['OMOI_AGENT_TOKEN'] ?? null, revoke: () => Promise.resolve() };
  const server = findServer(dataDirectory);
  if (none.secret !== null || !server) return none;
  const client = createLocalClient(() => findServer(dataDirectory)?.socket ?? null);
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
