import { beforeEach, describe, expect, it, test } from 'vitest';
import type { ProcessActivity } from '#telemetry';
import type { ProcessTable } from './process-table.ts';
import { TreeActivity, type TreeRoot } from './tree-activity.ts';

interface TestProcess {
  parent: number;
  session: number;
  cpu: number;
  reaped: number;
  pages: number;
  io: number | null;
  state: string;
  startTicks: number;
}

/** A leader of 10, its shell 11 and its grandchild 12; 20 is somebody else's. */
let machine: Map<number, TestProcess>;
let activity: TreeActivity;
let reads: number;
/** What happens when a process has just been read. */
let whenRead: (pid: number) => void;

function add(pid: number, parent: number, session: number): TestProcess {
  const added = { parent, session, cpu: 1, reaped: 0, pages: 10, io: 100, state: 'S', startTicks: pid };
  machine.set(pid, added);
  return added;
}

function at(pid: number): TestProcess {
  const found = machine.get(pid);
  if (!found) throw new Error(`no process ${pid}`);
  return found;
}

const table: ProcessTable = {
  newestPid: () => null,
  pids: () => {
    reads++;
    return [...machine.keys()];
  },
  stat: (pid) => {
    const found = machine.get(pid);
    if (!found) return null;
    const { parent, session, cpu, reaped, pages, state, startTicks } = found;
    whenRead(pid);
    const used = { cpuTicks: cpu, reapedTicks: reaped, residentPages: pages };
    return { pid, state, parentPid: parent, groupId: pid, sessionId: session, ...used, startTicks };
  },
  ioBytes: (pid) => machine.get(pid)?.io ?? null,
  environ: () => null,
  isBlank: () => false,
  bootId: () => 'boot',
  pageBytes: () => 4096,
};

function look(...pids: number[]): ReadonlyMap<number, ProcessActivity> {
  return lookAt(pids.map((pid) => ({ pid, startTicks: null })));
}

function lookAt(roots: readonly TreeRoot[]): ReadonlyMap<number, ProcessActivity> {
  const looking = activity.look(roots);
  for (;;) {
    const step = looking.next();
    if (step.done) return step.value;
  }
}

beforeEach(() => {
  machine = new Map();
  reads = 0;
  whenRead = () => {};
  add(1, 0, 1);
  add(10, 1, 10);
  add(11, 10, 10);
  add(12, 11, 12);
  add(20, 1, 20);
  activity = new TreeActivity(table);
  look(10, 20);
});

test.each<[string, () => unknown, ProcessActivity | undefined]>([
  ['nothing happened', () => {}, 'idle'],
  ['the leader used CPU', () => at(10).cpu++, 'active'],
  ['a grandchild in a session of its own used CPU', () => at(12).cpu++, 'active'],
  ['a grandchild wrote', () => (at(12).io = 101), 'active'],
  ['it waits for a CPU', () => (at(10).state = 'R'), 'active'],
  ['a grandchild waits for a CPU', () => (at(12).state = 'R'), 'active'],
  [
    'it was stopped, and a child waits for a CPU',
    () => [(at(10).state = 'T'), (at(11).state = 'R')],
    'stopped',
  ],
  ['somebody else used CPU', () => at(20).cpu++, 'idle'],
  ['it started a process', () => add(13, 12, 12), 'active'],
  ['a process of it lost its parent and used CPU', () => [(at(11).parent = 1), at(11).cpu++], 'active'],
  ['a process of it ended', () => machine.delete(12), 'idle'],
  ['its I/O can no longer be read', () => (at(10).io = null), 'idle'],
  ['it was stopped', () => (at(10).state = 'T'), 'stopped'],
  ['it was stopped, and a child works', () => [(at(10).state = 'T'), at(11).cpu++], 'stopped'],
  ['what it waits for was stopped', () => (at(12).state = 'T'), 'stopped'],
  ['a debugger holds it', () => (at(10).state = 't'), 'traced'],
  ['a debugger holds what it waits for', () => (at(12).state = 't'), 'traced'],
  ['its system calls are followed', () => [(at(10).state = 't'), at(10).cpu++], 'active'],
  ['one of its children was stopped, and it works', () => [(at(12).state = 'T'), at(10).cpu++], 'active'],
  ['it is a zombie', () => (at(10).state = 'Z'), undefined],
  ['it is gone', () => machine.delete(10), undefined],
  ['its pid is another process’s now', () => [(at(10).startTicks = 99), at(10).cpu++], 'idle'],
])('%s: the tree is %3$s', (_, happens, expected) => {
  happens();
  expect(look(10).get(10)).toBe(expected);
});

it('says of a tree that it sees for the first time only that it is stopped', () => {
  at(20).state = 'T';
  activity = new TreeActivity(table);
  expect(look(10, 20)).toEqual(
    new Map<number, ProcessActivity>([
      [10, 'idle'],
      [20, 'stopped'],
    ]),
  );
});

