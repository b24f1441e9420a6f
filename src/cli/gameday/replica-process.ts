import { createProcessTable } from '#fleet';

/** One process of this machine: its pid may be another's later on. */
export interface ReplicaProcess {
  readonly pid: number;
  /** When it began, in clock ticks since the boot. */
  readonly start_ticks: number;
}

const table = createProcessTable();

/** The process of a pool's agent as the server names it; null where it is gone, also where another one has its pid by now. */
export function processOf(replica: {
  readonly agent_id: string;
  readonly pid: number | null;
}): ReplicaProcess | null {
  const { agent_id: agentId, pid } = replica;
  const stat = pid === null ? null : table.stat(pid);
  if (!stat || stat.state === 'Z') return null;
  const isOfAgent = table.environ(stat.pid)?.split('\0').includes(`OMOI_AGENT_ID=${agentId}`) ?? false;
  return isOfAgent ? { pid: stat.pid, start_ticks: stat.startTicks } : null;
}

/** Signals a process; false where it is gone, and nobody is signalled in its place. */
export function signalProcess(
  { pid, start_ticks: startTicks }: ReplicaProcess,
  signal: NodeJS.Signals,
): boolean {
  if (table.stat(pid)?.startTicks !== startTicks) return false;
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
