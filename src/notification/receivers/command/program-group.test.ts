import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { ProgramGroup } from './program-group.ts';

const proc = mkdtempSync(join(tmpdir(), 'omoi-proc-'));
let leader: ChildProcess;

afterEach(async () => {
  if (leader.exitCode === null && leader.signalCode === null) {
    leader.kill('SIGKILL');
    await once(leader, 'exit');
  }
  rmSync(proc, { recursive: true, force: true });
});

/** A process that leads a group, as a program does, or a stranger that got its number. */
async function lead(): Promise<number> {
  leader = spawn('/bin/sleep', ['300'], { detached: true, stdio: 'ignore' });
  await once(leader, 'spawn');
  return leader.pid ?? 0;
}

/** What the table says of a process: which group it is in, and since when it runs. */
function show(pid: number, { group, start }: { readonly group: number; readonly start: number }): void {
  mkdirSync(join(proc, String(pid)), { recursive: true });
  const zeros = '0 '.repeat(16);
  writeFileSync(join(proc, String(pid), 'stat'), `${pid} (a) b) S 1 ${group} ${zeros}${start} 0 0\n`);
}

it('is signalled as long as the program runs, or one is left of it', async () => {
  const group = new ProgramGroup(await lead(), '/nowhere');
  group.signal('SIGTERM');
  expect(await once(leader, 'exit')).toEqual([null, 'SIGTERM']);

  const pid = await lead();
  show(4242, { group: pid, start: 7 });
  const survived = new ProgramGroup(pid, proc);
  survived.leaderEnded();
  survived.signal('SIGKILL');
  expect(await once(leader, 'exit')).toEqual([null, 'SIGKILL']);
});

it('has nobody left where the kernel knows no such group: the table is not looked through, and nobody signalled', async () => {
  const pid = await lead();
  const group = new ProgramGroup(pid, proc);
  leader.kill('SIGKILL');
  await once(leader, 'exit');
  show(4242, { group: pid, start: 7 });
  const kill = vi.spyOn(process, 'kill');
  group.leaderEnded();
  group.signal('SIGKILL');
  expect(kill.mock.calls).toEqual([[-pid, 0]]);
  kill.mockRestore();
});

it.each<[string, string]>([
  ['there is no table of processes', '/nowhere'],
  ['it hides processes of other users (hidepid=2)', proc],
])(
  'may have somebody left where %s: it is not taken for empty, and nobody is signalled',
  async (_, table) => {
    const pid = await lead();
    // Its own processes are shown, of other groups.
    show(4242, { group: 1, start: 7 });
    const group = new ProgramGroup(pid, table);
    group.leaderEnded();
    expect(group.signal('SIGKILL')).toBe('unseen');
    // It would have been there before this one.
    leader.kill('SIGTERM');
    expect(await once(leader, 'exit')).toEqual([null, 'SIGTERM']);
    expect(group.signal('SIGKILL')).toBe('empty');
  },
);

it('is signalled while one of it is seen, though others are hidden; afterwards they may be left, or strangers', async () => {
  const pid = await lead();
  show(4242, { group: pid, start: 7 });
  const group = new ProgramGroup(pid, proc);
  group.leaderEnded();
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  expect(group.signal('SIGTERM')).toBe('signalled');
  rmSync(join(proc, '4242'), { recursive: true });
  expect(group.signal('SIGKILL')).toBe('unseen');
  expect(kill.mock.calls).toEqual([
    [-pid, 'SIGTERM'],
    [-pid, 0],
  ]);
  kill.mockRestore();
});

it('of another user is there, and cannot be signalled', async () => {
  const group = new ProgramGroup(await lead(), '/nowhere');
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  });
  expect(group.signal('SIGTERM')).toBe('unseen');
  group.leaderEnded();
  expect(group.signal('SIGKILL')).toBe('unseen');
  kill.mockRestore();
});

it.each<[string, (pid: number) => void]>([
  ['is there no more', () => rmSync(join(proc, '4242'), { recursive: true })],
  ['is another process of that pid', (pid) => show(4242, { group: pid, start: 8 })],
  ['has gone to another group', () => show(4242, { group: 1, start: 7 })],
])('is a stranger’s, and left alone, where who was left of it %s', async (_, change) => {
  const pid = await lead();
  show(4242, { group: pid, start: 7 });
  const group = new ProgramGroup(pid, proc);
  group.leaderEnded();
  change(pid);
  group.signal('SIGKILL');
  // It would have been there before this one.
  leader.kill('SIGTERM');
  expect(await once(leader, 'exit')).toEqual([null, 'SIGTERM']);
});
