import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedServer } from '../../agent/src/scripted-server.test-support.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const WITHIN_MS = 20_000;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let server: ScriptedServer;
let directory: string;
let gate: string;
let started: ChildProcess[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-run-'));
  gate = join(directory, 'gate');
  started = [];
  server = new ScriptedServer({
    register: () => ({ body: { generation: 4, heartbeat_interval_ms: 50 } }),
  });
  await server.open();
});

afterEach(async () => {
  for (const child of started) child.kill('SIGKILL');
  await server.goAway();
  rmSync(directory, { recursive: true, force: true });
});

/** `omoi run --pool coders --id coders-x -- /bin/sh -c SCRIPT` */
function run(
  command: readonly string[],
  {
    id = 'coders-x',
    env = {},
  }: { readonly id?: string; readonly env?: Readonly<Record<string, string>> } = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const args = ['run', '--pool', 'coders', '--id', id, '--url', server.url, '--data-directory', directory];
  const child = spawn(
    process.execPath,
    ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning', MAIN, ...args, '--', ...command],
    { env: { ...process.env, OMOI_AGENT_TOKEN: 'secret', ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  started.push(child);
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('the command has no output');
  const ended = Promise.all([
    text(stdout),
    text(stderr),
    new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
    }),
  ]).then(([out, error, status]) => ({ status, stdout: out, stderr: error }));
  return { child, ended };
}

const sh = (script: string, as?: Parameters<typeof run>[1]): ReturnType<typeof run> =>
  run(['/bin/sh', '-c', script], as);
/** A script that waits until the test opens its gate. */
const waitForGate = (): string => `while [ ! -e ${gate} ]; do sleep 0.05; done`;
const openGate = (): void => writeFileSync(gate, '');

describe('omoi run', () => {
  it('makes an agent of any command, and passes its output and exit status on', async () => {
    const { ended } = sh(`echo out; echo err >&2; env; exit 7`);
    const { status, stdout, stderr } = await ended;
    expect(status).toBe(7);
    expect(stdout.startsWith('out\n')).toBe(true);
    expect(stderr).toBe('err\n');
    const env = Object.fromEntries(
      stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)),
    ) as object;
    expect(env).toMatchObject({
      OTEL_SERVICE_NAME: 'coders',
      OTEL_EXPORTER_OTLP_ENDPOINT: server.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20secret',
      OTEL_RESOURCE_ATTRIBUTES: expect.stringContaining('omoi.agent.id=coders-x'),
      TRACEPARENT: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
      OMOI_AGENT_ID: 'coders-x',
      OMOI_POOL_ID: 'coders',
    });
    expect(server.of('register')[0]).toMatchObject({
      authorization: 'Bearer secret',
      body: { agent_id: 'coders-x', agent_type: 'worker', pool_id: 'coders', generation: null },
    });
    expect(server.of('deregister')[0]?.body).toEqual({
      generation: 4,
      reason: 'exit 7',
      asked: false,
      exit_code: 7,
      signal: null,
    });
    const kept = (name: string): string => readFileSync(join(directory, 'logs/run', name), 'utf8');
    expect(kept('coders-x.stdout.log')).toBe(stdout);
    expect(kept('coders-x.stderr.log')).toBe('err\n');
  });

  it.each<[NodeJS.Signals, number]>([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ])('passes %s on', async (signal, status) => {
    const { child, ended } = sh(waitForGate());
    await server.until(() => server.of('heartbeat').length > 0, WITHIN_MS);
    child.kill(signal);
    expect((await ended).status).toBe(status);
    expect(server.of('deregister')[0]?.body).toMatchObject({
      exit_code: null,
      signal,
      asked: true,
      reason: `stopped by ${signal}`,
    });
  });

  it.each<[string, string, number]>([
    ['was not found', '/nowhere/command', 127],
    ['may not be executed', '/etc', 126],
  ])('says with a shell’s status that a command %s', async (_, command, status) => {
    const { ended } = run([command]);
    const end = await ended;
    expect(end.status).toBe(status);
    expect(end.stderr).toContain('omoi run: ');
  });

  it('beats as long as something that the command started lives', async () => {
    const { child, ended } = sh(`(${waitForGate()}) & exit 3`);
    await server.until(() => server.of('heartbeat').length > 20, WITHIN_MS);
    expect(child.exitCode).toBeNull();
    expect(server.of('deregister')).toEqual([]);
    openGate();
    expect((await ended).status).toBe(3);
    expect(server.of('deregister')[0]?.body).toMatchObject({ exit_code: 3 });
  });

  it('tells a command that works from one that waits', async () => {
    const { ended } = sh(`${waitForGate()}; while [ -e ${gate} ]; do :; done; exec sleep 1.5`);
    openGate();
    const inFlight = (): unknown[] => server.of('heartbeat').map(({ body }) => body['in_flight']);
    await server.until(() => inFlight().filter((count) => Number(count) > 0).length > 5, WITHIN_MS);
    rmSync(gate);
    await ended;
    expect(inFlight().at(-1)).toBe(0);
  });

  it('runs the command while the server is away, and registers it when it is back', async () => {
    await server.goAway();
    const { ended } = sh(`echo started; ${waitForGate()}`);
    await server.until(() => {
      try {
        return readFileSync(join(directory, 'logs/run/coders-x.stdout.log'), 'utf8') === 'started\n';
      } catch {
        return false;
      }
    }, WITHIN_MS);
    await server.open();
    await server.until(() => server.of('heartbeat').length > 0, WITHIN_MS);
    openGate();
    expect((await ended).status).toBe(0);
    expect(server.of('deregister').length).toBe(1);
  });

  it('ends the command or lets it go on, as asked, when the server stays away', async () => {
    const orphaned = (onOrphan: string): ReturnType<typeof run> =>
      sh(waitForGate(), {
        id: onOrphan,
        env: { OMOI_ON_ORPHAN: onOrphan, OMOI_ORPHAN_TIMEOUT_MS: '300' },
      });
    const leaving = orphaned('leave');
    const staying = orphaned('continue');
    const heard = (id: string): boolean =>
      server.of('heartbeat').some(({ path }) => path.includes(`/${id}/`));
    await server.until(() => heard('leave') && heard('continue'), WITHIN_MS);
    await server.goAway();
    const left = await leaving.ended;
    expect(left.status).toBe(143);
    expect(left.stderr).toContain('the command gets SIGTERM: the server stayed away');
    expect(staying.child.exitCode).toBeNull();
    await server.open();
    const registrations = (): number =>
      server.of('register').filter(({ body }) => body['agent_id'] === 'continue').length;
    await server.until(() => registrations() > 1, WITHIN_MS);
    openGate();
    expect((await staying.ended).status).toBe(0);
  });

  it('ends the command when the server wants the agent to leave', async () => {
    server.script = {
      ...server.script,
      heartbeat: ({ body }) => ({
        body: { acknowledged: body['sequence'], desired: 'drain', heartbeat_interval_ms: 50 },
      }),
    };
    const { status, stderr } = await sh(waitForGate()).ended;
    expect(status).toBe(143);
    expect(stderr).toContain('the command gets SIGTERM: drain requested');
    expect(server.of('deregister')[0]?.body).toMatchObject({ exit_code: null, signal: 'SIGTERM' });
  });
});
