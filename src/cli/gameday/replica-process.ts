import { readdirSync, readlinkSync } from 'node:fs';
import { createProcessTable, readOrEmpty } from '#fleet';

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

/**
 * Whether something that its server has sent still waits for a process to read it: what it was given by that it does not know.
 * False where no server is in its environment.
 */
export function hasUnreadAnswer({ pid }: ReplicaProcess): boolean {
  const port = serverPortOf(pid);
  if (port === null) return false;
  const own = socketsOf(pid);
  return ['tcp', 'tcp6'].some((name) => {
    const [, ...connections] = readOrEmpty(`/proc/${pid}/net/${name}`).split('\n');
    return connections.some((line) => {
      // proc(5): number, local and remote address, state, what waits to be sent and to be read, timer, retries, uid, timeout, inode.
      const [, , remote = '', , queues = '', , , , , inode = ''] = line.trim().split(/\s+/);
      const isServer = Number.parseInt(remote.split(':')[1] ?? '', 16) === port;
      return isServer && own.has(inode) && Number.parseInt(queues.split(':')[1] ?? '', 16) > 0;
    });
  });
}

function serverPortOf(pid: number): number | null {
  const url = table
    .environ(pid)
    ?.split('\0')
    .find((variable) => variable.startsWith('OMOI_URL='))
    ?.slice('OMOI_URL='.length);
  if (url === undefined || !URL.canParse(url)) return null;
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** The inodes of a process's sockets; none where it has ended. */
function socketsOf(pid: number): ReadonlySet<string> {
  const inodes = new Set<string>();
  let descriptors: readonly string[] = [];
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return inodes;
  }
  for (const descriptor of descriptors) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOrEmpty(`/proc/${pid}/fd/${descriptor}`))?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}

function linkOrEmpty(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
