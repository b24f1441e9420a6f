import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProcessTable, LogFiles, ProcessRuntime, type ProcessExit, type Runtime } from '#fleet';
import { createSystemClock, silentLogger } from '#telemetry';
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
  close(): void;
}

const WITHIN_MS = 5000;
/** What the design promises for adopted processes, and the time to ask. */
const ADOPTED_EXIT_MS = 250;
const MARGIN_MS = 150;

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
    open: () => new ProcessRuntime(parts),
    runs: sh('exec sleep 60'),
    ignoresSigterm: ['/bin/sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'],
    exits3: sh('exit 3'),
    missing: ['/nowhere/omoi-worker'],
    ready: (agentId) =>
      until(() => readFileSync(join(directory, agentId, '1.stdout.log'), 'utf8').includes('ready')),
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

let nonces = 0;

describe.each([
  ['process', processFixture],
  ['memory', memoryFixture],
])('the runtime "%s"', (_, createFixture) => {
  let fixture: Fixture;
  let runtime: Runtime;
  let exits: ProcessExit[];
  let started: string[];

  function open(): Runtime {
    const opened = fixture.open();
    opened.onExit((exit) => exits.push(exit));
    return opened;
  }

  async function start(command: readonly string[], agentId = 'coders-1') {
    const nonce = `nonce-${process.pid}-${++nonces}`;
    const env = { PATH: '/bin:/usr/bin', OMOI_AGENT_NONCE: nonce };
    const result = await runtime.start({ agentId, generation: 1, command, cwd: null, env, nonce });
    if (result.kind === 'failed') throw new Error(result.error);
    started.push(result.process.handle);
    await fixture.ready(agentId);
    return { ...result.process, nonce };
  }

  beforeEach(() => {
    fixture = createFixture();
    exits = [];
    started = [];
    runtime = open();
  });

  afterEach(() => {
    for (const handle of started) runtime.signal(handle, 'SIGKILL');
    runtime.close();
    fixture.close();
  });

  it('tells of the exit of what it started, once, with its code', async () => {
    const { handle, pid } = await start(fixture.exits3);
    expect(pid).toBeGreaterThan(1);
    await until(() => exits.length > 0);
    expect(exits).toEqual([{ handle, exitCode: 3, signal: null }]);
    expect(runtime.signal(handle, 'SIGTERM')).toBe(false);
  });

  it('stops with SIGTERM what listens to it', async () => {
    const { handle } = await start(fixture.runs);
    expect(runtime.signal(handle, 'SIGTERM')).toBe(true);
    await until(() => exits.length > 0);
    expect(exits).toEqual([{ handle, exitCode: null, signal: 'SIGTERM' }]);
  });

  it('stops with SIGKILL what does not', async () => {
    const { handle } = await start(fixture.ignoresSigterm);
    expect(runtime.signal(handle, 'SIGTERM')).toBe(true);
    expect(runtime.signal(handle, 'SIGKILL')).toBe(true);
    await until(() => exits.length > 0);
    expect(exits).toEqual([{ handle, exitCode: null, signal: 'SIGKILL' }]);
  });

  it('says what could not be started', async () => {
    const nonce = 'nonce-of-nothing';
    const command = fixture.missing;
    const result = await runtime.start({ agentId: 'x', generation: 1, command, cwd: null, env: {}, nonce });
    expect(result).toMatchObject({ kind: 'failed', error: expect.stringContaining('/nowhere/omoi-worker') });
    expect(await runtime.findByNonce(nonce)).toBeNull();
    expect(exits).toEqual([]);
  });

  it('leaves its processes running when it closes, and finds them by their nonce', async () => {
    const { handle, pid, nonce } = await start(fixture.runs);
    runtime.close();
    runtime = open();
    expect(await runtime.findByNonce(nonce)).toEqual({ handle, pid });
    expect(await runtime.findByNonce('another')).toBeNull();
    runtime.adopt(handle);
    runtime.signal(handle, 'SIGTERM');
    const signalledAtMs = performance.now();
    await until(() => exits.length > 0);
    expect(performance.now() - signalledAtMs).toBeLessThan(ADOPTED_EXIT_MS + MARGIN_MS);
    expect(exits).toEqual([{ handle, exitCode: null, signal: null }]);
  });

  it('tells of the exit of an adopted process that has been gone for long', async () => {
    const { handle } = await start(fixture.exits3);
    await until(() => exits.length > 0);
    runtime.close();
    exits.length = 0;
    runtime = open();
    runtime.adopt(handle);
    await until(() => exits.length > 0);
    expect(exits).toEqual([{ handle, exitCode: null, signal: null }]);
  });

  it('keeps two processes apart', async () => {
    const first = await start(fixture.runs, 'coders-1');
    const second = await start(fixture.runs, 'coders-2');
    expect(first.handle).not.toBe(second.handle);
    runtime.signal(first.handle, 'SIGTERM');
    await until(() => exits.length > 0);
    expect(exits.map((exit) => exit.handle)).toEqual([first.handle]);
    expect(await runtime.findByNonce(second.nonce)).toMatchObject({ handle: second.handle });
  });
});
