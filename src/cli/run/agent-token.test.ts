import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeLogins } from '../logins.ts';
import { agentToken, type AgentToken } from './agent-token.ts';

interface Asked {
  readonly line: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

const SECRETS = { admin: 'ann', operator: 'bob', agent: 'robot' } as const;

let directory: string;
let home: string;
let server: Server;
let url: string;
let asked: Asked[];
let warnings: string[];
let isHung: boolean;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-token-'));
  home = join(directory, 'home');
  mkdirSync(home);
  [asked, warnings, isHung] = [[], [], false];
  server = createServer((request, response) => {
    if (isHung) return;
    void answer(request).then(({ status, body }) => response.writeHead(status).end(JSON.stringify(body)));
  });
  url = `http://127.0.0.1:${await listen(server, 0)}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

async function listen(one: Server, place: number | string): Promise<number> {
  if (typeof place === 'number') one.listen(place, '127.0.0.1');
  else one.listen(place);
  await once(one, 'listening');
  const address = one.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** As Omoi answers who asks who they are, and who makes a token. */
async function answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: object }> {
  const { method, url: path, headers } = request;
  const { authorization } = headers;
  const body = method === 'POST' ? await json(request) : undefined;
  asked.push({ line: `${method} ${path}`, authorization, body });
  const role = Object.entries(SECRETS).find(([, secret]) => authorization === `Bearer ${secret}`)?.[0];
  if (path === '/api/v1/session') {
    return role === undefined
      ? { status: 401, body: { error: 'unauthenticated', message: 'who?' } }
      : { status: 200, body: { principal: { name: 'ann', role } } };
  }
  return { status: 201, body: { token: { id: 'tok_1' }, secret: 'made for this run' } };
}

function token(env: Readonly<Record<string, string>> = {}): Promise<AgentToken> {
  return agentToken({
    url,
    dataDirectory: join(directory, 'data'),
    agentId: 'coders-1',
    poolId: 'coders',
    env: { XDG_CONFIG_HOME: home, ...env },
    warn: (message) => void warnings.push(message),
  });
}

const lines = (): readonly string[] => asked.map(({ line }) => line);
const MADE = ['GET /api/v1/session', 'POST /api/v1/tokens'];

describe('the token of an agent', () => {
  it('is the one that it is given, and nobody is asked', async () => {
    expect(await token({ OMOI_AGENT_TOKEN: 'given\n', OMOI_TOKEN: SECRETS.admin })).toMatchObject({
      secret: 'given',
    });
    expect([asked, warnings]).toEqual([[], []]);
  });

  it('is that of the `omoi run` around it where there is no other', async () => {
    const within = { OMOI_AGENT_TOKEN: 'of all agents', OMOI_WATCHED_AGENT: 'coders-9' };
    expect(await token(within)).toMatchObject({ secret: 'of all agents' });
    expect(await token({ ...within, OMOI_TOKEN: SECRETS.operator })).toMatchObject({
      secret: 'of all agents',
    });
    expect(warnings).toEqual([]);
  });

  it('is none where nobody has said who they are, and nobody is asked', async () => {
    expect(await token()).toMatchObject({ secret: null });
    expect([asked, warnings]).toEqual([[], []]);
  });

  it.each([
    ['$OMOI_TOKEN', () => token({ OMOI_TOKEN: SECRETS.admin })],
    [
      'a login',
      () => {
        const { origin } = new URL(url);
        writeLogins({ current: null, tokens: { [origin]: SECRETS.admin } }, { XDG_CONFIG_HOME: home });
        return token();
      },
    ],
  ])('is made for it alone by an admin of %s, and worthless when the command has ended', async (_, take) => {
    const { secret, revoke } = await take();
    expect([secret, lines(), warnings]).toEqual(['made for this run', MADE, []]);
    expect(asked[1]?.body).toEqual({
      name: expect.stringMatching(/^run\/coders-1\//) as string,
      role: 'agent',
      scope: { agent_ids: ['coders-1'], member_of: 'coders' },
    });
    await revoke();
    expect(lines()).toEqual([...MADE, 'DELETE /api/v1/tokens/tok_1']);
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(
      new Set([`Bearer ${SECRETS.admin}`]),
    );
  });

  it('is told of where the server does not answer any more: who waits for the command waits a second longer', async () => {
    const { revoke } = await token({ OMOI_TOKEN: SECRETS.admin });
    isHung = true;
    const before = performance.now();
    await revoke();
    expect(performance.now() - before).toBeLessThan(4000);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^the token of this run still works, for coders-1 alone: .*; later: omoi tokens revoke tok_1$/,
      ),
    ]);
  });

  it('is what somebody keeps for agents, and stays good', async () => {
    const { secret, revoke } = await token({ OMOI_TOKEN: SECRETS.agent });
    await revoke();
    expect([secret, lines(), warnings]).toEqual([SECRETS.agent, ['GET /api/v1/session'], []]);
  });

  it('is none of who may make none: one line says who can', async () => {
    expect(await token({ OMOI_TOKEN: SECRETS.operator })).toMatchObject({ secret: null });
    expect(warnings).toEqual([
      'no token for coders-1: ann (operator) may not make one; an admin can (omoi tokens create coders-1 --role agent --agent coders-1 --member-of coders), for $OMOI_AGENT_TOKEN',
    ]);
  });

  it.each([
    [
      'a token that the server does not know',
      { OMOI_TOKEN: 'stale' },
      /^no token for coders-1: .* does not know your token/,
    ],
    [
      'a token that is none',
      { OMOI_TOKEN: 'two words' },
      /^no token for coders-1: the token in \$OMOI_TOKEN is none/,
    ],
  ])('is none with %s: one line says so', async (_, env, told) => {
    expect(await token(env)).toMatchObject({ secret: null });
    expect(warnings).toEqual([expect.stringMatching(told)]);
  });

  describe('where a server runs on the data directory', () => {
    let socketServer: Server;
    const announce = (address: string): void => {
      mkdirSync(join(directory, 'data'));
      const announced = { pid: process.pid, url: address, socket: join(directory, 's') };
      writeFileSync(join(directory, 'data/server.json'), JSON.stringify(announced));
    };
    beforeEach(async () => {
      socketServer = createServer((request, response) => {
        asked.push({ line: `owner: ${request.method} ${request.url}`, authorization: undefined, body: null });
        response.writeHead(201).end(JSON.stringify({ token: { id: 'tok_2' }, secret: 'of the owner' }));
      });
      await listen(socketServer, join(directory, 's'));
    });
    afterEach(() => socketServer.close());

    it('is made by its owner, whatever it is called here', async () => {
      announce(url);
      url = url.replace('127.0.0.1', 'localhost');
      expect(await token({ OMOI_TOKEN: SECRETS.admin })).toMatchObject({ secret: 'of the owner' });
      expect(lines()).toEqual(['owner: POST /api/v1/tokens']);
    });

    it('is made anew inside of a command that runs under `omoi run`, whose token speaks for that one', async () => {
      announce(url);
      const within = { OMOI_AGENT_TOKEN: 'of the one around it', OMOI_WATCHED_AGENT: 'coders-9' };
      expect(await token(within)).toMatchObject({ secret: 'of the owner' });
      expect(lines()).toEqual(['owner: POST /api/v1/tokens']);
    });

    it('is not made there for a server elsewhere, which would be sent it', async () => {
      announce('http://127.0.0.1:1');
      expect(await token()).toMatchObject({ secret: null });
      expect(await token({ OMOI_TOKEN: SECRETS.admin })).toMatchObject({ secret: 'made for this run' });
      expect(lines()).toEqual(MADE);
    });
  });
});
