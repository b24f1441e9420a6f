import {
  createProcessSignals,
  membersOf,
  sightProcesses,
  UnitReaper,
  type ProcessTable,
  type UnitIdentity,
} from '#fleet';
import { keepAliveDuring } from '#server';
import { createSystemClock, silentLogger, Stretch } from '#telemetry';

/** What becomes of processes that a command has started and that outlive it. */
export const LEFT_BEHIND_CHOICES = ['leave', 'end'] as const;
export type LeftBehindChoice = (typeof LEFT_BEHIND_CHOICES)[number];

export interface LeftBehindOptions {
  readonly choice: LeftBehindChoice;
  readonly table: ProcessTable;
  /** From SIGTERM to SIGKILL, for `end`. */
  readonly graceMs: number;
  readonly onWarning: (message: string) => void;
}

/** Ends what is left of a command whose first process has ended, or tells of it and lets it go on unwatched. */
export async function settleLeftBehind(unit: UnitIdentity, options: LeftBehindOptions): Promise<void> {
  const { choice, table, graceMs, onWarning } = options;
  const clock = createSystemClock();
  const sighted = await keepAliveDuring(() => sightProcesses(table, unit.startTicks, new Stretch(clock)));
  const pids = membersOf(unit, sighted).map(({ process }) => process.pid);
  // Where somebody shows nothing yet, who ends what is left looks until it is known.
  if (pids.length === 0 && (choice === 'leave' || sighted.blank.length === 0)) return;
  const named = `${pids.length === 1 ? 'process' : 'processes'} ${pids.join(', ')}`;
  if (choice === 'leave') {
    onWarning(
      `${named} left behind by the command: not watched any more (--left-behind end ends what is left)`,
    );
    return;
  }
  if (pids.length > 0) onWarning(`${named} left behind by the command: ended`);
  const signals = createProcessSignals();
  const reaper = new UnitReaper({ clock, logger: silentLogger, table, signals, groups: null });
  const ending = await keepAliveDuring(() => reaper.end(unit, graceMs));
  reaper.close();
  if (ending === 'lingering') onWarning(`${named} left behind by the command: do not end by SIGKILL`);
}
