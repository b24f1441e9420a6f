import type { ProcessActivity } from '#telemetry';
import { isRunning, type ProcessStat, type ProcessTable } from './process-table.ts';

/** Processes read before others may have a turn: a fraction of a millisecond. */
const PROCESSES_PER_SLICE = 50;
const STOPPED = 'T';
/** Held by its tracer: a debugger at a breakpoint, or for an instant one that follows its system calls. */
const TRACED = 't';

/** What one process had used when it was looked at last. */
interface Used {
  readonly startTicks: number;
  readonly cpuTicks: number;
  readonly ioBytes: number | null;
}

type Tree = Map<number, Used>;

/** The first process of a tree; without its start it is whatever has the pid. */
export interface TreeRoot {
  readonly pid: number;
  readonly startTicks: number | null;
}

/**
 * What the trees of some processes have done since they were looked at before: a process and all that descends from
 * it or belongs to the session that it leads. However many trees are looked at, the table is read once, and no
 * environment: what has left its session and its parents shows nothing of who beats.
 */
export class TreeActivity {
  readonly #table: ProcessTable;
  #trees = new Map<number, Tree>();

  constructor(table: ProcessTable) {
    this.#table = table;
  }

  /**
   * Offers pauses; of looks that overlap each compares with the one that ended last. A tree that is looked at for the
   * first time is `idle`, or `stopped`: what it did before is not known. One whose root has ended is left out.
   * @returns by the pid of the root
   */
  *look(roots: readonly TreeRoot[]): Generator<void, Map<number, ProcessActivity>> {
    const processes = yield* readProcesses(this.#table);
    const trees = new Map<number, Tree>();
    const activities = new Map<number, ProcessActivity>();
    for (const { pid: rootPid, startTicks } of roots) {
      yield;
      const members = membersOf(processes, rootPid);
      const root = members[0];
      if (!root || (startTicks !== null && root.startTicks !== startTicks)) continue;
      const used = new Map(members.map((member) => [member.pid, this.#usedBy(member)]));
      const before = this.#trees.get(rootPid);
      const known = before?.get(rootPid)?.startTicks === root.startTicks ? before : undefined;
      trees.set(rootPid, used);
      activities.set(rootPid, judge(members, { used, known }));
    }
    this.#trees = trees;
    return activities;
  }

  #usedBy({ pid, startTicks, cpuTicks }: ProcessStat): Used {
    return { startTicks, cpuTicks, ioBytes: this.#table.ioBytes(pid) };
  }
}

interface ProcessIndex {
  readonly byPid: ReadonlyMap<number, ProcessStat>;
  readonly byParent: ReadonlyMap<number, readonly ProcessStat[]>;
  readonly bySession: ReadonlyMap<number, readonly ProcessStat[]>;
}

function* readProcesses(table: ProcessTable): Generator<void, ProcessIndex> {
  const byPid = new Map<number, ProcessStat>();
  const byParent = new Map<number, ProcessStat[]>();
  const bySession = new Map<number, ProcessStat[]>();
  for (const [at, pid] of table.pids().entries()) {
    if (at % PROCESSES_PER_SLICE === 0) yield;
    const stat = table.stat(pid);
    if (!isRunning(stat)) continue;
    byPid.set(pid, stat);
    addTo(byParent, stat.parentPid, stat);
    addTo(bySession, stat.sessionId, stat);
  }
  return { byPid, byParent, bySession };
}

function addTo(groups: Map<number, ProcessStat[]>, key: number, stat: ProcessStat): void {
  const group = groups.get(key);
  if (group) group.push(stat);
  else groups.set(key, [stat]);
}

/** The root first; empty where it has ended. */
function membersOf({ byPid, byParent, bySession }: ProcessIndex, rootPid: number): readonly ProcessStat[] {
  const root = byPid.get(rootPid);
  if (!root) return [];
  // What lost its parent is init's child, and still in the session.
  const members = new Set([root, ...(bySession.get(rootPid) ?? [])]);
  for (const member of members) for (const child of byParent.get(member.pid) ?? []) members.add(child);
  return [...members];
}

/**
 * A stopped root can do nothing for itself; a shell that waits for what is stopped can't either. What a debugger holds
 * stands still because somebody looks at it.
 */
function judge(
  members: readonly ProcessStat[],
  { used, known }: { readonly used: Tree; readonly known: Tree | undefined },
): ProcessActivity {
  if (members[0]?.state === STOPPED) return 'stopped';
  const moved = known !== undefined && members.some(({ pid }) => hasMoved(used.get(pid), known.get(pid)));
  if (moved) return 'active';
  if (members.some(({ state }) => state === TRACED)) return 'traced';
  return members.some(({ state }) => state === STOPPED) ? 'stopped' : 'idle';
}

function hasMoved(now: Used | undefined, before: Used | undefined): boolean {
  return (
    now?.startTicks !== before?.startTicks ||
    now?.cpuTicks !== before?.cpuTicks ||
    // Another user's can't be read.
    (now?.ioBytes !== before?.ioBytes && now?.ioBytes !== null && before?.ioBytes !== null)
  );
}
