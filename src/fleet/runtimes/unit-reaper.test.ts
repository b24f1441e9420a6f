import { expect, it } from 'vitest';
import { silentLogger, VirtualClock } from '#telemetry';
import { UNIT_VARIABLE } from './process-handle.ts';
import type { ProcessStat, ProcessTable } from './process-table.ts';
import { UnitReaper, type UnitEnding } from './unit-reaper.ts';
import type { ProcessSignals, UnitSignal } from './unit-tree.ts';

const MARK = 'unit-a';
const FIRST_PID = 100;

/**
 * A process that starts the next one and goes, again and again: between a list of all processes and a look at those in
 * the list it has always done so.
 */
class FleeingProcess implements ProcessTable, ProcessSignals {
  readonly stopped = new Set<number>();
  #pid = FIRST_PID;
  /** The first time it has already started the next one when it is stopped. */
  #startsAfterStop = true;
  #runs = true;

  pids(): readonly number[] {
    const listed = [...this.stopped, ...(this.#runs ? [this.#pid] : [])];
    this.#goOn();
    return listed;
  }

  newestPid(): number {
    this.#goOn();
    return this.#pid;
  }

  stat(pid: number): ProcessStat | null {
    const isThere = this.stopped.has(pid) || (this.#runs && pid === this.#pid);
    if (!isThere) return null;
    const state = this.stopped.has(pid) ? 'T' : 'R';
    return { pid, state, parentPid: 1, groupId: pid, sessionId: 7, cpuTicks: 0, startTicks: pid };
  }

  environ(pid: number): string | null {
    return this.stat(pid) && `${UNIT_VARIABLE}=${MARK}`;
  }

  ioBytes(): null {
    return null;
  }

  bootId(): string {
    return 'boot';
  }

  send(pid: number, signal: UnitSignal): boolean {
    if (!this.stat(pid)) return false;
    if (signal === 'SIGKILL') this.stopped.delete(pid);
    if (signal === 'SIGSTOP' && !this.stopped.has(pid)) {
      this.stopped.add(pid);
      if (this.#startsAfterStop) this.#pid++;
      else this.#runs = false;
      this.#startsAfterStop = false;
    }
    return true;
  }

  get runs(): boolean {
    return this.#runs || this.stopped.size > 0;
  }

  #goOn(): void {
    if (this.#runs) this.#pid++;
  }
}

it.each([0, 50])(
  'ends what starts the next process and goes before a walk comes to it (grace %i ms)',
  async (graceMs) => {
    const machine = new FleeingProcess();
    const clock = new VirtualClock();
    const parts = { clock, logger: silentLogger, table: machine, signals: machine, groups: null };
    const reaper = new UnitReaper(parts);
    const unit = { bootId: 'boot', pid: 2, startTicks: 2, unitId: MARK };
    const endings: UnitEnding[] = [];
    void reaper.end(unit, graceMs).then((ending) => endings.push(ending));
    for (let turn = 0; turn < 200 && endings.length === 0; turn++) await clock.advance(1);
    expect({ endings, runs: machine.runs }).toEqual({ endings: ['ended'], runs: false });
    reaper.close();
  },
);
