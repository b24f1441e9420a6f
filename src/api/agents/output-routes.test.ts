import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentOutput, LogFiles, RunCopies } from '#fleet';
import { createSystemClock, OmoiError } from '#telemetry';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerOutputRoute } from './output-routes.ts';

let directory: string;
let logs: LogFiles;
let api: TestApi;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-output-'));
  logs = new LogFiles(directory);
  const output = new AgentOutput({
    clock: createSystemClock(),
    newest(agentId) {
      if (agentId === 'nobody') throw new OmoiError('unknown_agent', 'Agent nobody is unknown.');
      return Promise.resolve({ generation: 2, managed: true });
    },
    hasEnded: () => Promise.resolve(true),
    managed: logs,
    external: new RunCopies(directory),
  });
  api = await startTestApi({ register: (app) => registerOutputRoute(app, { output }) });
  const put = (generation: number, text: string): void =>
    appendFileSync(logs.make('w-1', generation).stdout, text);
  put(1, 'before\n');
  put(2, 'one\ntwo\nthree\n');
});
afterAll(async () => {
  await api.close();
  rmSync(directory, { recursive: true });
});

async function read(query: string, role: 'viewer' | 'agent' = 'viewer') {
  const url = `/api/v1/fleet/agents/${query}`;
  const response = await api.app.inject({ method: 'GET', url, headers: api.as(role) });
  return response.json<Record<string, unknown> & { cursor: string }>();
}

it('is the last lines of the newest generation', async () => {
  expect(await read('w-1/output?lines=2')).toEqual({
    agent_id: 'w-1',
    generation: 2,
    kept: true,
    stdout: { text: 'two\nthree\n', skipped: true },
    stderr: { text: '', skipped: false },
    cursor: '2:0.14:0.0',
  });
  expect(await read('w-1/output?generation=1')).toMatchObject({
    generation: 1,
    stdout: { text: 'before\n', skipped: false },
  });
});

it('waits for what comes behind a cursor', async () => {
  const { cursor } = await read('w-1/output');
  const waiting = read(`w-1/output?cursor=${cursor}&wait_ms=30000`);
  appendFileSync(logs.make('w-1', 2).stderr, 'oh\n');
  expect(await waiting).toMatchObject({ stdout: { text: '' }, stderr: { text: 'oh\n' } });
});

it('says where it has none', async () => {
  expect(await read('w-1/output?generation=9')).toMatchObject({ kept: false, stdout: { text: '' } });
});

it.each([
  ['nobody/output', 'unknown_agent'],
  ['w-1/output?cursor=2', 'invalid_request'],
  ['w-1/output?lines=0', 'invalid_request'],
  ['w-1/output?wait_ms=60000', 'invalid_request'],
])('%s is refused', async (query, error) => {
  expect(await read(query)).toMatchObject({ error });
});

it('is not for agents: others’ output may hold secrets', async () => {
  expect(await read('w-1/output', 'agent')).toMatchObject({ error: 'forbidden' });
});
