import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

/** Of `nice`: beside a thread at 0 this one gets a tenth of a CPU that both want, and all of one that nobody wants. */
const BACKGROUND_NICENESS = 10;

/**
 * Lets the other threads of the process go first where CPUs are scarce. On Linux each thread has a priority of its own;
 * elsewhere, and where a sandbox forbids it, nothing changes.
 */
export function stayInBackground(): void {
  if (process.platform !== 'linux') return;
  try {
    const thread = Number(basename(readlinkSync('/proc/thread-self')));
    setPriority(thread, Math.max(getPriority(thread), BACKGROUND_NICENESS));
  } catch {
    // It works as well at the common priority, only less politely.
  }
}
