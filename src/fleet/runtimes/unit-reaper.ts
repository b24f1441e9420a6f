import { delay, nextTurn, Stretch, type Clock, type Logger } from '#telemetry';
import { BlankProcesses } from './blank-processes.ts';
import type { UnitGroups } from './unit-groups.ts';
import type { UnitIdentity } from './process-handle.ts';
import type { ProcessStat, ProcessTable } from './process-table.ts';
import {
  isBlank,
  membersOf,
  sightNewest,
  sightProcesses,
  signalMember,
  type ProcessSignals,
  type UnitMember,
} from './unit-tree.ts';

export interface ReaperParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly table: ProcessTable;
  readonly signals: ProcessSignals;
  /** null where units have no control groups. */
  readonly groups: UnitGroups | null;
}

/** In a row, of one unit, that find nothing: what was being started during the first is seen by the second. */
const EMPTY_WALKS = 2;
/** Walks that may find new ones before what there is is killed all the same. */
const MAX_STOP_WALKS = 20;
/** At the newest processes in a row, while more come: a few µs each. */
const MAX_CHASES = 64;
/** Between walks while something is left that takes its time to go. */
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 1000;
/** After that somebody who waits for the end is told that something stays (uninterruptible sleep). */
const LINGERING_MS = 2000;
/** After that it is not tried any more. */
const GIVE_UP_MS = 600_000;

export type UnitEnding = 'ended' | 'lingering';

interface Ending {
  readonly unit: UnitIdentity;
  readonly sinceMs: number;
  /** Until then they are asked, and not ended by force; monotonic ms. */
  forceAtMs: number;
  readonly settle: (ending: UnitEnding) => void;
  readonly settled: Promise<UnitEnding>;
  /** What was asked to end, or stopped, by pid. */
  readonly asked: Map<number, ProcessStat>;
  readonly stopped: Map<number, ProcessStat>;
  emptyWalks: number;
  /** A walk that found nothing, and counts when all that were blank in it have shown whose they are. */
  emptyWalk: number | null;
  stopWalks: number;
  pauseMs: number;
}

/** What a walk has found of a unit. */
interface Findings {
  readonly members: readonly UnitMember[];
  /** Somebody of it was seen to start the next one and go. */
  readonly flees: boolean;
  readonly walk: number;
  /** The earliest walk that has seen one of which it is not known yet whose it is. */
  readonly doubtfulSince: number;
}

/**
 * Ends all processes of units, each identified before it is signalled: their control group where they have one, and
 * in any case by walks over the table of processes: stop, look again, kill, until two walks find nothing. However many
 * units end at once, a walk serves all. What shows nothing of whose it is, for the moment, is waited for.
 */
export class UnitReaper {
  readonly #parts: ReaperParts;
  readonly #endings = new Map<string, Ending>();
  readonly #blanks = new BlankProcesses();
  #walks = 0;
  #closed = false;
  #walking = false;
  /** Ends the pause between two walks early. */
  #wake: () => void = () => {};

