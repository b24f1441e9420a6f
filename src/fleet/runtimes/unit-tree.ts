import type { Stretch } from '#telemetry';
import { UNIT_VARIABLE, type UnitIdentity } from './process-handle.ts';
import { isRunning, type ProcessStat, type ProcessTable } from './process-table.ts';

/** A process that ran when the table was read, and the unit whose mark it carries. */
export interface SightedProcess extends ProcessStat {
  readonly unitId: string | null;
}

/**
 * A process of a unit and how that is known: it is the unit's first, it carries the unit's mark, or it is a child or
 * shares the session of the witness, which is of the unit for sure.
 */
export interface UnitMember {
  readonly process: ProcessStat;
  readonly known: 'first' | 'mark' | { readonly by: 'parent' | 'session'; readonly witness: UnitMember };
}

/** What sends signals to processes: `kill(2)`, of one process. */
export interface ProcessSignals {
  /** False where there is no such process, or it is not ours to signal. */
  send(pid: number, signal: UnitSignal): boolean;
}

export type UnitSignal = 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT';

/** Process 1 and its like are no unit's, whatever a table says. */
const LOWEST_UNIT_PID = 2;

export function createProcessSignals(): ProcessSignals {
  return {
    send(pid, signal) {
      if (pid < LOWEST_UNIT_PID || pid === process.pid) return false;
      try {
        return process.kill(pid, signal);
      } catch {
        return false;
      }
    },
  };
}

/** What a walk over the table has found, looked up by what ties a process to a unit: a unit costs what is its own. */
export class SightedProcesses {
  readonly byPid = new Map<number, SightedProcess>();
  /** Those of which it can't be said yet whose they are. */
  readonly blank: SightedProcess[] = [];
  readonly #byMark = new Map<string, SightedProcess[]>();
  readonly #byParent = new Map<number, SightedProcess[]>();
  readonly #bySession = new Map<number, SightedProcess[]>();

