import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createProcessTable,
  LogFiles,
  ProcessRuntime,
  UnitStarter,
  type EndedUnit,
  type Runtime,
} from '#fleet';
import { createSystemClock, silentLogger, type ProcessUsage } from '#telemetry';
import { MemoryMachine, MemoryRuntime } from '../../src/fleet/runtimes/memory-runtime.test-support.ts';

/** A machine on which runtimes come and go, and the commands that it understands. */
interface Fixture {
  open(): Runtime;
  readonly runs: readonly string[];
  readonly ignoresSigterm: readonly string[];
  readonly exits3: readonly string[];
  readonly missing: readonly string[];
  /** Resolves when the agent's process has set itself up. */
  ready(agentId: string): Promise<void>;
  /** The unit uses some memory from now on. */
  uses(handle: string): void;
  close(): void;
}

const WITHIN_MS = 60_000;

function processFixture(): Fixture {
  const directory = mkdtempSync(join(tmpdir(), 'omoi-runtime-'));
  const parts = {
    clock: createSystemClock(),
    logger: silentLogger,
    table: createProcessTable(),
    logs: new LogFiles(directory),
  };
  const sh = (script: string): readonly string[] => ['/bin/sh', '-c', `echo ready; ${script}`];
  return {
    open: () => new ProcessRuntime({ ...parts, starter: new UnitStarter(silentLogger) }),
    runs: sh('exec sleep 60'),
    ignoresSigterm: ['/bin/sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'],
    exits3: sh('exit 3'),
    missing: ['/nowhere/omoi-worker'],
    ready: (agentId) =>
      until(() => readFileSync(join(directory, agentId, '1.stdout.log'), 'utf8').includes('ready')),
    // Every process does.
    uses() {},
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function memoryFixture(): Fixture {
  const machine = new MemoryMachine();
  return {
    open: () => new MemoryRuntime(machine),
    runs: ['run'],
    ignoresSigterm: ['ignore_sigterm'],
    exits3: ['exit', '3'],
    missing: ['/nowhere/omoi-worker'],
    ready: () => Promise.resolve(),
    uses: (handle) => machine.uses(handle, { cpuSeconds: 0, memoryBytes: 1_000_000 }),
    close() {},
  };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it did not come true');
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

const ASK = { how: 'ask', graceMs: 10_000 } as const;
const FORCE = { how: 'force' } as const;

let nonces = 0;

describe.each([
  ['process', processFixture],
  ['memory', memoryFixture],
])('the runtime "%s"', (_, createFixture) => {
  let fixture: Fixture;
  let runtime: Runtime;
  let ends: EndedUnit[];
  let started: string[];

  function open(): Runtime {
    const opened = fixture.open();
    opened.onEnd((ended) => ends.push(ended));
    return opened;
  }

  async function start(command: readonly string[], agentId = 'coders-1') {
    const nonce = `nonce-${process.pid}-${++nonces}`;
    const env = { PATH: '/bin:/usr/bin', OMOI_AGENT_NONCE: nonce };
    const result = await runtime.start({ agentId, generation: 1, command, cwd: null, env, nonce });
    if (result.kind === 'failed') throw new Error(result.error);
    started.push(result.unit.handle);
    await fixture.ready(agentId);
    return { ...result.unit, nonce };
  }

  beforeEach(() => {
    fixture = createFixture();
    ends = [];
    started = [];
    runtime = open();
  });

  afterEach(async () => {
    await Promise.all(started.map((handle) => runtime.stop(handle, FORCE)));
    runtime.close();
    fixture.close();
  });

  it('tells of the exit of what it started, once, with its code', async () => {
    const { handle, pid } = await start(fixture.exits3);
    expect(pid).toBeGreaterThan(1);
    await until(() => ends.length > 0);
    expect(ends).toEqual([{ handle, exit: { exitCode: 3, signal: null } }]);
    expect(await runtime.stop(handle, ASK)).toBe(false);
  });

  it('stops what listens by asking', async () => {
    const { handle } = await start(fixture.runs);
    expect(await runtime.stop(handle, ASK)).toBe(true);
    await until(() => ends.length > 0);
    expect(ends).toEqual([{ handle, exit: { exitCode: null, signal: 'SIGTERM' } }]);
  });

  it('stops what does not listen by force', async () => {
    const { handle } = await start(fixture.ignoresSigterm);
    expect(await runtime.stop(handle, ASK)).toBe(true);
    expect(await runtime.stop(handle, FORCE)).toBe(true);
    await until(() => ends.length > 0);
    expect(ends).toEqual([{ handle, exit: { exitCode: null, signal: 'SIGKILL' } }]);
  });

  it('says what could not be started', async () => {
    const nonce = 'nonce-of-nothing';
    const command = fixture.missing;
    const result = await runtime.start({ agentId: 'x', generation: 1, command, cwd: null, env: {}, nonce });
    expect(result).toMatchObject({ kind: 'failed', error: expect.stringContaining('/nowhere/omoi-worker') });
    expect(await runtime.discover(nonce)).toBeNull();
    expect(ends).toEqual([]);
  });

  it('leaves its units running when it closes, and finds them by their nonce', async () => {
    const { handle, pid, nonce } = await start(fixture.runs);
    runtime.close();
    runtime = open();
    expect(await runtime.discover(nonce)).toEqual({ handle, pid });
    expect(await runtime.discover('another')).toBeNull();
    runtime.watch(handle);
    await runtime.stop(handle, ASK);
    await until(() => ends.length > 0);
    expect(ends).toEqual([{ handle, exit: null }]);
  });

  it('tells of the exit of an unit that has been gone for long', async () => {
    const { handle } = await start(fixture.exits3);
    await until(() => ends.length > 0);
    runtime.close();
    ends.length = 0;
    runtime = open();
    runtime.watch(handle);
    await until(() => ends.length > 0);
    expect(ends).toEqual([{ handle, exit: null }]);
  });

  it('keeps two units apart', async () => {
    const first = await start(fixture.runs, 'coders-1');
    const second = await start(fixture.runs, 'coders-2');
    expect(first.handle).not.toBe(second.handle);
    await runtime.stop(first.handle, ASK);
    await until(() => ends.length > 0);
    expect(ends.map((ended) => ended.handle)).toEqual([first.handle]);
    expect(await runtime.discover(second.nonce)).toMatchObject({ handle: second.handle });
  });

  it('shows how a unit stands', async () => {
    const { handle } = await start(fixture.runs);
    expect(await runtime.observe(handle)).toEqual({ kind: 'running' });
    await runtime.stop(handle, FORCE);
    await until(() => ends.length > 0);
    expect(await runtime.observe(handle)).toMatchObject({ kind: 'ended' });
    expect(await runtime.observe('of another runtime')).toMatchObject({ kind: 'ended' });
  });

  it('tells what units use whenever they are looked at, and of none that has ended', async () => {
    const { handle } = await start(fixture.runs);
    fixture.uses(handle);
    const told: [string, ProcessUsage][] = [];
    runtime.onUsage?.((...seen) => told.push(seen));
    await runtime.measure?.([handle, 'of another runtime']);
    await runtime.activity([handle]);
    expect(told.map(([of]) => of)).toEqual([handle, handle]);
    for (const [, { cpuSeconds, memoryBytes }] of told) {
      expect(cpuSeconds).toBeGreaterThanOrEqual(0);
      expect(memoryBytes).toBeGreaterThan(100_000);
    }
    await runtime.stop(handle, FORCE);
    await until(() => ends.length > 0);
    await runtime.measure?.([handle]);
    expect(told).toHaveLength(2);
  });

  it('gives the end of what a unit wrote, also when it has ended', async () => {
    await start(fixture.exits3);
    await until(() => ends.length > 0);
    const unit = { agentId: 'coders-1', generation: 1 };
    expect(await runtime.logs(unit, 1000)).toEqual({ stdout: 'ready\n', stderr: '' });
    expect(await runtime.logs(unit, 3)).toEqual({ stdout: 'dy\n', stderr: '' });
    const other = { agentId: 'coders-9', generation: 1 };
    expect(await runtime.logs(other, 1000)).toEqual({ stdout: '', stderr: '' });
  });
});
