import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { createProcessTable } from '#fleet';
import { ScriptedServer } from '../../agent/src/scripted-server.test-support.ts';
import { omoi } from './support/omoi-process.ts';

const OMOI = fileURLToPath(new URL('../../bin/omoi', import.meta.url));
const WITHIN_MS = 120_000;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const table = createProcessTable();
let server: ScriptedServer;
let directory: string;
let gate: string;
let started: ChildProcess[];

// Builds what has changed since the last build, of which it tells on standard error.
beforeAll(() => omoi(['--version']));

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
    flags = [],
    stdout: out = 'pipe',
  }: {
    readonly id?: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly flags?: readonly string[];
    readonly stdout?: 'pipe' | number;
  } = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const args = [
    'run',
    '--pool',
    'coders',
    '--id',
    id,
    '--url',
    server.url,
    '--data-directory',
    directory,
    ...flags,
  ];
  const child = spawn(process.execPath, [OMOI, ...args, '--', ...command], {
    env: { ...process.env, OMOI_AGENT_TOKEN: 'secret', ...env },
    stdio: ['ignore', out, 'pipe'],
  });
  started.push(child);
  const { stdout, stderr } = child;
  if (!stderr) throw new Error('the command has no output');
  const ended = Promise.all([
    stdout ? text(stdout) : '',
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
      body: {
        agent_id: 'coders-x',
        agent_type: 'worker',
        pool_id: 'coders',
        generation: null,
        labels: { host: hostname() },
      },
    });
    expect(server.of('deregister')[0]?.body).toEqual({
      generation: 4,
      reason: 'exit 7',
      asked: false,
      exit_code: 7,
      signal: null,
      last_output: 'err',
    });
    const kept = (name: string): string => readFileSync(join(directory, 'logs/run', name), 'utf8');
    expect(kept('coders-x.stdout.log')).toBe(stdout);
    expect(kept('coders-x.stderr.log')).toBe('err\n');
  });

  it('lets the command open its outputs by their names', async () => {
    const { ended } = sh('echo out > /dev/stdout && echo err > /dev/stderr');
    expect(await ended).toEqual({ status: 0, stdout: 'out\n', stderr: 'err\n' });
  });

  it('keeps what is Omoi’s own from the command, and what it takes to start it', async () => {
    const env = {
      OMOI_TOKEN: 'of-a-person',
      OMOI_DATA_DIRECTORY: directory,
      OMOI_DATABASE_PASSWORD: 'secret',
      OMOI_GRACE_MS: '500',
      OTEL_SERVICE_NAME: 'mine',
      // Set where tests run; the command gets what the launcher of a checkout sets for itself no more than these.
      NODE_COMPILE_CACHE: undefined,
      MALLOC_MMAP_THRESHOLD_: undefined,
    };
    const { stdout } = await sh('env', { env }).ended;
    expect(stdout).toContain('OTEL_SERVICE_NAME=mine\n');
    const names = stdout.split('\n').map((line) => line.split('=')[0] ?? '');
    expect(names.filter((name) => /^(?:OMOI|NODE_COMPILE|MALLOC)_/.test(name)).toSorted()).toEqual([
      'OMOI_AGENT_ID',
      'OMOI_AGENT_NONCE',
      'OMOI_AGENT_TOKEN',
      'OMOI_AGENT_TYPE',
      'OMOI_GRACE_MS',
      'OMOI_POOL_ID',
      'OMOI_UNIT_ID',
      'OMOI_URL',
      'OMOI_WATCHED_AGENT',
    ]);
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

  it('watches on when nobody reads its output any more, and tells how the command ended', async () => {
    const { child, ended } = sh('trap "" PIPE; while echo more; do sleep 0.05; done 2> /dev/null; exit 9');
    ended.catch(() => undefined);
    const exit = once(child, 'exit');
    await once(child.stdout ?? child, 'data');
    child.stdout?.destroy();
    expect((await exit)[0]).toBe(9);
    expect(server.of('deregister')[0]?.body).toMatchObject({ exit_code: 9 });
  });

  it('ends with the command, tells of what it left behind and lets that go on', async () => {
    const { ended } = sh(
      `echo before; (${waitForGate()}; echo > ${gate}.done) > /dev/null & echo $! > ${gate}.pid; exit 3`,
    );
    const { status, stdout, stderr } = await ended;
    expect([status, stdout]).toEqual([3, 'before\n']);
    const pid = readFileSync(`${gate}.pid`, 'utf8').trim();
    expect(stderr).toMatch(
      new RegExp(`process(es)? .*\\b${pid}\\b.* left behind by the command: not watched any more`),
    );
    expect(server.of('deregister')[0]?.body).toMatchObject({ exit_code: 3 });
    openGate();
    await server.until(() => existsSync(`${gate}.done`), WITHIN_MS);
  });

  it('ends what the command left behind where it is told to, sessions of their own included', async () => {
    const { ended } = sh(
      `setsid sh -c 'echo $$ > ${gate}.pid; exec sleep 600' & while [ ! -s ${gate}.pid ]; do sleep 0.02; done`,
      {
        flags: ['--left-behind', 'end'],
      },
    );
    expect((await ended).status).toBe(0);
    const pid = Number(readFileSync(`${gate}.pid`, 'utf8'));
    expect([null, 'Z']).toContain(table.stat(pid)?.state ?? null);
  });

  it('takes the command along when it is killed', async () => {
    const { child } = sh(`echo $$ > ${gate}.pid; exec sleep 600`);
    await server.until(() => server.of('heartbeat').length > 0 && existsSync(`${gate}.pid`), WITHIN_MS);
    const pid = Number(readFileSync(`${gate}.pid`, 'utf8'));
    child.kill('SIGKILL');
    const isGone = (): boolean => [null, 'Z'].includes(table.stat(pid)?.state ?? null);
    await server.until(isGone, WITHIN_MS);
    expect(server.of('deregister')).toEqual([]);
  });

  it.each(['../../../evil', '/etc/evil', '.hidden', 'a/b', ''])(
    'refuses the id "%s" and makes no file of it',
    async (id) => {
      const { status, stderr } = await sh(`echo ran > ${gate}`, { id }).ended;
      expect([status, existsSync(gate), existsSync(join(directory, 'logs'))]).toEqual([2, false, false]);
      expect(stderr).toContain('--id: ');
      expect(server.of('register')).toEqual([]);
    },
  );

  it('tells with --expect forever that an exit with 0 is a failure too', async () => {
    await sh('exit 0', { flags: ['--expect', 'forever'] }).ended;
    expect(server.of('deregister')[0]?.body).toMatchObject({ exit_code: 0, expect: 'forever' });
  });

  it('goes on where its output has no room', async () => {
    const { status } = await sh(`echo lost; echo lost more; echo > ${gate}; exit 4`, {
      stdout: openSync('/dev/full', 'w'),
    }).ended;
    expect([status, existsSync(gate)]).toEqual([4, true]);
  });

  const POOLS_IDENTITY = {
    OMOI_AGENT_ID: 'mailers-2',
    OMOI_AGENT_GENERATION: '4',
    OMOI_AGENT_NONCE: 'nonce-of-the-pool',
    OMOI_POOL_ID: 'mailers',
    OMOI_AGENT_TYPE: 'monitor',
  };

  it('is the agent that a pool has started, whatever its flags say', async () => {
    const { status, stdout, stderr } = await sh('env; exit 5', { env: POOLS_IDENTITY }).ended;
    expect(status).toBe(5);
    expect(stderr).toContain('--id coders-x is ignored: the pool calls it mailers-2');
    expect(server.of('register')[0]?.body).toMatchObject({
      agent_id: 'mailers-2',
      agent_type: 'monitor',
      generation: 4,
      nonce: 'nonce-of-the-pool',
      pool_id: 'mailers',
    });
    for (const [name, value] of Object.entries(POOLS_IDENTITY))
      expect(stdout).toContain(`${name}=${value}\n`);
    // The runtime sees how it ended; nothing is kept twice.
    expect(server.of('deregister')).toEqual([]);
    expect(existsSync(join(directory, 'logs'))).toBe(false);
  });

  it('is labelled as it is told to be, and by its machine, but not in a pool', async () => {
    const flags = ['--label', 'rack=r7', '--label', 'provider=acme'];
    await sh('exit 0', { flags }).ended;
    await sh('exit 0', { flags, env: POOLS_IDENTITY }).ended;
    expect(server.of('register').map(({ body }) => body['labels'])).toEqual([
      { host: hostname(), rack: 'r7', provider: 'acme' },
      { rack: 'r7', provider: 'acme' },
    ]);
  });

  it('tells that a one-shot of a pool is finished', async () => {
    await sh('exit 0', { env: POOLS_IDENTITY, flags: ['--expect', 'once'] }).ended;
    expect(server.of('deregister')[0]?.body).toMatchObject({ generation: 4, reason: 'finished' });
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

  it.each<[string, () => { status?: number; body?: unknown }]>([
    ['has no such page', () => ({ status: 404, body: '<html>' })],
    ['says something else', () => ({ body: { hello: 'world' } })],
  ])('says in one line that what %s is no Omoi, and runs the command', async (_, answer) => {
    server.script = { register: answer };
    const { ended } = sh(`${waitForGate()}; exit 3`);
    await server.until(() => server.of('register').length > 1, WITHIN_MS);
    openGate();
    const { status, stderr } = await ended;
    expect(status).toBe(3);
    expect(stderr).toMatch(/^omoi run: .*http:\/\/127\.0\.0\.1:\d+ answers unlike Omoi.*\n$/);
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