  constructor(parts: ReaperParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when nothing is left of the unit, or when what is left does not go.
   * @param graceMs from being asked by SIGTERM to SIGKILL; 0: by force at once, also what had a grace before
   */
  end(unit: UnitIdentity, graceMs: number): Promise<UnitEnding> {
    const nowMs = this.#parts.clock.monotonicMs();
    const name = `${unit.pid}/${unit.startTicks}`;
    const known = this.#endings.get(name);
    if (known) {
      known.forceAtMs = Math.min(known.forceAtMs, nowMs + graceMs);
      this.#wake();
      return known.settled;
    }
    const { promise, resolve } = Promise.withResolvers<UnitEnding>();
    this.#endings.set(name, {
      unit,
      sinceMs: nowMs,
      forceAtMs: nowMs + graceMs,
      settle: resolve,
      settled: promise,
      asked: new Map(),
      stopped: new Map(),
      emptyWalks: 0,
      emptyWalk: null,
      stopWalks: 0,
      pauseMs: FIRST_PAUSE_MS,
    });
    this.#wake();
    void this.#walk();
    return promise;
  }

  close(): void {
    this.#closed = true;
    this.#endings.clear();
    this.#wake();
  }

  async #walk(): Promise<void> {
    if (this.#walking) return;
    this.#walking = true;
    // What ends in the same turn of the event loop shares the first walk.
    await nextTurn();
    const stretch = new Stretch(this.#parts.clock);
    while (this.#endings.size > 0) {
      await this.#walkOnce(stretch);
      if (this.#closed) break;
      await this.#pause();
    }
    this.#walking = false;
  }

  async #walkOnce(stretch: Stretch): Promise<void> {
    const endings = [...this.#endings];
    const sinceTicks = Math.min(...endings.map(([, { unit }]) => unit.startTicks));
    const newestBefore = this.#parts.table.newestPid();
    const sighted = await sightProcesses(this.#parts.table, sinceTicks, stretch);
    const fleeing = this.#chase(endings, newestBefore);
    const walk = ++this.#walks;
    // Most have shown it since the walk came by.
    const blank = sighted.blank.filter((process) => isBlank(this.#parts.table, process));
    const doubtfulSince = this.#blanks.look(blank, { walk, ms: this.#parts.clock.monotonicMs() });
    for (const [name, ending] of endings) {
      // Whole pools end at once.
      if (stretch.isOver) await stretch.pause();
      if (this.#closed) return;
      const members = membersOf(ending.unit, sighted);
      if (this.#step(ending, { members, flees: fleeing.has(ending), walk, doubtfulSince }))
        this.#endings.delete(name);
    }
  }

  /**
   * Looks for those that start the next and go before a walk comes to them, and signals them in the turn in which they are
   * seen, until a look finds that nobody has been started since the last one.
   * @returns the units of those that it has seen
   */
  #chase(endings: readonly (readonly [string, Ending])[], newestBefore: number | null): ReadonlySet<Ending> {
    const { table } = this.#parts;
    const fleeing = new Set<Ending>();
    const byMark = new Map(endings.map(([, ending]) => [ending.unit.unitId, ending]));
    let last = newestBefore;
    for (let chase = 0; chase < MAX_CHASES; chase++) {
      const newest = table.newestPid();
      if (newest === null || newest === last) break;
      last = newest;
      for (const process of sightNewest(table, newest)) {
        const ending = byMark.get(process.unitId);
        if (!ending || process.startTicks < ending.unit.startTicks) continue;
        fleeing.add(ending);
        if (this.#isForced(ending)) signalMember(this.#parts, { process, known: 'mark' }, 'SIGSTOP');
      }
    }
    return fleeing;
  }

  #isForced({ forceAtMs }: Ending): boolean {
    return this.#parts.clock.monotonicMs() >= forceAtMs;
  }

  async #pause(): Promise<void> {
    const pauseMs = Math.min(...[...this.#endings.values()].map((ending) => ending.pauseMs));
    if (pauseMs === 0 || !Number.isFinite(pauseMs)) return;
    const early = new AbortController();
    this.#wake = () => early.abort();
    await delay(this.#parts.clock, pauseMs, early.signal);
  }

  /** Goes one step further with a unit; true when it is done with. */
  #step(ending: Ending, found: Findings): boolean {
    const { members, flees } = found;
    const nowMs = this.#parts.clock.monotonicMs();
    // What has left its parents and its session and cleared its environment is known to the group alone.
    if (members.length === 0 && !flees && !this.#isPopulated(ending)) return this.#isEnded(ending, found);
    ending.emptyWalk = null;
    ending.emptyWalks = 0;
    if (nowMs < ending.forceAtMs) {
      this.#ask(ending, members);
      ending.pauseMs = Math.min(this.#longer(ending), Math.max(1, ending.forceAtMs - nowMs));
      return false;
    }
    this.#force(ending, members);
    return this.#isGivenUp(ending, members, nowMs - Math.max(ending.forceAtMs, ending.sinceMs));
  }

  /** Whether enough walks in a row have found nothing, and have missed nobody. */
  #isEnded(ending: Ending, { walk, doubtfulSince }: Findings): boolean {
    ending.emptyWalk ??= walk;
    if (doubtfulSince <= ending.emptyWalk) {
      ending.pauseMs = this.#longer(ending);
      return false;
    }
    ending.emptyWalk = null;
    ending.emptyWalks++;
    ending.pauseMs = 0;
    if (ending.emptyWalks < EMPTY_WALKS) return false;
    this.#parts.groups?.remove(ending.unit);
    ending.settle('ended');
    return true;
  }

  #isPopulated({ unit }: Ending): boolean {
    return this.#parts.groups?.isPopulated(unit) ?? false;
  }

  #ask(ending: Ending, members: readonly UnitMember[]): void {
    for (const member of unknownTo(ending.asked, members)) {
      if (signalMember(this.#parts, member, 'SIGTERM')) ending.asked.set(member.process.pid, member.process);
    }
  }

  /** Stops what is new, so that it can start nothing more; kills when a walk has found nothing new. */
  #force(ending: Ending, members: readonly UnitMember[]): void {
    this.#parts.groups?.kill(ending.unit);
    let stopped = 0;
    for (const member of unknownTo(ending.stopped, members)) {
      if (!signalMember(this.#parts, member, 'SIGSTOP')) continue;
      ending.stopped.set(member.process.pid, member.process);
      stopped++;
    }
    if (stopped > 0 && ending.stopWalks < MAX_STOP_WALKS) {
      ending.stopWalks++;
      ending.pauseMs = 0;
      return;
    }
    // Leaves first: while a witness is stopped and not killed yet, it speaks for those that come after it.
    for (const member of members.toReversed()) signalMember(this.#parts, member, 'SIGKILL');
    ending.pauseMs = this.#longer(ending);
  }

  #longer({ pauseMs }: Ending): number {
    return Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2));
  }

  #isGivenUp(ending: Ending, members: readonly UnitMember[], forcedForMs: number): boolean {
    if (forcedForMs < LINGERING_MS) return false;
    ending.settle('lingering');
    if (forcedForMs < GIVE_UP_MS) return false;
    this.#parts.logger.error(
      { unit_pid: ending.unit.pid, pids: members.map(({ process }) => process.pid) },
      'Processes of an agent do not end by SIGKILL: given up. Look at what they wait for in /proc/PID/stack.',
    );
    return true;
  }
}

/** Those that are not, by pid and start, among the known. */
function unknownTo(
  known: ReadonlyMap<number, ProcessStat>,
  members: readonly UnitMember[],
): readonly UnitMember[] {
  return members.filter(({ process }) => known.get(process.pid)?.startTicks !== process.startTicks);
}
