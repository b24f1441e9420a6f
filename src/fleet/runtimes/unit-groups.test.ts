import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { enterGroup } from './control-group.ts';
import type { UnitIdentity } from './process-handle.ts';
import { cgroup2MountOf, findUnitGroups, ownGroupOf, removeEmptyGroups } from './unit-groups.ts';

describe('the home of control groups', () => {
  it.each([
    ['cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,relatime 0 0', '/sys/fs/cgroup'],
    [
      'tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\nunified /a\\040b cgroup2 rw 0 0',
      '/a b',
    ],
    ['cgroup2 /sys/fs/cgroup cgroup2 ro,nosuid 0 0', null],
    ['cgroup /sys/fs/cgroup/cpu cgroup rw 0 0', null],
    ['', null],
  ])('in the mounts %j is %j', (mounts, place) => {
    expect(cgroup2MountOf(mounts)).toBe(place);
  });

  it.each([
    ['0::/system.slice/omoi.service\n', '/system.slice/omoi.service'],
    ['9:cpu:/a\n0::/\n', '/'],
    ['9:cpu:/a\n', null],
  ])('in the groups %j is %j', (groups, path) => {
    expect(ownGroupOf(groups)).toBe(path);
  });

  it('is none where nothing can be read', () => {
    expect(findUnitGroups('/data', { mounts: '/nowhere/mounts', own: '/nowhere/cgroup' })).toBeNull();
  });
});

/** Data directories of two servers; neither has to be there. */
const [OURS, THEIRS] = [`/nowhere/ours-${process.pid}`, `/nowhere/theirs-${process.pid}`];
const ours = findUnitGroups(OURS);
const theirs = findUnitGroups(THEIRS);

describe.runIf(ours !== null)('groups that a killed server left behind', () => {
  it('are removed by the next one on its data directory where nothing runs in them, and nobody else’s', async () => {
    const [running, ended, foreign] = await Promise.all([
      sleeper('running', ours),
      sleeper('ended', ours),
      sleeper('foreign', theirs),
    ]);
    for (const { end } of [ended, foreign]) await end();
    expect(removeEmptyGroups(OURS)).toBe(1);
    expect(ours?.kill(ended.unit)).toBe(false);
    expect(ours?.isPopulated(running.unit)).toBe(true);
    expect(theirs?.kill(foreign.unit)).toBe(true);
    await running.end();
    const next = findUnitGroups(OURS);
    expect(next?.kill(running.unit)).toBe(false);
    expect([removeEmptyGroups(OURS), removeEmptyGroups(THEIRS)]).toEqual([0, 0]);
    expect(theirs?.kill(foreign.unit)).toBe(false);
  });
});

/** A process in a group of its own; `end` resolves when it is no more. */
async function sleeper(
  unitId: string,
  groups: typeof ours,
): Promise<{ readonly unit: UnitIdentity; readonly end: () => Promise<void> }> {
  const child = spawn('/bin/sleep', ['300'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const unit = { bootId: 'boot', pid: child.pid ?? 0, startTicks: 1, unitId };
  expect(groups !== null && enterGroup(groups.placeFor(unitId), unit.pid)).toBe(true);
  return {
    unit,
    async end() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
