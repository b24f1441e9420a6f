import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createProcessTable, type PoolView } from '#fleet';
import { definePool, type EventType, type PoolDefinition, type SystemEvent } from '#telemetry';
import { leaveNoGroups } from './support/omoi-process.ts';

const HOST = fileURLToPath(new URL('fleet-host.ts', import.meta.url));
const ASKED = { reason: 'test', by: 'tester', traceparent: null };
const WITHIN_MS = 60_000;
/** Longer than a busy machine takes to start a worker. */
const GRACE_MS = 8000;

const table = createProcessTable();
let directory: string;
let poolId: string;
let host: Host;

/** A fleet host, its events and the way to call it. */
class Host {
  readonly process: ChildProcess;
  readonly events: SystemEvent[] = [];
  readonly #answers = new Map<number, (line: { result?: unknown; error?: string }) => void>();
  #waiting: (() => void)[] = [];
  #lastId = 0;
  #ready = false;

  constructor(env: Record<string, string> = {}) {
    this.process = spawn(
      process.execPath,
      ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning', HOST, directory],
      {
        env: { ...process.env, ...env },
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    // A host that was killed can't be written to.
    this.process.stdin?.on('error', () => {});
    if (!this.process.stdout) throw new Error('the host has no output');
    createInterface({ input: this.process.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as {
        ready?: boolean;
        event?: SystemEvent;
        id?: number;
        result?: unknown;
        error?: string;
      };
      if (line.ready) this.#ready = true;
      if (line.event) this.events.push(line.event);
      if (line.id !== undefined) this.#answers.get(line.id)?.(line);
      this.#wake();
    });
  }

  ready(): Promise<void> {
    return this.until(() => this.#ready);
  }

  call<Result>(call: string, ...args: unknown[]): Promise<Result> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, ({ result, error }) =>
        error === undefined ? resolve(result as Result) : reject(new Error(error)),
      );
      this.process.stdin?.write(`${JSON.stringify({ id, call, args })}\n`);
    });
  }

  /** Waits for lines of the host. */
  async until(condition: () => boolean, withinMs = WITHIN_MS): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!condition()) {
      const restMs = deadline - performance.now();
      if (restMs <= 0) throw new Error(`it did not come true; ${JSON.stringify(this.events.slice(-5))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(restMs, 50));
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async event(type: EventType, where: object): Promise<SystemEvent> {
    const find = (): SystemEvent | undefined =>
      this.events.find(
        ({ event_type, payload }) =>
          event_type === type &&
          Object.entries(where).every(([key, value]) => valueOf(payload, key) === value),
      );
    await this.until(() => find() !== undefined);
    const found = find();
    if (!found) throw new Error('it was there a moment ago');
    return found;
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

const valueOf = (payload: object, key: string): unknown => (payload as Record<string, unknown>)[key];
const pidOf = (event: SystemEvent): number => Number(valueOf(event.payload, 'pid'));

/** The session leaders of the pool's agents, by the environment they were started with. */
function workers(): readonly { readonly pid: number; readonly agent: string; readonly state: string }[] {
  return table.pids().flatMap((pid) => {
    const env = table.environ(pid)?.split('\0') ?? [];
    const stat = table.stat(pid);
    if (!stat || stat.state === 'Z' || stat.sessionId !== pid || !env.includes(`OMOI_POOL_ID=${poolId}`)) {
      return [];
    }
    const read = (name: string): string =>
      env.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
    return [{ pid, agent: `${read('OMOI_AGENT_ID')}/${read('OMOI_AGENT_GENERATION')}`, state: stat.state }];
  });
}

const agents = (): string[] =>
  workers()
    .map(({ agent }) => agent.replace(poolId, 'pool'))
    .sort();

function pool(change: Partial<PoolDefinition> = {}): PoolDefinition {
  return definePool({
    id: poolId,
    command: ['/bin/sleep', '300'],
    desired: 1,
    max: 8,
    graceMs: GRACE_MS,
    ...change,
  });
}

async function startHost(env: Record<string, string> = {}): Promise<Host> {
  const started = new Host(env);
  await started.ready();
  return started;
}

const exitsOf = (agentId: string): number =>
  host.events.filter(
    ({ event_type, payload }) =>
      event_type === 'fleet.agent.exited' && valueOf(payload, 'agent_id') === agentId,
  ).length;

/** The event by which the host says that a slot's process runs. */
const spawned = (slot: number, generation = 1): Promise<SystemEvent> =>
  host.event('fleet.agent.spawned', { agent_id: `${poolId}-${slot}`, generation });

/**
 * Stops a process as if it hung: SIGTERM stays pending until the grace is over. One that has been told to stop and has
 * not been given a core since is not stopped yet, and SIGTERM would end it.
 */
async function hang(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await host.until(() => table.stat(pid)?.state === 'T');
}

function makeDirectory(): void {
  directory = mkdtempSync(join(tmpdir(), 'omoi-processes-'));
}

async function endAll(): Promise<void> {
  await host.kill();
  killWorkers();
  rmSync(directory, { recursive: true, force: true });
  leaveNoGroups(directory);
}

function killWorkers(): void {
  for (const { pid } of workers()) process.kill(-pid, 'SIGKILL');
}

beforeEach(() => {
  poolId = `pool${process.pid}${Math.floor(performance.now())}`;
});

describe('after kill -9 of the server', () => {
  beforeEach(makeDirectory);
  afterEach(endAll);

  it('workers go on, are adopted as they are, and their end is noticed', async () => {
    host = await startHost();
    await host.call('create', pool({ desired: 2 }), ASKED);
    const pids = [pidOf(await spawned(1)), pidOf(await spawned(2))];
    await host.kill();
    expect(new Set(workers().map(({ pid }) => pid))).toEqual(new Set(pids));

    host = await startHost();
    const view = await host.call<PoolView>('get', poolId);
    expect(view.replicas.map((replica) => [replica.pid, replica.unit])).toEqual(
      pids.map((pid) => [pid, 'running']),
    );
    process.kill(pids[1] ?? 0, 'SIGKILL');
    const exited = await host.event('fleet.agent.exited', { agent_id: `${poolId}-2` });
    expect(exited.payload).toMatchObject({ exit_code: null, signal: null, expected: false });
    expect(agents()).toEqual(['pool-1/1']);
  });

  it('what was spawned but not written down is found, not doubled', async () => {
    host = await startHost({ HOST_DIES_AFTER_SPAWN: '1' });
    const dead = once(host.process, 'exit');
    void host.call('create', pool(), ASKED);
    await dead;
    const [orphan] = workers();
    expect(agents()).toEqual(['pool-1/1']);

    host = await startHost();
    await spawned(1);
    expect((await host.call<PoolView>('get', poolId)).replicas).toMatchObject([
      { pid: orphan?.pid, unit: 'running' },
    ]);
    expect(agents()).toEqual(['pool-1/1']);
  });

  it('a stop goes on, and a restart has happened once', async () => {
    host = await startHost();
    await host.call('create', pool(), ASKED);
    await hang(pidOf(await spawned(1)));
    const order = { ...ASKED, agentId: `${poolId}-1`, expectedGeneration: 1 };
    expect(await host.call('restart', order)).toEqual({ generation: 2, opened: true });
    await host.kill();

    host = await startHost();
    expect(await host.call('restart', order)).toEqual({ generation: 2, opened: false });
    await host.event('fleet.agent.exited', { agent_id: `${poolId}-1`, generation: 1 });
    await host.until(() => agents().join() === 'pool-1/2');
  });
});

describe('while the server runs', () => {
  // One for all: each has a pool of its own.
  beforeAll(async () => {
    makeDirectory();
    host = await startHost();
  });
  afterEach(killWorkers);
  afterAll(endAll);

  describe('a worker that hangs', () => {
    const RESTART = { ...ASKED, expectedGeneration: 1, hung: true };

    it('is killed at once, and followed when it is gone', async () => {
      // A port that both would want.
      const lock = join(directory, 'port');
      await host.call(
        'create',
        pool({ command: ['/usr/bin/flock', '-n', lock, '/bin/sleep', '300'] }),
        ASKED,
      );
      await hang(pidOf(await spawned(1)));
      await host.call('restart', { ...RESTART, agentId: `${poolId}-1` });
      await spawned(1, 2);
      expect(agents()).toEqual(['pool-1/2']);
      expect(exitsOf(`${poolId}-1`)).toBe(1);
    });

    it('is followed at once by n+1 where the pool lets them overlap, and killed when its grace is over', async () => {
      await host.call('create', pool({ overlap: true }), ASKED);
      const pid = pidOf(await spawned(1));
      await hang(pid);
      const askedAtMs = performance.now();
      await host.call('restart', { ...RESTART, agentId: `${poolId}-1` });
      await spawned(1, 2);
      expect(agents()).toEqual(['pool-1/1', 'pool-1/2']);
      expect(table.stat(pid)?.state).toBe('T');
      const exited = await host.event('fleet.agent.exited', { agent_id: `${poolId}-1`, generation: 1 });
      expect(performance.now() - askedAtMs).toBeGreaterThanOrEqual(GRACE_MS - 50);
      expect(exited.payload).toMatchObject({ signal: 'SIGKILL', expected: true });
      expect(agents()).toEqual(['pool-1/2']);
    });
  });

  describe('a worker that ends', () => {
    it('is noticed at once with its exit code, and not started again', async () => {
      await host.call('create', pool({ command: ['/bin/sh', '-c', 'echo last words; exit 3'] }), ASKED);
      const exited = await host.event('fleet.agent.exited', { agent_id: `${poolId}-1` });
      expect(exited.payload).toMatchObject({ exit_code: 3, expected: false });
      await host.event('fleet.agent.status_changed', { agent_id: `${poolId}-1`, to: 'FAILED' });
      expect(readFileSync(join(directory, 'logs', `${poolId}-1`, '1.stdout.log'), 'utf8')).toBe(
        'last words\n',
      );
      expect(agents()).toEqual([]);
    });

    it('takes with it what it left in its group', async () => {
      await host.call(
        'create',
        pool({ command: ['/bin/sh', '-c', 'sleep 301 & echo $!; exec sleep 300'] }),
        ASKED,
      );
      const pid = pidOf(await spawned(1));
      const log = join(directory, 'logs', `${poolId}-1`, '1.stdout.log');
      await host.until(() => readFileSync(log, 'utf8').endsWith('\n'));
      const child = Number(readFileSync(log, 'utf8'));
      process.kill(pid, 'SIGKILL');
      await host.event('fleet.agent.exited', { agent_id: `${poolId}-1` });
      await host.until(() => (table.stat(child)?.state ?? 'Z') === 'Z');
    });
  });

  describe('a command that does not exist', () => {
    it.each<[string, (file: string) => Partial<PoolDefinition>, string]>([
      ['a missing program', () => ({ command: ['/nowhere/worker'] }), 'was not found'],
      ['a file that may not be executed', (file) => ({ command: [file] }), 'may not be executed'],
      ['a missing directory', () => ({ cwd: '/nowhere' }), 'in the directory /nowhere'],
    ])('%s: the pool says so and backs off, the server lives', async (_, change, message) => {
      const file = join(directory, 'notes.txt');
      writeFileSync(file, 'no program', { mode: 0o600 });
      await host.call('create', pool(change(file)), ASKED);
      const failed = await host.event('fleet.pool.spawn_failed', { pool_id: poolId });
      expect(failed.payload).toMatchObject({ error: expect.stringContaining(message) });
      expect((await host.call<PoolView>('get', poolId)).lastError).toContain(message);
      await host.call('update', poolId, { command: ['/bin/sleep', '300'], cwd: null }, ASKED);
      await spawned(1);
      expect((await host.call<PoolView>('get', poolId)).lastError).toBeNull();
    });
  });

  describe('the end of a demo', () => {
    it('leaves no worker behind', async () => {
      await host.call('create', pool({ desired: 3 }), ASKED);
      for (const slot of [1, 2, 3]) await spawned(slot);
      await host.call('stopAll', GRACE_MS);
      expect(agents()).toEqual([]);
    });
  });
});
