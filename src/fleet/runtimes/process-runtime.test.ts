import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock, silentLogger, VirtualClock } from '#telemetry';
import { LogFiles } from './log-files.ts';
import { formatHandle, parseHandle } from './process-handle.ts';
import { ProcessRuntime } from './process-runtime.ts';
import { createProcessTable, isRunning } from './process-table.ts';
import type { EndedUnit, StartedUnit } from './runtime.ts';
import { findUnitGroups, removeEmptyGroups, type UnitGroups } from './unit-groups.ts';
import { UnitStarter } from './unit-starter.ts';
import { until } from './until.test-support.ts';

const table = createProcessTable();
const home = mkdtempSync(join(tmpdir(), 'omoi-groups-'));
const groups = findUnitGroups(home);
let directory: string;
let runtimes: ProcessRuntime[];
let ends: EndedUnit[];
let scans: number;
let onEnd: () => void;
let strangers: ChildProcess[];

function open(unitGroups: UnitGroups | null): ProcessRuntime {
  const counted = {
    ...table,
    pids: () => {
      scans++;
      return table.pids();
    },
  };
  const logs = new LogFiles(directory);
  const runtime = new ProcessRuntime({
    clock: createSystemClock(),
    logger: silentLogger,
    table: counted,
    starter: new UnitStarter(silentLogger),
    logs,
    groups: unitGroups,
  });
  runtime.onEnd((ended) => {
    ends.push(ended);
    onEnd();
  });
  runtimes.push(runtime);
  return runtime;
}

async function start(runtime: ProcessRuntime, script: string, agentId = 'agent-1'): Promise<StartedUnit> {
  const result = await runtime.start({
    agentId,
    generation: 1,
    nonce: `${agentId}-${process.pid}-${performance.now()}`,
    command: ['/bin/sh', '-c', script],
    cwd: null,
    env: { PATH: process.env['PATH'] ?? '/bin:/usr/bin' },
  });
  if (result.kind === 'failed') throw new Error(result.error);
  return result.unit;
}

/** The numbers that a script has written, a line each, as soon as there are so many. */
async function written(count: number, agentId = 'agent-1'): Promise<readonly number[]> {
  const file = join(directory, agentId, '1.stdout.log');
  await until(() => readFileSync(file, 'utf8').split('\n').length > count);
  return readFileSync(file, 'utf8').trim().split('\n').map(Number);
}

/** Moves time on until the answer is there. */
async function inTime<Answer>(clock: VirtualClock, asked: Promise<Answer>): Promise<Answer> {
  const waiting = { isOver: false };
  const answer = asked.finally(() => (waiting.isOver = true));
  while (!waiting.isOver) await clock.advance(1);
  return answer;
}

const runs = (pid: number): boolean => isRunning(table.stat(pid));

async function ended(count = 1): Promise<void> {
  if (ends.length >= count) return;
  await new Promise<void>((resolve) => {
    onEnd = () => {
      if (ends.length >= count) resolve();
    };
  });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-exit-'));
  runtimes = [];
  ends = [];
  strangers = [];
  scans = 0;
  onEnd = () => {};
});

