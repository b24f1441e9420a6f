import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiProcess, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

interface Token {
  readonly name: string;
  readonly role: string;
  readonly scope: { readonly agent_ids?: readonly string[] } | null;
}

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