  add(process: SightedProcess): void {
    this.byPid.set(process.pid, process);
    addTo(this.#byParent, process.parentPid, process);
    addTo(this.#bySession, process.sessionId, process);
    if (process.unitId !== null) addTo(this.#byMark, process.unitId, process);
  }

  marked(unitId: string | null): readonly SightedProcess[] {
    return unitId === null ? [] : (this.#byMark.get(unitId) ?? []);
  }

  childrenOf(pid: number): readonly SightedProcess[] {
    return this.#byParent.get(pid) ?? [];
  }

  inSession(sessionId: number): readonly SightedProcess[] {
    return this.#bySession.get(sessionId) ?? [];
  }
}

function addTo<Key>(groups: Map<Key, SightedProcess[]>, key: Key, process: SightedProcess): void {
  const group = groups.get(key);
  if (group) group.push(process);
  else groups.set(key, [process]);
}

/**
 * Reads the table once, for any number of units, in slices.
 * @param sinceTicks the start of the oldest of the units: what is older is none's, and its mark is not read
 */
export async function sightProcesses(
  table: ProcessTable,
  sinceTicks: number,
  stretch: Stretch,
): Promise<SightedProcesses> {
  const sighted = new SightedProcesses();
  for (const pid of table.pids()) {
    if (stretch.isOver) await stretch.pause();
    // The mark is read after the identity: where the pid was given again between the two, the identity is that of a
    // process that is gone, and nothing with that identity will ever be found.
    const stat = table.stat(pid);
    if (!isRunning(stat) || stat.startTicks < sinceTicks) continue;
    const environ = table.environ(pid);
    const process = { ...stat, unitId: markIn(environ) };
    sighted.add(process);
    if ((environ === '' || environ === null) && isBlank(table, process)) sighted.blank.push(process);
  }
  return sighted;
}

/** Of the newest, so many are looked at: those that one may have started since it was read who the newest is. */
const NEWEST = 4;

/** Those that were started last and carry a mark, the newest first: a walk over thousands comes too late for them. */
export function sightNewest(table: ProcessTable, newestPid: number): readonly SightedProcess[] {
  const sighted: SightedProcess[] = [];
  for (let pid = newestPid; pid > newestPid - NEWEST && pid >= LOWEST_UNIT_PID; pid--) {
    const stat = table.stat(pid);
    if (!isRunning(stat)) continue;
    const unitId = markIn(table.environ(pid));
    if (unitId !== null) sighted.push({ ...stat, unitId });
  }
  return sighted;
}

/** Whether it may be one of a unit's that shows no mark only for now. Threads of the kernel have no session. */
export function isBlank(table: ProcessTable, process: ProcessStat): boolean {
  return (
    process.sessionId !== 0 && table.isBlank(process.pid) && isSameProcess(table.stat(process.pid), process)
  );
}

function markIn(environ: string | null): string | null {
  if (environ === null) return null;
  const start = `${UNIT_VARIABLE}=`;
  const variable = environ.split('\0').find((candidate) => candidate.startsWith(start));
  return variable?.slice(start.length) ?? null;
}

/**
 * The processes of a unit, sessions of their own included; whoever is a witness comes before those it is a witness for.
 * A group alone proves nothing: its number may have been given to a stranger.
 */
export function membersOf(unit: UnitIdentity, sighted: SightedProcesses): readonly UnitMember[] {
  const members = new Map<number, UnitMember>();
  const admit = (process: SightedProcess, known: UnitMember['known']): void => {
    if (process.startTicks < unit.startTicks || process.pid < LOWEST_UNIT_PID) return;
    if (!members.has(process.pid)) members.set(process.pid, { process, known });
  };
  const first = sighted.byPid.get(unit.pid);
  if (first?.startTicks === unit.startTicks) admit(first, 'first');
  for (const process of sighted.marked(unit.unitId)) admit(process, 'mark');
  // The map grows while it is walked.
  for (const witness of members.values()) {
    const { pid, sessionId } = witness.process;
    for (const child of sighted.childrenOf(pid)) admit(child, { by: 'parent', witness });
    // A session that the unit began has no other members, and its number is not given again while it has one.
    if (sessionId !== pid && sessionId !== unit.pid) continue;
    for (const other of sighted.inSession(sessionId)) admit(other, { by: 'session', witness });
  }
  return [...members.values()];
}

function isSameProcess(a: ProcessStat | null, b: ProcessStat): a is ProcessStat {
  return isRunning(a) && a.pid === b.pid && a.startTicks === b.startTicks;
}

/**
 * Signals a member if it is certain at this moment that it is one. (Between the last look and the signal nothing
 * else of this process runs; the kernel gives a pid again only when it has gone through all others.)
 */
export function signalMember(
  { table, signals }: { readonly table: ProcessTable; readonly signals: ProcessSignals },
  member: UnitMember,
  signal: UnitSignal,
): boolean {
  if (!isCertain(table, member)) return false;
  return (
    isSameProcess(table.stat(member.process.pid), member.process) && signals.send(member.process.pid, signal)
  );
}

/**
 * Whether what was concluded from a table read in slices, during which pids may have been given again, holds: the
 * witness, itself certain, was there before the tie is read now and is there after it.
 */
function isCertain(table: ProcessTable, { process, known }: UnitMember): boolean {
  if (typeof known === 'string') return true;
  const { by, witness } = known;
  if (!isCertain(table, witness)) return false;
  const now = table.stat(process.pid);
  if (!isSameProcess(now, process)) return false;
  const { pid, sessionId } = witness.process;
  const witnessNow = table.stat(pid);
  if (!isSameProcess(witnessNow, witness.process)) return false;
  if (by === 'parent') return now.parentPid === pid;
  // A witness that has begun a session of its own meanwhile says nothing of who has the number of the old one.
  return now.sessionId === sessionId && witnessNow.sessionId === sessionId;
}
