import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPseudoTerminals, startOnTerminal } from '../../src/cli/run/terminal-process.ts';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiProcess, OmoiServer } from './support/omoi-process.ts';
import { StartedProcess } from './support/started-process.ts';
import { until } from './support/until.ts';

interface Token {
  readonly name: string;
  readonly role: string;
  readonly scope: { readonly agent_ids?: readonly string[] } | null;
}

const OMOI = fileURLToPath(new URL('../../bin/omoi', import.meta.url));
const AGENT = 'coders-x';
const data = dataDirectory();
const gate = join(data.path, 'gate');
const secretFile = join(data.path, 'secret');
/** A command that shows what it was given, and waits for the test. */
const SCRIPT = `echo "$OMOI_AGENT_TOKEN" > "${secretFile}.part"; mv "${secretFile}.part" "${secretFile}"; while [ ! -e "${gate}" ]; do sleep 0.05; done`;
let server: OmoiServer;
let admin: Client;
let command: OmoiProcess;

beforeAll(async () => {
  server = await OmoiServer.start(data.path);
  admin = new Client(() => server.url, server.adminToken);
  command = new OmoiProcess([
    'run',
    '--pool',
    'coders',
    '--id',
    AGENT,
    '--data-directory',
    data.path,
    '--',
    '/bin/sh',
    '-c',
    SCRIPT,
  ]);
});

afterAll(async () => {
  await command.stop('SIGKILL');
  await server.stop();
  data.remove();
});

const statusOf = async (): Promise<string | null> => {
  const { agents } = await admin.read<{ agents: { agent_id: string; status: string }[] }>(
    '/api/v1/fleet/agents',
  );
  return agents.find((agent) => agent.agent_id === AGENT)?.status ?? null;
};

const tokensOfRun = async (): Promise<readonly Token[]> => {
  const tokens = await admin.read<Token[]>('/api/v1/tokens');
  return tokens.filter((token) => token.name.startsWith(`run/${AGENT}/`));
};

describe('omoi run without a token, by the owner of the data directory', () => {
  it('is let in over the socket that nobody else may open', () => {
    const { socket } = JSON.parse(readFileSync(join(data.path, 'server.json'), 'utf8')) as { socket: string };
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  it('gives the command a token for its own agent alone', async () => {
    // RUNNING where the command has just used the processor.
    const isAlive = async (): Promise<boolean> => ['IDLE', 'RUNNING'].includes((await statusOf()) ?? '');
    await until(isAlive, 'the command is an agent');
    await until(() => existsSync(secretFile), 'the command runs');
    expect(await tokensOfRun()).toEqual([
      expect.objectContaining({ role: 'agent', scope: expect.objectContaining({ agent_ids: [AGENT] }) }),
    ]);
    const own = admin.as(readFileSync(secretFile, 'utf8').trim());
    const register = (agentId: string): Promise<string> =>
      own.refusal('/api/v1/fleet/agents', {
        method: 'POST',
        body: { agent_id: agentId, agent_type: 'worker', pool_id: 'coders', nonce: 'another-nonce' },
      });
    expect(await register('coders-y')).toBe('403 token_scope');
    expect(await register(AGENT)).toBe('409 generation_taken');
    expect(await own.refusal('/api/v1/tokens')).toBe('403 forbidden');
  });

  it('takes the token back when the command has ended', async () => {
    const secret = readFileSync(secretFile, 'utf8').trim();
    writeFileSync(gate, '');
    const { status, stderr } = await command.ended();
    expect([status, stderr]).toEqual([0, '']);
    expect(await statusOf()).toBe('TERMINATED');
    const heartbeat = `/api/v1/fleet/agents/${AGENT}/heartbeat`;
    expect(await admin.as(secret).refusal(heartbeat, { method: 'POST', body: {} })).toMatch(/^401 /);
  });
});

describe('omoi run on another machine, by who has logged in', () => {
  const elsewhere = join(data.path, 'elsewhere');
  const logIn = async (role: string): Promise<Readonly<Record<string, string>>> => {
    const { secret } = await admin.makeToken({ name: `ann, ${role}`, role });
    const home = join(elsewhere, role);
    mkdirSync(home, { recursive: true });
    const environment = { XDG_CONFIG_HOME: home };
    const logged = await omoi(['login', server.url], { ...environment, OMOI_TOKEN: secret });
    expect(logged).toMatchObject({ status: 0 });
    return environment;
  };
  /** In a directory where no server runs: of the server only the login knows. */
  const run = async (agentId: string, environment: Readonly<Record<string, string>>) => {
    const command = [
      'run',
      '--pool',
      'coders',
      '--id',
      agentId,
      '--',
      '/bin/sh',
      '-c',
      'echo "<$OMOI_AGENT_TOKEN>"; exit 3',
    ];
    const started = new StartedProcess(
      '/bin/sh',
      ['-c', 'cd "$0" && exec "$@"', elsewhere, process.execPath, OMOI, ...command],
      { PATH: process.env['PATH'], ...environment },
    );
    await started.closed;
    return { status: started.exitCode, stdout: started.stdout, stderr: started.stderr };
  };

  it('after a token was typed, which no terminal shows', async () => {
    const { secret } = await admin.makeToken({ name: 'bob', role: 'viewer' });
    const window = startOnTerminal(
      {
        command: [process.execPath, OMOI, 'login', server.url],
        env: { PATH: process.env['PATH'], TERM: 'xterm', XDG_CONFIG_HOME: join(elsewhere, 'typed') },
      },
      { columns: 120, rows: 24 },
      loadPseudoTerminals(),
    );
    let seen = '';
    window.stdout?.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await until(() => seen.includes(`token for ${server.url}`), 'it asks for the token');
    window.write(Buffer.from(`${secret}\r`));
    const { exitCode } = await window.exited;
    await window.closed;
    expect([exitCode, seen]).toEqual([0, expect.stringContaining('knows you as bob (viewer)')]);
    expect(seen).not.toContain(secret);
    const { tokens } = JSON.parse(readFileSync(join(elsewhere, 'typed/omoi/logins.json'), 'utf8')) as {
      tokens: Readonly<Record<string, string>>;
    };
    expect(tokens).toEqual({ [server.url]: secret });
  });

  it('makes the command of an admin an agent there, with a token of its own while it runs', async () => {
    const { status, stdout, stderr } = await run('coders-far', await logIn('admin'));
    expect([status, stderr]).toEqual([3, '']);
    const { generations } = await admin.read<{ generations: readonly object[] }>(
      '/api/v1/fleet/agents/coders-far',
    );
    expect(generations).toMatchObject([{ generation: 1, exit_code: 3 }]);
    const [, secret = ''] = /^<(omoi_agent_\S+)>$/m.exec(stdout) ?? [];
    expect(await admin.as(secret).refusal('/api/v1/fleet/agents')).toMatch(/^401 /);
  });

  it('runs the command of an operator all the same, and says who makes it an agent', async () => {
    const { status, stdout, stderr } = await run('coders-op', await logIn('operator'));
    expect([status, stdout]).toEqual([3, '<>\n']);
    expect(stderr).toMatch(
      /^omoi run: no token for coders-op: ann, operator \(operator\) may not make one; an admin can \(/,
    );
    expect((await admin.call('/api/v1/fleet/agents/coders-op')).status).toBe(404);
  });
});
