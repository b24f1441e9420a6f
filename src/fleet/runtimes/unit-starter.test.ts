import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock, silentLogger } from '#telemetry';
import { LogFiles } from './log-files.ts';
import { ProcessRuntime } from './process-runtime.ts';
import { createProcessTable, isRunning } from './process-table.ts';
import type { EndedUnit, StartResult } from './runtime.ts';
import { UnitStarter } from './unit-starter.ts';
import { until } from './until.test-support.ts';

const table = createProcessTable();
let directory: string;
let starter: UnitStarter;
let runtime: ProcessRuntime;
let ends: EndedUnit[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-starter-'));
  starter = new UnitStarter(silentLogger);
  const logs = new LogFiles(directory);
  runtime = new ProcessRuntime({ clock: createSystemClock(), logger: silentLogger, table, starter, logs });
  ends = [];
  runtime.onEnd((ended) => ends.push(ended));
});

afterEach(() => {
  runtime.close();
  rmSync(directory, { recursive: true, force: true });
});

let started = 0;
const start = (...command: readonly string[]): Promise<StartResult> =>
  runtime.start({
    agentId: `agent-${++started}`,
    generation: 1,
    nonce: `${process.pid}-${performance.now()}`,
    command,
    cwd: null,
    env: { PATH: '/bin:/usr/bin' },
  });

async function unitOf(
  result: Promise<StartResult>,
): Promise<{ readonly handle: string; readonly pid: number }> {
  const outcome = await result;
  if (outcome.kind === 'failed' || outcome.unit.pid === null) throw new Error(JSON.stringify(outcome));
  return { handle: outcome.unit.handle, pid: outcome.unit.pid };
}

const runs = (pid: number | null): boolean => pid !== null && isRunning(table.stat(pid));

function signalStarter(signal: NodeJS.Signals): number {
  const { pid } = starter;
  if (pid === null) throw new Error('there is no starter');
  process.kill(pid, signal);
  return pid;
}

describe('the process that starts agents', () => {
  it('is there when it is first needed, one for all, and ends with its server; what it started goes on', async () => {
    expect(starter.pid).toBeNull();
    const units = await Promise.all([unitOf(start('sleep', '60')), unitOf(start('sleep', '60'))]);
    const { pid } = starter;
    expect(units.map(({ pid: unit }) => table.stat(unit)?.parentPid)).toEqual([pid, pid]);
    runtime.close();
    await until(() => !runs(pid));
    expect(units.map(({ pid: unit }) => runs(unit))).toEqual([true, true]);
    for (const { pid: unit } of units) process.kill(unit, 'SIGKILL');
  });

  it('is not started any more by what comes after the end', async () => {
    await unitOf(start('true'));
    runtime.close();
    await starter.reserve({ files: [], bytes: 1 });
    expect((await start('true')).kind).toBe('failed');
    expect(starter.pid).toBeNull();
  });

  it('does not end with a group of processes that is asked to', async () => {
    await unitOf(start('true'));
    const pid = signalStarter('SIGTERM');
    signalStarter('SIGINT');
    await unitOf(start('true'));
    expect(starter.pid).toBe(pid);
  });

  it('is replaced where it was killed: what it had started goes on, and its end is seen', async () => {
    const { handle, pid } = await unitOf(start('sleep', '60'));
    const killed = signalStarter('SIGKILL');
    await until(() => starter.pid === null);
    expect([runs(pid), ends]).toEqual([true, []]);
    const next = await unitOf(start('sh', '-c', 'exit 3'));
    expect(starter.pid).not.toBe(killed);
    await until(() => ends.length === 1);
    expect(ends).toEqual([{ handle: next.handle, exit: { exitCode: 3, signal: null } }]);
    process.kill(pid, 'SIGKILL');
    await until(() => ends.length === 2);
    expect(ends[1]).toEqual({ handle, exit: null });
  });

  it('says of what was to be started meanwhile that it was not, and starts it when it is asked again', async () => {
    await unitOf(start('true'));
    signalStarter('SIGSTOP');
    const meanwhile = start('sleep', '60');
    signalStarter('SIGKILL');
    expect(await meanwhile).toEqual({
      kind: 'failed',
      error: 'the command "sleep" could not be started: the process that starts agents has ended meanwhile',
    });
    await unitOf(start('true'));
  });

  it('takes over no environment and no flag of its server', async () => {
    const { handle } = await unitOf(start('sh', '-c', 'env | cut -d= -f1 | sort'));
    await until(() => ends.some((ended) => ended.handle === handle));
    const names = readFileSync(join(directory, `agent-${started}/1.stdout.log`), 'utf8')
      .trim()
      .split('\n');
    expect(names.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name))).toEqual([
      'OMOI_UNIT_ID',
      'PATH',
    ]);
    expect(table.environ(starter.pid ?? 0)?.split('\0')).not.toContain(`HOME=${process.env['HOME']}`);
  });

  it('takes room behind the ends of files', async () => {
    const path = join(directory, 'file');
    writeFileSync(path, 'ten bytes.');
    await starter.reserve({ files: [{ path, size: 10 }], bytes: 65_536 });
    expect(readFileSync(path, 'utf8')).toBe('ten bytes.');
  });
});
