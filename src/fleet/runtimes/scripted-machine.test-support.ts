import type { Random } from '#telemetry';
import { UNIT_VARIABLE } from './process-handle.ts';
import type { ProcessStat, ProcessTable } from './process-table.ts';
import type { ProcessSignals, UnitSignal } from './unit-tree.ts';

/** Whose a process is: what nobody outside can see for sure. */
type Owner = string;

interface LivingProcess extends ProcessStat {
  readonly owner: Owner;
  /** null: it has cleared its environment. */
  readonly mark: string | null;
  readonly stopped: boolean;
  /** It is becoming another program, or on its way out: for now it shows nothing. */
  readonly blank: boolean;
}

const INIT_PID = 1;
const FIRST_PID = 2;
const PIDS = 24;
const BIRTHS_PER_TICK = 3;
/** That one that becomes another program has become it, at each look: it takes a walk or two. */
const SHOWS_AGAIN = 0.03;

/**
 * A machine with so few pids that they are given again all the time, and whose processes fork, end, begin sessions, become
 * other programs and clear their environment between any two looks at them.
 */
export class ScriptedMachine implements ProcessTable, ProcessSignals {
  readonly #random: Random;
  readonly #living = new Map<number, LivingProcess>();
  readonly #lastTick = new Map<number, number>();
  #births = 0;
  #nextPid = FIRST_PID;
  #newestPid = FIRST_PID;
  /** How much may happen between two looks. */
  restlessness = 6;
  readonly sent: { readonly owner: Owner; readonly signal: UnitSignal }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Begins a process that leads a session; null where no pid is free. */
  begin(owner: Owner, mark: string | null): ProcessStat | null {
    const pid = this.#freePid();
    if (pid === null) return null;
    return this.#bear({ pid, parentPid: INIT_PID, groupId: pid, sessionId: pid, owner, mark });
  }

  living(owner: Owner): readonly LivingProcess[] {
    return [...this.#living.values()].filter((process) => process.owner === owner);
  }

  end(pid: number): void {
    this.#living.delete(pid);
    for (const child of this.#living.values()) {
      if (child.parentPid === pid) this.#living.set(child.pid, { ...child, parentPid: INIT_PID });
    }
  }

  happen(): void {
    for (const one of this.#living.values()) {
      if (one.blank && this.#random.next() < SHOWS_AGAIN) this.#living.set(one.pid, { ...one, blank: false });
    }
    for (let events = Math.floor(this.#random.next() * (this.restlessness + 1)); events > 0; events--) {
      this.#happenOnce();
    }
  }

  #happenOnce(): void {
    const processes = [...this.#living.values()].filter(({ stopped, blank }) => !stopped && !blank);
    const one = processes[Math.floor(this.#random.next() * processes.length)];
    const what = this.#random.next();
    if (!one || what < 0.1) this.begin('stranger', null);
    else if (what < 0.45) this.#fork(one);
    else if (what < 0.7) this.end(one.pid);
    else if (what < 0.8) this.#living.set(one.pid, { ...one, blank: true });
    else if (what < 0.88) this.#living.set(one.pid, { ...one, mark: null });
    else if (one.groupId !== one.pid)
      this.#living.set(one.pid, { ...one, groupId: one.pid, sessionId: one.pid });
  }

  stat(pid: number): ProcessStat | null {
    this.happen();
    return this.#living.get(pid) ?? null;
  }

  pids(): readonly number[] {
    this.happen();
    return [...this.#living.keys()];
  }

  newestPid(): number {
    this.happen();
    return this.#newestPid;
  }

  environ(pid: number): string | null {
    this.happen();
    const process = this.#living.get(pid);
    if (!process) return null;
    if (process.blank) return '';
    return process.mark === null ? 'A=1' : `A=1\0${UNIT_VARIABLE}=${process.mark}`;
  }

  isBlank(pid: number): boolean {
    this.happen();
    return this.#living.get(pid)?.blank === true;
  }

  ioBytes(): null {
    return null;
  }

  pageBytes(): number {
    return 4096;
  }

  bootId(): string {
    return 'boot';
  }

  send(pid: number, signal: UnitSignal): boolean {
    const process = this.#living.get(pid);
    if (!process) return false;
    this.sent.push({ owner: process.owner, signal });
    if (signal === 'SIGKILL') this.end(pid);
    else if (signal === 'SIGSTOP')
      this.#living.set(pid, { ...process, stopped: true, blank: false, state: 'T' });
    return true;
  }

  #fork(parent: LivingProcess): void {
    const pid = this.#freePid();
    if (pid === null) return;
    const { groupId, sessionId, owner, mark } = parent;
    this.#bear({ pid, parentPid: parent.pid, groupId, sessionId, owner, mark });
  }

  #bear(
    born: Pick<LivingProcess, 'pid' | 'parentPid' | 'groupId' | 'sessionId' | 'owner' | 'mark'>,
  ): ProcessStat {
    const process = {
      ...born,
      startTicks: this.#tick(),
      cpuTicks: 0,
      reapedTicks: 0,
      residentPages: 0,
      state: 'S',
      stopped: false,
      blank: false,
    };
    this.#births++;
    this.#newestPid = born.pid;
    this.#lastTick.set(born.pid, process.startTicks);
    this.#living.set(born.pid, process);
    return process;
  }

  /** As the kernel: the next one that is neither a process nor the number of a group or session that has members. */
  #freePid(): number | null {
    const taken = new Set(
      [...this.#living.values()].flatMap(({ pid, groupId, sessionId }) => [pid, groupId, sessionId]),
    );
    for (let tried = 0; tried < PIDS; tried++) {
      const pid = this.#nextPid;
      this.#nextPid = FIRST_PID + ((this.#nextPid - FIRST_PID + 1) % PIDS);
      // Within one tick no kernel goes through all of its pids.
      if (!taken.has(pid) && this.#lastTick.get(pid) !== this.#tick()) return pid;
    }
    return null;
  }

  #tick(): number {
    return Math.floor(this.#births / BIRTHS_PER_TICK);
  }
}
