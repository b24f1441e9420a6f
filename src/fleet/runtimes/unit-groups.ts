import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { succeeds } from './control-group.ts';
import { readOrEmpty } from './read-or-empty.ts';
import type { UnitIdentity } from './process-handle.ts';

/**
 * A control group (cgroup v2) for each unit: what a unit starts is in it, whatever session it opens, and the kernel
 * ends all of it at once (`cgroup.kill`, Linux 5.14). Groups are an aid: what fails here is found by the walk over
 * the processes.
 */
export interface UnitGroups {
  /** The directory of the group for a unit that is to be started, for `enterGroup`. */
  placeFor(unitId: string): string;
  /** Ends all in the group; false where there is none. */
  kill(unit: UnitIdentity): boolean;
  /** Whether something in the group runs, whoever its parents are and whatever it has cleared. */
  isPopulated(unit: UnitIdentity): boolean;
  /** Removes the group, which has to be empty. */
  remove(unit: UnitIdentity): void;
}

/** Where the kernel tells of mounts and of the group that this process is in. */
export interface GroupPlaces {
  readonly mounts: string;
  readonly own: string;
}

const PLACES: GroupPlaces = { mounts: '/proc/self/mounts', own: '/proc/self/cgroup' };

/**
 * Groups below the one that this process is in, where a cgroup2 mount is there and may be written to. What an earlier
 * server on the same data directory left behind and nothing runs in any more is removed.
 * @param directory the data directory, which no two servers have at once: its groups are named after it
 * @returns null where it may not
 */
export function findUnitGroups(directory: string, places: GroupPlaces = PLACES): UnitGroups | null {
  const home = homeOf(places);
  if (home === null) return null;
  const prefix = prefixOf(directory);
  removeEmptyGroups(directory, places);
  const probe = join(home, `${prefix}probe`);
  try {
    mkdirSync(probe);
    const usable = existsSync(join(probe, 'cgroup.kill'));
    rmdirSync(probe);
    return usable ? unitGroupsIn(home, prefix) : null;
  } catch {
    return null;
  }
}

/**
 * Removes the groups of units of a server on this data directory in which nothing runs: a server that is killed leaves
 * those whose units end after it.
 * @returns how many are left, because something runs in them
 */
export function removeEmptyGroups(directory: string, places: GroupPlaces = PLACES): number {
  const home = homeOf(places);
  if (home === null) return 0;
  const prefix = prefixOf(directory);
  const groups = namesIn(home).filter((name) => name.startsWith(prefix));
  return groups.filter((name) => !succeeds(() => rmdirSync(join(home, name)))).length;
}

function homeOf({ mounts, own }: GroupPlaces): string | null {
  const mount = cgroup2MountOf(readOrEmpty(mounts));
  const path = ownGroupOf(readOrEmpty(own));
  return mount === null || path === null ? null : join(mount, path);
}

const OWNER_LENGTH = 16;

function prefixOf(directory: string): string {
  const owner = createHash('sha256').update(resolve(directory)).digest('hex').slice(0, OWNER_LENGTH);
  return `omoi-${owner}-`;
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

function unitGroupsIn(home: string, prefix: string): UnitGroups {
  const placeOf = ({ pid, startTicks, unitId }: UnitIdentity): string =>
    join(home, `${prefix}${unitId ?? `${pid}-${startTicks}`}`);
  return {
    placeFor: (unitId) => join(home, `${prefix}${unitId}`),
    kill: (unit) => succeeds(() => writeFileSync(join(placeOf(unit), 'cgroup.kill'), '1', { flag: 'r+' })),
    isPopulated: (unit) => /^populated 1$/m.test(readOrEmpty(join(placeOf(unit), 'cgroup.events'))),
    remove: (unit) => void succeeds(() => rmdirSync(placeOf(unit))),
  };
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
