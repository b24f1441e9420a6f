import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES, type Role } from '#api';
import { adminOf } from './support/admin.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';

const directory = dataDirectory();
let server: OmoiServer;
const secrets = new Map<Role, string>();

beforeAll(async () => {
  const env = { OMOI_ACCESS_OPEN_INGEST_ON_LOOPBACK: 'false' };
  server = await OmoiServer.start(directory.path, { env });
  const admin = await adminOf(server, directory.path);
  for (const role of ROLES) {
    const scope = role === 'agent' ? { scope: { agent_ids: ['nobody'] } } : {};
    const body = { name: `a ${role}`, role, ...scope };
    secrets.set(role, (await admin.makeToken(body)).secret);
  }
});

afterAll(async () => {
  await server.stop();
  directory.remove();
});

interface Operation {
  readonly 'x-omoi-access': 'public' | readonly string[];
  readonly 'x-omoi-open-on-loopback': boolean;
  readonly responses: Readonly<Record<string, unknown>>;
}

async function describedRoutes(): Promise<ReadonlyMap<string, Operation>> {
  const answer = await fetch(`${server.url}/openapi.json`);
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, Operation>> };
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const pattern = path.replace(/\{([^}]+)\}/g, (_, name: string) => (name === '*' ? '*' : `:${name}`));
      return [`${method.toUpperCase()} ${pattern}`, operation] as const;
    }),
  );
  return new Map(routes);
}

/** Calls a route with something in the place of its parameters. Nothing that it names exists. */
async function call(route: string, headers: Record<string, string>): Promise<number> {
  const [method = '', pattern = ''] = route.split(' ');
  const path = pattern.replace(/:\w+/g, 'nobody').replace('*', 'nothing.js');
  const answer = await fetch(`${server.url}${path}`, { method, headers, redirect: 'manual' });
  await answer.body?.cancel();
  return answer.status;
}

/** docs/access.md: `npx vitest run --project acceptance access -u` writes it anew from the running server. */
function accessPage(described: ReadonlyMap<string, Operation>): string {
  const rows = [...described].map(([route, operation]) => {
    const { 'x-omoi-access': access, 'x-omoi-open-on-loopback': openOnLoopback } = operation;
    const roles = access === 'public' ? 'everybody' : access.join(', ');
    return `| \`${route}\` | ${roles} | ${openOnLoopback ? 'yes' : ''} |`;
  });
  return [
    '# Who may call what',
    '',
    'No role implies another. "Loopback" routes take requests of the same machine without a token while',
    '`access.open_ingest_on_loopback` is on.',
    '',
    '| route | roles | loopback |',
    '|---|---|---|',
    ...rows.sort(),
    '',
  ].join('\n');
}

describe('the roles of the routes', () => {
  it('are what docs/access.md says', async () => {
    await expect(accessPage(await describedRoutes())).toMatchFileSnapshot('../../docs/access.md');
  });

  it('has an error answer for every route', async () => {
    const without = [...(await describedRoutes())].filter(([, { responses }]) => !('default' in responses));
    expect(without.map(([route]) => route)).toEqual([]);
  });
});

describe('every route', () => {
  it('is closed to who sends no token, or a wrong one', async () => {
    for (const [route, { 'x-omoi-access': access }] of await describedRoutes()) {
      if (access === 'public') continue;
      expect([route, await call(route, {})]).toEqual([route, 401]);
      expect([route, await call(route, { authorization: 'Bearer weak' })]).toEqual([route, 401]);
    }
  });

  it.each(ROLES)('is closed to role %s where that is not named', async (role) => {
    const headers = { authorization: `Bearer ${secrets.get(role) ?? ''}` };
    const closed = [...(await describedRoutes())].filter(
      ([, { 'x-omoi-access': access }]) => access !== 'public' && !access.includes(role),
    );
    for (const [route] of closed) expect([route, await call(route, headers)]).toEqual([route, 403]);
  });

  it('that a viewer may read is open to them', async () => {
    const headers = { authorization: `Bearer ${secrets.get('viewer') ?? ''}` };
    const reading = [...(await describedRoutes())].filter(
      ([route, { 'x-omoi-access': access }]) =>
        route.startsWith('GET ') && access !== 'public' && access.includes('viewer'),
    );
    expect(reading.length).toBeGreaterThan(20);
    for (const [route] of reading) {
      const status = await call(route, headers);
      expect(`${route} ${[401, 403, 500].includes(status) ? status : 'open'}`).toBe(`${route} open`);
    }
  });
});
