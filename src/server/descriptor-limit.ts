import { readFileSync } from 'node:fs';

/** What databases, logs, outgoing connections and starts of agents need besides connections that come in. */
const RESERVED_DESCRIPTORS = 512;
const MIN_CONNECTIONS = 128;

/** A line of `/proc/PID/limits`: name, soft limit, hard limit, unit (proc_pid_limits(5)). */
const OPEN_FILES = /^Max open files\s+(\d+)\s/m;

/** How many files this process may have open; null where nobody says, or there is no limit. */
export function descriptorLimit(limits = '/proc/self/limits'): number | null {
  try {
    const soft = OPEN_FILES.exec(readFileSync(limits, 'utf8'))?.[1];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}

/** As many connections as are wanted, and as leave descriptors for all else: where those end nothing works. */
export function connectionsWithin(wanted: number, descriptors: number | null): number {
  if (descriptors === null) return wanted;
  return Math.min(wanted, Math.max(MIN_CONNECTIONS, descriptors - RESERVED_DESCRIPTORS));
}
