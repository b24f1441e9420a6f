import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UnitIdentity } from './process-handle.ts';

/**
 * A control group (cgroup v2) for each unit: what a unit starts is in it, whatever session it opens, and the kernel
 * ends all of it at once (`cgroup.kill`, Linux 5.14). Groups are an aid: what fails here is found by the walk over
 * the processes.
 */
export interface UnitGroups {
  /** Puts the unit's first process, and so all that it starts from now on, into a group of its own. */
  add(unit: UnitIdentity): boolean;
  /** Ends all in the group; false where there is none. */
  kill(unit: UnitIdentity): boolean;
  /** Removes the group, which has to be empty. */
  remove(unit: UnitIdentity): void;
}

/**
 * Groups below the one that this process is in, where a cgroup2 mount is there and may be written to.
 * @returns null where it may not
 */
export function findUnitGroups(mounts = '/proc/self/mounts', own = '/proc/self/cgroup'): UnitGroups | null {
  const mount = cgroup2MountOf(readOrEmpty(mounts));
  const path = ownGroupOf(readOrEmpty(own));
  if (mount === null || path === null) return null;
  const home = join(mount, path);
  const probe = join(home, `omoi-probe-${process.pid}`);
  try {
    mkdirSync(probe);
    const usable = existsSync(join(probe, 'cgroup.kill'));
    rmdirSync(probe);
    return usable ? unitGroupsIn(home) : null;
  } catch {
    return null;
  }
}

/** The place of a line `cgroup2 PLACE cgroup2 OPTIONS …` that is mounted for writing (proc_mounts(5)). */
export function cgroup2MountOf(mounts: string): string | null {
  for (const line of mounts.split('\n')) {
    const [, place, type, options] = line.split(' ');
    if (place !== undefined && type === 'cgroup2' && options?.split(',').includes('rw') === true) {
      return place.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    }
  }
  return null;
}

/** `0::/PATH` is the group in the hierarchy of version 2 (cgroups(7)). */
export function ownGroupOf(cgroup: string): string | null {
  const line = cgroup.split('\n').find((candidate) => candidate.startsWith('0::/'));
  return line?.slice('0::'.length) ?? null;
}

function unitGroupsIn(home: string): UnitGroups {
  const placeOf = ({ pid, startTicks, unitId }: UnitIdentity): string =>
    join(home, `omoi-${unitId ?? `${pid}-${startTicks}`}`);
  return {
    add: (unit) =>
      succeeds(() => {
        mkdirSync(placeOf(unit));
        writeFileSync(join(placeOf(unit), 'cgroup.procs'), String(unit.pid));
      }),
    kill: (unit) => succeeds(() => writeFileSync(join(placeOf(unit), 'cgroup.kill'), '1', { flag: 'r+' })),
    remove: (unit) => void succeeds(() => rmdirSync(placeOf(unit))),
  };
}

function succeeds(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
