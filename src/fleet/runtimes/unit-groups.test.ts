import { describe, expect, it } from 'vitest';
import { cgroup2MountOf, findUnitGroups, ownGroupOf } from './unit-groups.ts';

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
    expect(findUnitGroups('/nowhere/mounts', '/nowhere/cgroup')).toBeNull();
  });
});