it('leaves out a process that was given the pid of one that has ended', () => {
  at(10).startTicks = 99;
  const activities = lookAt([
    { pid: 10, startTicks: 10 },
    { pid: 20, startTicks: 20 },
  ]);
  expect([...activities]).toEqual([[20, 'idle']]);
});

it('compares with the last look, and reads the table once for all trees', () => {
  reads = 0;
  at(10).cpu++;
  expect(look(10, 20).get(10)).toBe('active');
  expect(look(10, 20).get(10)).toBe('idle');
  expect(reads).toBe(2);
});

it('compares each tree with its own last look, whatever was looked at meanwhile, and with none that is too old', () => {
  const lookAgain = (pid: number, time: { atMs: number; sinceMs: number }) => {
    const looking = activity.look([{ pid, startTicks: null }], time);
    for (;;) {
      const step = looking.next();
      if (step.done) return step.value.get(pid);
    }
  };
  at(10).cpu++;
  look(20);
  expect(lookAgain(10, { atMs: 1000, sinceMs: 0 })).toBe('active');
  at(10).cpu++;
  expect(lookAgain(10, { atMs: 9000, sinceMs: 4000 })).toBe('idle');
  at(10).cpu++;
  expect(lookAgain(10, { atMs: 9500, sinceMs: 4500 })).toBe('active');
});

describe('what a tree uses', () => {
  function measure(pid: number): { cpuSeconds: number; memoryBytes: number } | undefined {
    const seen: { cpuSeconds: number; memoryBytes: number }[] = [];
    const measuring = activity.measure([{ pid, startTicks: null }], (_, usage) => seen.push(usage));
    while (measuring.next().done !== true);
    return seen[0];
  }
  const cpu = () => measure(10)?.cpuSeconds;

  it('is that of all its processes', () => {
    at(11).cpu = 98;
    expect(measure(10)).toEqual({ cpuSeconds: 1, memoryBytes: 3 * 10 * 4096 });
    expect(measure(99)).toBeUndefined();
  });

  it('counts on when a process of it ends: before it is waited for, and with who has waited for it', () => {
    at(12).cpu = 398;
    expect(cpu()).toBe(4);
    at(12).state = 'Z';
    expect(measure(10)).toEqual({ cpuSeconds: 4, memoryBytes: 2 * 10 * 4096 });
    machine.delete(12);
    at(11).reaped = 398;
    expect(cpu()).toBe(4);
    at(11).cpu += 100;
    expect(cpu()).toBe(5);
  });

  it('never goes down: what nobody of it waits for counts up to the last look', () => {
    at(12).cpu = 398;
    expect(cpu()).toBe(4);
    machine.delete(12);
    expect(cpu()).toBe(4);
    at(11).cpu += 100;
    expect(cpu()).toBe(5);
  });

  it('counts a process once that ends while its tree is read, and its parent was read before that', () => {
    at(12).cpu = 398;
    expect(cpu()).toBe(4);
    machine.delete(12);
    expect(cpu()).toBe(4);
    at(11).reaped = 398;
    at(11).cpu += 100;
    expect(cpu()).toBe(5);
    at(11).reaped += 100;
    expect(cpu()).toBe(6);
  });

  it('counts a process once that ends while its tree is read, and was read before its parent', () => {
    // Pids begin anew when the last one was given: a child may have a lower one than its parent.
    machine = new Map([[9, add(9, 10, 10)], ...machine]);
    at(9).cpu = 397;
    expect(cpu()).toBe(4);
    whenRead = (pid) => {
      if (pid !== 9) return;
      machine.delete(9);
      at(10).reaped = 397;
    };
    const measuring = activity.measure([{ pid: 10, startTicks: null }], () => undefined);
    while (measuring.next().done !== true);
    expect(cpu()).toBe(4);
  });

  it('is kept of a tree that began while another look went through the processes of before', () => {
    const earlier = activity.look([]);
    // It has its list of processes now.
    earlier.next();
    add(30, 1, 30).cpu = 100;
    add(31, 30, 30).cpu = 150;
    expect([look(30).get(30), measure(30)?.cpuSeconds]).toEqual(['idle', 2.5]);
    while (earlier.next().done !== true);
    machine.delete(31);
    expect(measure(30)?.cpuSeconds).toBe(2.5);
    at(30).cpu++;
    expect(look(30).get(30)).toBe('active');
  });

  it('begins anew with another process of that pid', () => {
    at(10).cpu = 398;
    expect(cpu()).toBe(4);
    machine.delete(11);
    machine.delete(12);
    Object.assign(at(10), { startTicks: 99, cpu: 100 });
    expect(cpu()).toBe(1);
  });

  it('is told with each look as well, and measuring is no look', () => {
    const used = new Map<number, number>();
    at(10).cpu++;
    measure(10);
    const looking = activity.look([{ pid: 10, startTicks: null }], undefined, (pid, { memoryBytes }) =>
      used.set(pid, memoryBytes),
    );
    let step = looking.next();
    while (step.done !== true) step = looking.next();
    expect(step.value.get(10)).toBe('active');
    expect([...used]).toEqual([[10, 3 * 10 * 4096]]);
  });
});
