import { z } from 'zod';
import { behindLast, readAll } from './read-pages.ts';
import { aside } from './terminal/aside.ts';
import { printJson, printLines, tableFor } from './terminal/print.ts';
import type { Column } from './terminal/table.ts';
import { clientOf, serverOf, urlOf, type ServerFlags } from './server-client.ts';

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
}

const createdToken = z.object({ token: z.object({ id: z.string(), role: z.string() }), secret: z.string() });

export async function createToken(flags: ServerFlags, request: TokenRequest): Promise<void> {
  const { name, role } = request;
  const body = { name, role, scope: scopeOf(request), speaks_for: speaksForOf(request.speaksFor) };
  const answer = await clientOf(serverOf(flags)).call('POST', '/api/v1/tokens', body);
  if (flags.json === true) return printJson(answer);
  const { token, secret } = createdToken.parse(answer);
  process.stderr.write(`token ${token.id} (${token.role}); it is shown this once:\n`);
  process.stdout.write(`${secret}\n`);
}

/** What a token is limited to; undefined where no option says anything. Whether it fits the role, the server says. */
export function scopeOf({
  agentIds,
  poolId,
  memberOf,
  enqueueFor,
  maxAgents,
}: Omit<TokenRequest, 'name' | 'role' | 'speaksFor'>): object | undefined {
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
    last_used_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
    speaks_for: z
      .object({ pools: z.array(z.string()), agents: z.array(z.string()), matchers: z.array(z.string()) })
      .nullable(),
  }),
);

const TOKENS_PER_PAGE = 1000;

export async function listTokens(flags: ServerFlags): Promise<void> {
  const tokens = await readAll(clientOf(serverOf(flags)), {
    path: '/api/v1/tokens',
    query: {},
    maxRows: TOKENS_PER_PAGE,
    read(answer, asked) {
      const rows = tokenList.parse(answer);
      return { rows, next: behindLast({ rows, asked }, 'after', (row) => row.id) };
    },
  });
  if (flags.json === true) return printJson({ tokens });
  printLines(tableFor(COLUMNS).linesOf(tokens));
}

const COLUMNS: readonly Column<z.output<typeof tokenList>[number]>[] = [
  { heading: 'ID', of: (token) => token.id },
  { heading: 'ROLE', of: (token) => token.role },
  { heading: 'STATE', of: (token) => (token.revoked_at === null ? 'live' : 'revoked') },
  { heading: 'LAST USED', of: (token) => token.last_used_at ?? 'never used' },
  { heading: 'NAME', of: (token) => token.name },
  { heading: 'SPEAKS FOR', of: (token) => speaksForText(token.speaks_for), mayShrink: true },
];

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
