import { readlinkSync } from 'node:fs';
import { createProcessTable, findProcess } from '#fleet';
import type { ServerProcesses } from '#storage';

/** This process, and what can be seen of other servers' on this machine. */
export function serverProcesses(): ServerProcesses {
  const table = createProcessTable();
  const self = {
    bootId: table.bootId(),
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startTicks: table.stat(process.pid)?.startTicks ?? null,
  };
  return {
    self,
    hasEnded({ bootId, pidNamespace: namespace, pid, startTicks }) {
      const isSeen = bootId === self.bootId && namespace !== null && namespace === self.pidNamespace;
      return isSeen && startTicks !== null && findProcess(table, { bootId, pid, startTicks }) === null;
    },
  };
}

/** `pid:[4026531836]`; null where the system has none to show. */
function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}
