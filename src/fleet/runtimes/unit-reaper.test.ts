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
    return {
      pid,
      state,
      parentPid: 1,
      groupId: pid,
      sessionId: 7,
      cpuTicks: 0,
      reapedTicks: 0,
      residentPages: 0,
      startTicks: pid,
    };
  }

  environ(pid: number): string | null {
    return this.stat(pid) && `${UNIT_VARIABLE}=${MARK}`;
  }

  isBlank(): boolean {
    return false;
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

/** A machine whose one process becomes another program while its parent, the unit's first, has just gone. */
class BlankMachine implements ProcessTable, ProcessSignals {
  readonly #clock: VirtualClock;
  readonly #process: { readonly mark: string; readonly showsAtMs: number };
  runs = true;

  constructor(clock: VirtualClock, process: { readonly mark: string; readonly showsAtMs: number }) {
    this.#clock = clock;
    this.#process = process;
  }

  pids(): readonly number[] {
    return [FIRST_PID];
  }

  newestPid(): number {
    return FIRST_PID;
  }

  stat(pid: number): ProcessStat | null {
    if (!this.runs || pid !== FIRST_PID) return null;
    return {
      pid,
      state: 'R',
      parentPid: 1,
      groupId: 2,
      sessionId: 2,
      cpuTicks: 0,
      reapedTicks: 0,
      residentPages: 0,
      startTicks: pid,
    };
  }

  isBlank(pid: number): boolean {
    return this.stat(pid) !== null && this.#clock.monotonicMs() < this.#process.showsAtMs;
  }

  environ(pid: number): string | null {
    if (!this.stat(pid)) return null;
    return this.isBlank(pid) ? '' : `${UNIT_VARIABLE}=${this.#process.mark}`;
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

  send(_pid: number, signal: UnitSignal): boolean {
    if (signal === 'SIGKILL') this.runs = false;
    return true;
  }
}

it.each([
  ['of the unit, it ends with it', { mark: MARK, showsAtMs: 300 }, { runs: false, fromMs: 300, toMs: 1000 }],
  [
    'a stranger’s, it is left alone',
    { mark: 'another', showsAtMs: 300 },
    { runs: true, fromMs: 300, toMs: 1000 },
  ],
  [
    'shown never, it is left alone',
    { mark: MARK, showsAtMs: Infinity },
    { runs: true, fromMs: 1900, toMs: 5000 },
  ],
])('whose a process is that becomes another program is waited for: %s', async (_, process, expected) => {
  const clock = new VirtualClock();
  const startedMs = clock.monotonicMs();
  const machine = new BlankMachine(clock, { ...process, showsAtMs: startedMs + process.showsAtMs });
  const parts = { clock, logger: silentLogger, table: machine, signals: machine, groups: null };
  const reaper = new UnitReaper(parts);
  const endedMs: number[] = [];
  void reaper
    .end({ bootId: 'boot', pid: 2, startTicks: 2, unitId: MARK }, 0)
    .then(() => endedMs.push(clock.monotonicMs() - startedMs));
  for (let turn = 0; turn < 10_000 && endedMs.length === 0; turn++) await clock.advance(1);
  expect(machine.runs).toBe(expected.runs);
  expect(endedMs[0]).toBeGreaterThanOrEqual(expected.fromMs);
  expect(endedMs[0]).toBeLessThan(expected.toMs);
  reaper.close();
});
