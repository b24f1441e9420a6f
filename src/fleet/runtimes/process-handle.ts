import { isRunning, type ProcessStat, type ProcessTable } from './process-table.ts';

/** What names one process of this machine for ever: pids are given again, start times within a boot are not. */
export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: number;
}

/** `boot id/pid/start ticks` */
export function formatHandle(identity: ProcessIdentity): string {
  return `${identity.bootId}/${identity.pid}/${identity.startTicks}`;
}

/** @returns null for what is no handle of this runtime */
export function parseHandle(handle: string): ProcessIdentity | null {
  const [bootId, pid, startTicks] = handle.split('/');
  if (bootId === undefined || pid === undefined || startTicks === undefined) return null;
  return { bootId, pid: Number(pid), startTicks: Number(startTicks) };
}

/** The process of that identity, if it still runs. */
export function findProcess(table: ProcessTable, identity: ProcessIdentity): ProcessStat | null {
  if (identity.bootId !== table.bootId()) return null;
  const stat = table.stat(identity.pid);
  return isRunning(stat) && stat.startTicks === identity.startTicks ? stat : null;
}
