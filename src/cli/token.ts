import { z } from 'zod';
import { behindLast, readAll } from './read-pages.ts';
import { aside } from './terminal/aside.ts';
import { glanceOf } from './terminal/ages.ts';
import { note, printJson, printLines, tableFor } from './terminal/print.ts';
import type { Column } from './terminal/table.ts';
import { followAsked } from './follow-asked.ts';
import { clientOf, serverOf, urlOf, type FollowFlags, type ServerFlags } from './server-client.ts';

export interface TokenRequest {
  readonly name: string;
  readonly role: string;
  readonly agentIds: readonly string[];
  readonly poolId: string | null;
  readonly memberOf: string | null;
  readonly enqueueFor: readonly string[];
  readonly maxAgents: number | null;
  /** `pool=ID`, `agent=ID`, or a matcher. */
  readonly speaksFor: readonly string[];
  /** `30d`; null: until it is revoked. */
  readonly expiresIn: string | null;
}

const createdToken = z.object({
  token: z.object({ id: z.string(), role: z.string(), expires_at: z.string().nullable() }),
  secret: z.string(),
});

export async function createToken(flags: ServerFlags, request: TokenRequest): Promise<void> {
  const { name, role, expiresIn } = request;
  const body = {
    name,
    role,
    scope: scopeOf(request),
    speaks_for: speaksForOf(request.speaksFor),
    ...(expiresIn !== null && { expires_in: expiresIn }),
  };
  const answer = await clientOf(serverOf(flags)).call('POST', '/api/v1/tokens', body);
  if (flags.json === true) return printJson(answer);
  const { token, secret } = createdToken.parse(answer);
  const until = token.expires_at === null ? 'until it is revoked' : `until ${token.expires_at}`;
  process.stderr.write(`token ${token.id} (${token.role}), good ${until}; it is shown this once:\n`);
  process.stdout.write(`${secret}\n`);
}

/** What a token is limited to; undefined where no option says anything. Whether it fits the role, the server says. */
export function scopeOf({
  agentIds,
  poolId,
  memberOf,
  enqueueFor,
  maxAgents,
}: Omit<TokenRequest, 'name' | 'role' | 'speaksFor' | 'expiresIn'>): object | undefined {
  const isScoped =
    agentIds.length + enqueueFor.length > 0 || [poolId, memberOf, maxAgents].some((given) => given !== null);
  if (!isScoped) return undefined;
  const limits = { member_of: memberOf, enqueue_for: enqueueFor, max_agents: maxAgents };
  return { agent_ids: agentIds, pool_id: poolId, ...limits };
}

/**
 * Targets of `--speaks-for`: `pool=demo`, `agent=w-1`, and what is neither a matcher, which the server reads; undefined
 * where there is none.
 */
export function speaksForOf(given: readonly string[]): object | undefined {
  if (given.length === 0) return undefined;
  const named = (kind: string): readonly string[] =>
    given.flatMap((text) => (text.startsWith(`${kind}=`) ? [text.slice(kind.length + 1)] : []));
  const matchers = given.filter((text) => !/^(?:pool|agent)=/.test(text));
  return { pools: named('pool'), agents: named('agent'), matchers };
}

const tokenList = z.array(
  z.looseObject({
    id: z.string(),
    name: z.string(),
    role: z.string(),
    created_by: z.string(),
    expires_at: z.string().nullable(),
    last_used_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
    speaks_for: z
      .object({ pools: z.array(z.string()), agents: z.array(z.string()), matchers: z.array(z.string()) })
      .nullable(),
  }),
);

const TOKENS_PER_PAGE = 1000;

type Token = z.output<typeof tokenList>[number];

export interface TokenListFlags extends FollowFlags {
  readonly all?: boolean;
}

/** Who makes the tokens of agents that Omoi starts: one a generation, which nobody has to look after. */
const RUNTIME = 'runtime';

/** `omoi tokens list` */
export async function listTokens(flags: TokenListFlags): Promise<void> {
  const client = clientOf(serverOf(flags));
  const read = (): Promise<readonly Token[]> =>
    readAll(client, {
      path: '/api/v1/tokens',
      query: {},
      maxRows: TOKENS_PER_PAGE,
      read(answer, asked) {
        const rows = tokenList.parse(answer);
        return { rows, next: behindLast({ rows, asked }, 'after', (row) => row.id) };
      },
    });
  const isListed = (token: Token): boolean => flags.all === true || token.created_by !== RUNTIME;
  const table = tableFor(COLUMNS);
  const printAll = (tokens: readonly Token[]): void => {
    printLines(table.linesOf(tokens.filter(isListed)));
    const others = tokens.filter((token) => !isListed(token)).length;
    if (others > 0) note(`${others} more of agents that Omoi starts: --all lists them`);
  };
  if (flags.follow === true) {
    return followAsked({
      readAll: async () => (await read()).filter(isListed),
      idOf: ({ id }) => id,
      printAll: flags.json === true ? (tokens) => tokens.forEach(printJson) : printAll,
      print: flags.json === true ? printJson : (row) => printLines(table.linesOf([row])),
      gone: (id) => note(`token ${id} is not kept any more`),
    });
  }
  const tokens = await read();
  if (flags.json === true) printJson({ tokens: tokens.filter(isListed) });
  else printAll(tokens);
}

const COLUMNS: readonly Column<Token>[] = [
  { heading: 'ID', of: (token) => token.id },
  { heading: 'ROLE', of: (token) => token.role },
  { heading: 'STATE', of: (token) => stateOf(token, Date.now()) },
  { heading: 'EXPIRES', of: (token) => expiryOf(token, Date.now()), align: 'right' },
  { heading: 'LAST USED', of: (token) => token.last_used_at ?? 'never used' },
  { heading: 'NAME', of: (token) => token.name },
  { heading: 'SPEAKS FOR', of: (token) => speaksForText(token.speaks_for), mayShrink: true },
];

export function stateOf(
  { revoked_at: revokedAt, expires_at: expiresAt }: Pick<Token, 'revoked_at' | 'expires_at'>,
  nowMs: number,
): string {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && Date.parse(expiresAt) <= nowMs ? 'expired' : 'live';
}

/** `in 29d23h`, `2h ago`; `-` where it works until it is revoked. */
export function expiryOf({ expires_at: expiresAt }: Pick<Token, 'expires_at'>, nowMs: number): string {
  if (expiresAt === null) return '-';
  const leftMs = Date.parse(expiresAt) - nowMs;
  return leftMs > 0 ? `in ${glanceOf(leftMs)}` : `${glanceOf(-leftMs)} ago`;
}

/** As `--speaks-for` takes it. */
function speaksForText(given: z.output<typeof tokenList>[number]['speaks_for']): string {
  if (given === null) return '';
  const { pools, agents, matchers } = given;
  return [...pools.map((id) => `pool=${id}`), ...agents.map((id) => `agent=${id}`), ...matchers].join(' ');
}

export async function revokeToken(id: string, flags: ServerFlags): Promise<void> {
  const answer = await clientOf(serverOf(flags)).call('DELETE', `/api/v1/tokens/${encodeURIComponent(id)}`);
  if (flags.json === true) return printJson(answer);
  aside(`token ${id} is revoked`);
}

export async function createLoginLink(flags: ServerFlags): Promise<void> {
  const server = serverOf(flags);
  const answer = await clientOf(server).call('POST', '/api/v1/login-links');
  const { path } = z.object({ path: z.string() }).parse(answer);
  const url = new URL(path, urlOf(server)).href;
  if (flags.json === true) printJson({ url });
  else process.stdout.write(`${url}\n`);
}
