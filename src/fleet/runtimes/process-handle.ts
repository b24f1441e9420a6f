import { createHash } from 'node:crypto';
import { isRunning, type ProcessStat, type ProcessTable } from './process-table.ts';

/** What names one process of this machine for ever: pids are given again, start times within a boot are not. */
export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: number;
}

/** The process that a unit began with, and the mark that all it starts inherits. */
export interface UnitIdentity extends ProcessIdentity {
  /** The value of `UNIT_VARIABLE` in their environment; null for a unit of an Omoi that gave none. */
  readonly unitId: string | null;
}

/** Whatever a unit starts, in whatever session, inherits this variable unless it clears its environment. */
export const UNIT_VARIABLE = 'OMOI_UNIT_ID';

const UNIT_ID_LENGTH = 32;

/** Says nothing of the nonce, which is a secret. */
export function unitIdOf(nonce: string): string {
  return createHash('sha256').update(`unit ${nonce}`).digest('hex').slice(0, UNIT_ID_LENGTH);
}

/** `boot id/pid/start ticks`, and `/unit id` where it has one */
export function formatHandle({ bootId, pid, startTicks, unitId }: UnitIdentity): string {
  const process = `${bootId}/${pid}/${startTicks}`;
  return unitId === null ? process : `${process}/${unitId}`;
}

/** @returns null for what is no handle of this runtime */
export function parseHandle(handle: string): UnitIdentity | null {
  const [bootId, pid, startTicks, unitId] = handle.split('/');
  if (bootId === undefined || pid === undefined || startTicks === undefined) return null;
  return { bootId, pid: Number(pid), startTicks: Number(startTicks), unitId: unitId ?? null };
}

/** The process of that identity, if it still runs. */
export function findProcess(
  table: Pick<ProcessTable, 'bootId' | 'stat'>,
  identity: ProcessIdentity,
): ProcessStat | null {
  if (identity.bootId !== table.bootId()) return null;
  const stat = table.stat(identity.pid);
  return isRunning(stat) && stat.startTicks === identity.startTicks ? stat : null;
}