afterEach(() => {
  for (const runtime of runtimes) runtime.close();
  for (const stranger of strangers) stranger.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

afterAll(async () => {
  await until(() => removeEmptyGroups(home) === 0);
  rmSync(home, { recursive: true });
});

describe.each<[string, boolean, UnitGroups | null]>([
  ['walks over the processes', true, null],
  ['control groups (needs a cgroup2 mount that may be written to)', groups !== null, groups],
])('the whole tree of a unit ends, by %s:', (_, possible, unitGroups) => {
  beforeEach(({ skip }) => skip(!possible));

  /** A child in the group, one in a session of its own, and a grandchild whose parent has gone; each tells its pid. */
  const FAMILY =
    'sleep 300 & echo $!; setsid sh -c "echo \\$\\$; exec sleep 301" & ' +
    '(setsid sh -c "sleep 302 & echo \\$!" &) ; ';

  it('what is left when it ends by itself', async () => {
    const runtime = open(unitGroups);
    const unit = await start(runtime, `${FAMILY} until [ -e ${directory}/go ]; do sleep 0.02; done; exit 3`);
    const family = await written(3);
    expect(family.map(runs)).toEqual([true, true, true]);
    writeFileSync(join(directory, 'go'), '');
    await ended();
    expect(ends).toEqual([{ handle: unit.handle, exit: { exitCode: 3, signal: null } }]);
    expect(family.map(runs)).toEqual([false, false, false]);
  });

  it('all of it at once by force', async () => {
    const runtime = open(unitGroups);
    const unit = await start(runtime, `trap "" TERM; ${FAMILY} while :; do sleep 0.05; done`);
    const family = await written(3);
    expect(await runtime.stop(unit.handle, { how: 'force' })).toBe(true);
    await ended();
    expect(ends).toEqual([{ handle: unit.handle, exit: { exitCode: null, signal: 'SIGKILL' } }]);
    expect(family.map(runs)).toEqual([false, false, false]);
    expect(await runtime.stop(unit.handle, { how: 'force' })).toBe(false);
  });

  it('asked, what outlives its shell has the rest of the grace to finish', async () => {
    const runtime = open(unitGroups);
    const work = 'trap "echo 7; exit 0" TERM; echo $$; while :; do sleep 0.02; done';
    // A shell that does not pass on what it is asked.
    const unit = await start(runtime, `sh -c '${work}' & echo $!; wait`);
    await written(2);
    expect(await runtime.stop(unit.handle, { how: 'ask', graceMs: 60_000 })).toBe(true);
    await ended();
    expect(await written(3)).toContain(7);
  });

  it('asked, what does not listen is ended when the grace is over', async () => {
    const runtime = open(unitGroups);
    const unit = await start(
      runtime,
      `sh -c 'trap "" TERM; echo 1; while :; do sleep 0.02; done' & echo $!; wait`,
    );
    const [first = 0, second = 0] = await written(2);
    await runtime.stop(unit.handle, { how: 'ask', graceMs: 200 });
    await ended();
    expect(runs(Math.max(first, second))).toBe(false);
  });

  it('one that an earlier runtime started', async () => {
    const first = open(unitGroups);
    const unit = await start(first, `${FAMILY} exec sleep 303`);
    const family = await written(3);
    first.close();
    process.kill(unit.pid ?? 0, 'SIGKILL');
    const second = open(unitGroups);
    second.watch(unit.handle);
    await ended();
    expect(ends).toEqual([{ handle: unit.handle, exit: null }]);
    expect(family.map(runs)).toEqual([false, false, false]);
  });
});

describe.runIf(groups !== null)('in control groups', () => {
  it('a daemon that has left its parents and session and cleared its environment ends with its unit', async () => {
    const runtime = open(groups);
    const go = join(directory, 'go');
    const daemonize = 'setsid env -i sh -c "sleep 304 & echo \\$!"';
    const unit = await start(
      runtime,
      `until [ -e ${go} ]; do sleep 0.02; done; ${daemonize}; exec sleep 300`,
    );
    writeFileSync(go, '');
    const [daemon = 0] = await written(1);
    await until(() => table.environ(daemon)?.includes('OMOI_UNIT_ID') === false);
    process.kill(unit.pid ?? 0, 'SIGKILL');
    await ended();
    expect(runs(daemon)).toBe(false);
  });
});

it('units that end at once share the walks over all processes', async () => {
  const runtime = open(null);
  const agents = Array.from({ length: 8 }, (_, at) => `agent-${at}`);
  const go = join(directory, 'go');
  for (const agentId of agents) await start(runtime, `until [ -e ${go} ]; do sleep 0.02; done`, agentId);
  writeFileSync(go, '');
  await ended(agents.length);
  expect(scans).toBeLessThanOrEqual(2 * agents.length);
  expect(scans).toBeGreaterThanOrEqual(2);
});

describe('thousands of units that an earlier server started', () => {
  const UNITS = 2000;

  /** A machine on which each look takes a while, and how many looks there were in one turn of the event loop at most. */
  function slowMachine() {
    const virtual = new VirtualClock();
    let spentMs = 0;
    let inTurn = 0;
    const machine = { looks: 0, mostInTurn: 0 };
    const look = <Seen>(seen: Seen): Seen => {
      spentMs += 0.03;
      machine.looks++;
      if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
      machine.mostInTurn = Math.max(machine.mostInTurn, inTurn);
      return seen;
    };
    const stat = table.stat(process.pid);
    if (!stat) throw new Error('this test does not run');
    const runtime = new ProcessRuntime({
      clock: {
        wallMs: () => virtual.wallMs(),
        monotonicMs: () => virtual.monotonicMs() + spentMs,
        cpuMs: () => virtual.cpuMs(),
        bootMs: () => virtual.bootMs(),
        bootId: virtual.bootId,
        after: (delayMs, run) => virtual.after(delayMs, run),
        every: (periodMs, run) => virtual.every(periodMs, run),
      },
      logger: silentLogger,
      table: {
        ...table,
        pids: () => Array.from({ length: UNITS }, (_, at) => at + 2),
        stat: (pid) => look({ ...stat, pid }),
        environ: () => look('OMOI_AGENT_NONCE=another'),
      },
      starter: new UnitStarter(silentLogger),
      logs: new LogFiles(directory),
    });
    runtimes.push(runtime);
    return { machine, runtime, virtual, startTicks: stat.startTicks };
  }

  it('are looked at in turns with others, and the less often the longer it takes', async () => {
    const { machine, runtime, virtual, startTicks } = slowMachine();
    for (let pid = 2; pid < UNITS + 2; pid++) {
      runtime.watch(formatHandle({ bootId: table.bootId(), pid, startTicks, unitId: null }));
    }
    await virtual.advance(100);
    await until(() => machine.looks === UNITS);
    expect(machine.mostInTurn).toBeLessThan(200);
    await virtual.advance(300);
    expect(machine.looks).toBe(UNITS);
    await virtual.advance(400);
    await until(() => machine.looks === 2 * UNITS);
  });

  it('are sought by their nonce in turns with others', async () => {
    const { machine, runtime, virtual } = slowMachine();
    expect(await inTime(virtual, runtime.discover('one'))).toBeNull();
    expect([machine.looks % UNITS, machine.mostInTurn < 200]).toEqual([0, true]);
  });

  it.each([
    ['has no environment for an instant', ''],
    ['has still that of its parent', 'PATH=/bin\0A=1'],
  ])('are found though one that becomes another program %s', async (_, atFirst) => {
    let looks = 0;
    const pid = process.pid;
    const virtual = new VirtualClock();
    const runtime = new ProcessRuntime({
      clock: virtual,
      logger: silentLogger,
      table: {
        ...table,
        pids: () => [pid],
        environ: () => (looks++ === 0 ? atFirst : 'OMOI_AGENT_NONCE=one\0A=1'),
      },
      starter: new UnitStarter(silentLogger),
      logs: new LogFiles(directory),
    });
    runtimes.push(runtime);
    expect(await inTime(virtual, runtime.discover('one'))).toMatchObject({ pid });
  });
});

describe('a stranger', () => {
  /** A process that leads a group and session, as a unit's first does. */
  async function stranger(): Promise<number> {
    const child = spawn('/bin/sleep', ['300'], { detached: true, stdio: 'ignore' });
    strangers.push(child);
    await once(child, 'spawn');
    return child.pid ?? 0;
  }

  it('whose pid was a unit’s is not touched, nor is what is in its group', async () => {
    const runtime = open(groups);
    const pid = await stranger();
    const stat = table.stat(pid);
    if (!stat) throw new Error('the stranger is gone');
    const handle = formatHandle({
      bootId: table.bootId(),
      pid,
      startTicks: stat.startTicks - 1,
      unitId: 'f'.repeat(32),
    });
    expect(await runtime.stop(handle, { how: 'ask', graceMs: 1 })).toBe(false);
    expect(await runtime.stop(handle, { how: 'force' })).toBe(false);
    runtime.watch(handle);
    await ended();
    expect(ends).toEqual([{ handle, exit: null }]);
    expect(runs(pid)).toBe(true);
  });

  const LAST_PID = '/proc/sys/kernel/ns_last_pid';
  const mayChoosePids = process.getuid?.() === 0 && existsSync(LAST_PID);

  it.runIf(mayChoosePids)('that really gets the pid of a unit that has ended is not touched', async () => {
    const first = open(null);
    const unit = await start(first, 'exec sleep 300');
    first.close();
    const wanted = unit.pid ?? 0;
    process.kill(wanted, 'SIGKILL');
    await until(() => table.stat(wanted) === null);
    const began = parseHandle(unit.handle)?.startTicks;
    const taken = (): boolean => ![undefined, began].includes(table.stat(wanted)?.startTicks);
    // Within one tick of the kernel's clock (10 ms) no machine goes through all of its pids. Others start processes too:
    // one of theirs may have the pid for a while, and end by itself.
    const giveUpAt = performance.now() + 60_000;
    let ours = false;
    while (!ours && performance.now() < giveUpAt) {
      writeFileSync(LAST_PID, String(wanted - 1));
      const pid = await stranger();
      ours = pid === wanted && taken();
      if (ours) break;
      strangers.pop()?.kill('SIGKILL');
      await until(() => table.stat(pid) === null);
    }
    expect(ours).toBe(true);
    expect(runs(wanted)).toBe(true);
    const second = open(null);
    expect(await second.stop(unit.handle, { how: 'force' })).toBe(false);
    second.watch(unit.handle);
    await ended();
    expect(runs(wanted)).toBe(true);
  });
});
