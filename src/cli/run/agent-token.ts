import { findServer } from '#server';
import { messageOf, OmoiError } from '#telemetry';
import { z } from 'zod';
import { createLocalClient } from '../local-client.ts';
import type { Environment } from '../logins.ts';
import { isWithinAnother } from './given-identity.ts';
import type { ServerClient } from '../server-client.ts';

/** What an agent speaks with; null: with nothing. */
export interface AgentToken {
  readonly secret: string | null;
  /** Makes one worthless that was made for this run; others stay as they are. */
  readonly revoke: () => Promise<void>;
}

export interface AskedToken {
  /** Of the server that the agent reports to. */
  readonly url: string;
  readonly dataDirectory: string;
  readonly agentId: string;
  readonly poolId: string;
  readonly env: Environment;
  /** Why there is none, in one line. */
  readonly warn: (message: string) => void;
}

/** The command waits for no server longer than that. */
const ANSWER_WITHIN_MS = 5000;
/** Whoever waits for the command's exit status waits for that, too: no longer than a server in order needs. */
const REVOKED_WITHIN_MS = 1000;

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

const minted = z.object({ token: z.object({ id: z.string() }), secret: z.string() });
const session = z.looseObject({ principal: z.looseObject({ name: z.string(), role: z.string() }) });

/**
 * `$OMOI_AGENT_TOKEN`; without it what the person who types may do counts, at the server that is asked and at no other: who owns
 * the data directory of one that runs here, or is its admin by `$OMOI_TOKEN` or `omoi login`, is given a token for this agent
 * alone, which is worthless when the command has ended. An agent's token that somebody keeps there is taken as it is. What comes from
 * another `omoi run` around this one is the last resort.
 */
export async function agentToken(asked: AskedToken): Promise<AgentToken> {
  const given = asked.env['OMOI_AGENT_TOKEN']?.trim() || null;
  if (given === null) return ownToken(asked);
  // Inside of a command that runs under `omoi run` it is that one's, which mostly speaks for nobody else.
  const own = isWithinAnother(asked.env) ? await ownToken({ ...asked, warn: () => {} }) : null;
  return own !== null && own.secret !== null ? own : unrevoked(given);
}

async function ownToken(asked: AskedToken): Promise<AgentToken> {
  const { url, dataDirectory, agentId, warn } = asked;
  try {
    const local = findServer(dataDirectory);
    if (local !== null && local.socket !== null && isSameServer(local.url, url)) {
      const find = () => findServer(dataDirectory);
      return await mint(createLocalClient(find), asked, createLocalClient(find, REVOKED_WITHIN_MS));
    }
    return await ofPerson(asked);
  } catch (thrown) {
    warn(`no token for ${agentId}: ${messageOf(thrown)}`);
    return unrevoked(null);
  }
}

/** Of who has logged in, which few have who start agents: what asks a server elsewhere is loaded for them alone. */
async function ofPerson(asked: AskedToken): Promise<AgentToken> {
  const { url, agentId, poolId, env, warn } = asked;
  const { clientOf, farServer } = await import('../server-client.ts');
  const server = farServer(url, env);
  if (server.token === null) return unrevoked(null);
  const client = clientOf(server, ANSWER_WITHIN_MS);
  const { name, role } = session.parse(await client.call('GET', '/api/v1/session')).principal;
  if (role === 'agent') return unrevoked(server.token);
  if (role === 'admin') return mint(client, asked, clientOf(server, REVOKED_WITHIN_MS));
  const make = `omoi tokens create ${agentId} --role agent --agent ${agentId} --member-of ${poolId}`;
  warn(
    `no token for ${agentId}: ${name} (${role}) may not make one; an admin can (${make}), for $OMOI_AGENT_TOKEN`,
  );
  return unrevoked(null);
}

async function mint(
  client: ServerClient,
  { agentId, poolId, warn }: AskedToken,
  /** Which waits `REVOKED_WITHIN_MS` for an answer. */
  revoking: ServerClient,
): Promise<AgentToken> {
  const { token, secret } = minted.parse(
    await client.call('POST', '/api/v1/tokens', {
      name: `run/${agentId}/${process.pid}-${Date.now().toString(36)}`,
      role: 'agent',
      scope: { agent_ids: [agentId], member_of: poolId },
    }),
  );
  const revoke = async (): Promise<void> => {
    try {
      await revoking.call('DELETE', `/api/v1/tokens/${token.id}`);
    } catch (thrown) {
      if (thrown instanceof OmoiError && thrown.code === 'unknown_token') return;
      warn(
        `the token of this run still works, for ${agentId} alone: ${messageOf(thrown)}; later: omoi tokens revoke ${token.id}`,
      );
    }
  };
  return { secret, revoke };
}

function unrevoked(secret: string | null): AgentToken {
  return { secret, revoke: () => Promise.resolve() };
}

/** What a machine calls itself is its own server, by whichever name. */
function isSameServer(one: string, other: string): boolean {
  if (!URL.canParse(one) || !URL.canParse(other)) return false;
  const [a, b] = [new URL(one), new URL(other)];
  return a.origin === b.origin || (a.port === b.port && LOOPBACK.has(a.hostname) && LOOPBACK.has(b.hostname));
}
